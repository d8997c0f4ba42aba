"""Motion: an action's script, played by one person once."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import PchipInterpolator

from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.poses import ANGLES, GAIT, KEY_POSES, LIMITS_RAD, SCRIPTS, Script

STRIDE_MM = 620.0
"""Way of the pelvis during one step of a person of middle size."""
PAUSE_CHANCE = 0.02
"""Chance at each half step that a walker whose script has key poses stops for one."""
CIRCLE_MM = (750.0, 1250.0)
"""Radius of the circle walked."""
OFF_CENTER_MM = 300.0
"""Farthest that the middle of somebody's way is from the middle of the room, along each axis."""
WANDER_MM = 250.0
TURN_RAD = 0.8
"""Spread of place and of turns every four seconds of somebody who stays."""
STREAMS = {"style": 0, "clip": 1, "crop": 2, "room": 3}


class Key(NamedTuple):
    """A key pose at a time of the clip, and the speed of walking there."""

    time_s: float
    pose: str
    speed_mm_s: float


@dataclass(frozen=True, eq=False)
class Motion:
    """Joint angles and place of a person at a clip's instants; ``on_seat`` where a seat carries the weight."""

    angles_rad: Float[np.ndarray, "instants angles"]
    yaw_rad: Float[np.ndarray, " instants"]
    position_mm: Float[np.ndarray, "instants 2"]
    on_seat: Bool[np.ndarray, " instants"]


def stream(config: StudioConfig, name: str, *keys: str | int) -> np.random.Generator:
    """Random numbers that depend on the seed and the keys alone, in every process."""
    words = [config.seed, STREAMS[name]]
    for key in keys:
        words += [key] if isinstance(key, int) else list(key.encode())
    return np.random.default_rng(np.random.SeedSequence(words))


def play(config: StudioConfig, subject: str, action: str, subaction: int) -> Motion:
    """Play one clip."""
    rng = stream(config, "clip", subject, action, subaction)
    style = stream(config, "style", subject)
    offset = style.normal(0, config.style_rad, len(ANGLES))
    amplitude, tempo = 1 + config.amplitude_spread * style.normal(), style.uniform(0.9, 1.1)
    script = SCRIPTS[action]
    time_s = np.arange(config.instants) * config.instant_gap_s
    keys = _schedule(config, script, float(time_s[-1]), tempo, rng)
    key_times = np.array([key.time_s for key in keys])
    angles = np.stack([KEY_POSES[key.pose].angles_rad() for key in keys])
    mean = angles.mean(axis=0)
    angles = PchipInterpolator(key_times, mean + amplitude * (angles - mean) + offset)(time_s)
    angles = np.clip(angles + _sway(config, time_s, rng), LIMITS_RAD[:, 0], LIMITS_RAD[:, 1])
    seat = PchipInterpolator(key_times, [float(KEY_POSES[key.pose].on_seat) for key in keys])(time_s)
    if script.walks is None:
        yaw, position = _stay(time_s, rng)
    else:
        yaw, position = _go_round(time_s, PchipInterpolator(key_times, [key.speed_mm_s for key in keys]), rng)
    return Motion(angles, yaw, position, seat > 0.5)


def _schedule(
    config: StudioConfig, script: Script, duration_s: float, tempo: float, rng: np.random.Generator
) -> list[Key]:
    """Draw the key poses of a clip, from before its start until after ``duration_s``."""
    step_s = rng.uniform(*config.step_s) / tempo
    now = -rng.uniform(0, 1.5)
    keys: list[Key] = []
    steps, last = 0, ""
    while now < duration_s + 1.0:
        if script.walks and (not script.weights or rng.random() > PAUSE_CHANCE):
            keys.append(Key(now, f"{script.walks}_{GAIT[steps % len(GAIT)]}", STRIDE_MM / step_s))
            steps, now = steps + 1, now + step_s / 2
            continue
        last = _other_pose(script, last, rng)
        start = now + rng.uniform(*config.key_move_s) / tempo if keys else now
        end = start + rng.uniform(*config.key_hold_s) / tempo
        keys += [Key(start, last, 0.0), Key(end, last, 0.0)]
        # After a pause a walker needs time to rise; between gestures the next one's way counts.
        now = end + rng.uniform(*config.key_move_s) if script.walks else end
    return keys


def _other_pose(script: Script, last: str, rng: np.random.Generator) -> str:
    """Draw a key pose by its weight, never the same twice in a row where there is a choice."""
    names = list(script.weights)
    weights = np.array([script.weights[name] * (name != last or len(names) == 1) for name in names])
    return str(rng.choice(names, p=weights / weights.sum()))


def _sway(
    config: StudioConfig, time_s: Float[np.ndarray, " instants"], rng: np.random.Generator
) -> Float[np.ndarray, "instants angles"]:
    """Slow smooth wandering with standard deviation ``sway_rad``."""
    knots = np.arange(time_s[0] - 2.0, time_s[-1] + 4.0, 2.0)
    return PchipInterpolator(knots, rng.normal(0, config.sway_rad, (len(knots), len(ANGLES))))(time_s)


def _stay(
    time_s: Float[np.ndarray, " instants"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, " instants"], Float[np.ndarray, "instants 2"]]:
    """Yaw and place of somebody who stays about a place and turns now and then."""
    knots = np.arange(-4.0, time_s[-1] + 8.0, 4.0)
    yaw = rng.uniform(-np.pi, np.pi) + np.cumsum(rng.normal(0, TURN_RAD, len(knots)))
    place = rng.uniform(-OFF_CENTER_MM, OFF_CENTER_MM, 2) + rng.normal(0, WANDER_MM, (len(knots), 2))
    return PchipInterpolator(knots, yaw)(time_s), PchipInterpolator(knots, place)(time_s)


def _go_round(
    time_s: Float[np.ndarray, " instants"], speed_mm_s: PchipInterpolator, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " instants"], Float[np.ndarray, "instants 2"]]:
    """Yaw and place of somebody who walks round the room at a given speed."""
    start, sense = rng.uniform(-np.pi, np.pi), rng.choice([-1.0, 1.0])
    center, radius = rng.uniform(-OFF_CENTER_MM, OFF_CENTER_MM, 2), rng.uniform(*CIRCLE_MM)
    fine = np.linspace(0.0, time_s[-1], 64 * len(time_s))
    way = np.concatenate([[0.0], np.cumsum(speed_mm_s(fine[1:]) * np.diff(fine))])
    turn = start + sense * np.interp(time_s, fine, way) / radius
    place = center + radius * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    # The way's direction is a quarter turn ahead of ``turn``; at yaw 0 the body faces -Y, a quarter turn behind +X.
    return turn + sense * np.pi / 2 + np.pi / 2, place
