"""Motion: an action's script, played by one person once."""

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

from data_modules.sources.studio.actor import Actor, Ground, free_ground, script_mean
from data_modules.sources.studio.body import Body, Posture
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream
from data_modules.sources.studio.furniture import Seat
from data_modules.sources.studio.gait import Walker
from data_modules.sources.studio.poses import ANGLES, KEY_POSES, SCRIPTS, Script
from data_modules.sources.studio.style import draw_style, taste
from data_modules.sources.studio.take import Angles, Jump, Place

HOLD_S, MOVE_S = (0.4, 1.3), (0.6, 1.05)
"""Shortest and longest time that a key pose is held, and that the way to it takes."""
TURN_S_PER_RAD = 0.4
"""A way with a turn takes so much longer."""
TURN_CHANCE, TURN_RAD, LARGEST_TURN_RAD = 0.4, 0.7, 1.1
"""How often and how far somebody who stands turns on the way to a key pose."""
TRAVEL_CHANCE, TRAVEL_MM = 0.35, 160.0
"""How often and how far, along either axis, somebody who stands changes place on the way to a key pose."""
SEAT_YAW_RAD, LARGEST_SEAT_YAW_RAD = 0.15, 0.4
"""How far from straight ahead people sit on a seat."""
JUMP_MM = (70.0, 230.0)
CROUCH_S, LAND_S = 0.36, 0.3
"""From the crouch to the floor's loss, and from landing to the end of the bend that takes it up."""
SWAY_RAD, LEG_SWAY_RAD, SWAY_MM = 0.04, 0.015, 9.0
"""Slow wandering of each joint angle and of the place of the body."""
SEAT_SWAY_MM = 1.5
BEFORE_S, AFTER_S = 2.0, 1.0
"""Time that is played before and after what is seen."""


def perform(config: StudioConfig, subject: str, action: str, subaction: int, body: Body, seat: Seat) -> Posture:
    """Play one clip: postures at the instants of ``config``, in the world.

    Args:
        config: tells the seed and the times.
        subject: who.
        action: what.
        subaction: which time, from 1.
        body: the person's.
        seat: the person's chair, on which the person sits in some clips, and which all other clips keep clear of.
    """
    rng = stream(config.seed, "clip", subject, action, subaction)
    time_s = np.arange(config.instants) * config.instant_gap_s
    script = SCRIPTS[action]
    names = _of_one_support(script, rng)
    support = KEY_POSES[names[0]].support if names else "feet"
    actor = Actor(body, draw_style(config, subject), rng, seat if support == "seat" else None)
    weights = np.array([script.weights[name] * taste(config, subject, name) for name in names])
    player = Player(actor, names, weights, None if script.walks else free_ground(seat))
    until_s = float(time_s[-1]) + AFTER_S
    if script.walks:
        Walker(actor, script.walks, seat).walk(-rng.uniform(1.0, 3.0), until_s, player.pause if names else None)
    else:
        player.play(-rng.uniform(0.0, BEFORE_S), until_s)
    sway = np.array([LEG_SWAY_RAD if "leg" in name and support != "floor" else SWAY_RAD for name in ANGLES])
    return actor.take.act(
        time_s,
        _wander(time_s, sway, rng),
        _wander(time_s, np.full(2, SEAT_SWAY_MM if support == "seat" else SWAY_MM), rng),
    )


class Player:
    """Plays the key poses of a script, one after the other.

    Args:
        ground: where the person stays; None for a walker, who pauses wherever that is.
    """

    def __init__(
        self, actor: Actor, names: list[str], weights: Float[np.ndarray, " poses"], ground: Ground | None
    ) -> None:
        self.actor, self.names, self.weights, self.ground = actor, names, weights, ground
        self.rng, self.tempo = actor.rng, actor.style.tempo
        if names:
            self.means = {mirrored: script_mean(names, mirrored) for mirrored in (False, True)}
        self.last = ""

    def play(self, start_s: float, until_s: float) -> None:
        """Take key poses from ``start_s`` on until after ``until_s``."""
        now = start_s
        if self.ground:
            xy = self.ground.center_mm + self.rng.uniform(-0.7, 0.7, 2) * self.ground.radius_mm
            self.actor.place = Place.at(xy, 0.0, self.rng.uniform(-np.pi, np.pi))
        while now < until_s:
            now = self.take_pose(self._other_pose(), now)

    def take_pose(self, name: str, now_s: float, in_place: bool = False) -> float:
        """Go to a key pose and hold it; return when that is over."""
        if name == "jump":
            return self._jump(now_s)
        yaw, travel = (self.actor.place.yaw_rad, np.zeros(2)) if in_place else self._way()
        turned = abs(yaw - self.actor.place.yaw_rad)
        reach_s = now_s + self.rng.uniform(*MOVE_S) / self.tempo + TURN_S_PER_RAD * turned
        leave_s = reach_s + self.rng.uniform(*HOLD_S) / self.tempo
        self._bring(name, self.actor.other_hand(), now_s, reach_s, leave_s, yaw, travel)
        return leave_s

    def pause(self, now_s: float) -> float:
        """Take one key pose where the person stands; return when it is over."""
        return self.take_pose(self._other_pose(), now_s, in_place=True)

    def _bring(
        self,
        name: str,
        mirrored: bool,
        now_s: float,
        reach_s: float,
        leave_s: float,
        yaw_rad: float,
        travel_mm: Float[np.ndarray, " 2"],
    ) -> Angles:
        """Write a key pose down, held from ``reach_s`` to ``leave_s``."""
        actor = self.actor
        pose = KEY_POSES[name].mirrored() if mirrored else KEY_POSES[name]
        angles = actor.styled(pose, self.means[mirrored])
        stance = actor.stance(pose, angles)
        if actor.take.seat:
            ahead = stance.ahead_mm * np.array([np.sin(yaw_rad), -np.cos(yaw_rad)])
            place = Place.at(actor.take.seat.center_mm + ahead, stance.root_mm, yaw_rad)
        else:
            place = actor.standing_place(stance, yaw_rad, travel_mm)
            if self.ground:
                place = Place.at(self.ground.nearest(place.xy_mm), place.z_mm, yaw_rad)
        if pose.support != "floor":
            actor.stand(stance, place, now_s, reach_s)
        actor.take.key(reach_s, angles, place)
        if leave_s > reach_s:
            actor.take.key(leave_s, actor.drifted(angles), place)
        actor.place = place
        return angles

    def _way(self) -> tuple[float, Float[np.ndarray, " 2"]]:
        """Draw the yaw of the next key pose, and how far it is away."""
        turn = self.rng.normal(0, TURN_RAD if self.rng.random() < TURN_CHANCE else 0.05)
        travel = self.rng.normal(0, TRAVEL_MM, 2) * (self.rng.random() < TRAVEL_CHANCE)
        if seat := self.actor.take.seat:
            off = np.clip(self.rng.normal(0, SEAT_YAW_RAD), -LARGEST_SEAT_YAW_RAD, LARGEST_SEAT_YAW_RAD)
            return seat.yaw_rad + float(off), np.zeros(2)
        if KEY_POSES[self.names[0]].support == "floor":
            turn, travel = turn / 4, np.zeros(2)
        return self.actor.place.yaw_rad + float(np.clip(turn, -LARGEST_TURN_RAD, LARGEST_TURN_RAD)), travel

    def _jump(self, now_s: float) -> float:
        """Crouch, leave the floor, and take the landing up with the knees; return when that is over."""
        yaw, still, mirrored = self.actor.place.yaw_rad, np.zeros(2), self.actor.other_hand()
        crouch_s = now_s + self.rng.uniform(*MOVE_S) / self.tempo
        jump = Jump(crouch_s + CROUCH_S, self.rng.uniform(*JUMP_MM))
        landed_s = jump.start_s + jump.flight_s
        self._bring("crouch", mirrored, now_s, crouch_s, crouch_s, yaw, still)
        self._bring("jump", mirrored, crouch_s, jump.start_s, landed_s, yaw, still)
        self._bring("land", mirrored, landed_s, landed_s + LAND_S, landed_s + LAND_S, yaw, still)
        self.actor.take.jumps.append(jump)
        return landed_s + LAND_S

    def _other_pose(self) -> str:
        """Draw a key pose by its weight, never the same twice in a row where there is a choice."""
        weights = self.weights * [name != self.last or len(self.names) == 1 for name in self.names]
        self.last = str(self.rng.choice(self.names, p=weights / weights.sum()))
        return self.last


def _of_one_support(script: Script, rng: np.random.Generator) -> list[str]:
    """Names of the script's key poses on the feet, or on a seat, or on the floor: the clip stays there."""
    names = list(script.weights)
    if not names:
        return []
    weights = np.array(list(script.weights.values()))
    chosen = KEY_POSES[str(rng.choice(names, p=weights / weights.sum()))].support
    return [name for name in names if KEY_POSES[name].support == chosen]


def _wander(
    time_s: Float[np.ndarray, " instants"], spread: Float[np.ndarray, " values"], rng: np.random.Generator
) -> Float[np.ndarray, "instants values"]:
    """Slow smooth wandering of values about 0 with standard deviations ``spread``."""
    knots = np.arange(-2.0, time_s[-1] + 4.0, 2.0)
    return PchipInterpolator(knots, spread * rng.normal(size=(len(knots), len(spread))))(time_s)
