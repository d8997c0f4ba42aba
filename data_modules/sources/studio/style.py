"""How one person does everything: what a friend would recognise from afar."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream
from data_modules.sources.studio.poses import ANGLES

LEFT_HANDED_SHARE = 0.3
"""More than among people, so that few people drawn hold both kinds."""
OTHER_HAND_SHARE = 0.25
"""How often somebody does with the other hand what one hand does."""
TASTE_SPREAD = 0.7
"""Standard deviation of the logarithm of somebody's liking for each key pose."""
POSTURE_SPREAD_RAD: dict[str, float] = {
    "pelvis_pitch": 0.045, "pelvis_roll": 0.02, "spine_flex": 0.09, "spine_side": 0.03, "spine_twist": 0.05,
    "head_pitch": 0.11, "head_yaw": 0.07,
    "arm_forward": 0.08, "arm_outward": 0.07, "arm_twist": 0.09, "arm_elbow": 0.12,
    "leg_forward": 0.025, "leg_outward": 0.035, "leg_twist": 0.06, "leg_knee": 0.035,
}  # fmt: skip
"""Between people, of each joint angle; constant over all that a person does."""
ASYMMETRY_SHARE = 0.5
"""Spread of the difference of the two sides, as a share of the spread of what both have in common."""


@dataclass(frozen=True, eq=False)
class Style:
    """One person's way of moving.

    Attributes:
        posture_rad: joint angles added to every posture: slouch, lean, carriage of the head, how arms hang.
        tempo, amplitude: speed, and size of gestures, as shares of the usual.
        left_handed: does mostly with the left what others do with the right.
        step_share: length of a step as a share of the leg's.
        cadence_hz: steps a second.
        arm_swing: of the left and of the right arm, as a share of the usual.
        bob_mm, shift_mm: rise of the pelvis over the standing leg, and its shift to that leg's side.
        hip_turn_rad: turn of the pelvis with each step.
        track_mm: distance of the feet across the way.
        toe_out_rad: how far the feet turn outwards.
        strike_rad, push_rad: how far the toes are up when a foot comes down, and the heel when it leaves.
        unevenness: difference of steps to the left and to the right, as a share of their length.
    """

    posture_rad: Float[np.ndarray, " angles"]
    tempo: float
    amplitude: float
    left_handed: bool
    step_share: float
    cadence_hz: float
    arm_swing: tuple[float, float]
    bob_mm: float
    shift_mm: float
    hip_turn_rad: float
    track_mm: float
    toe_out_rad: float
    strike_rad: float
    push_rad: float
    unevenness: float


def draw_style(config: StudioConfig, subject: str) -> Style:
    """Draw the style of a person."""
    rng = stream(config.seed, "style", subject)
    swing, uneven = rng.uniform(0.35, 1.5), rng.normal(0, 0.12)
    return Style(
        posture_rad=_posture(config, subject),
        tempo=float(np.exp(rng.normal(0, 0.12))),
        amplitude=float(np.clip(rng.normal(1.0, 0.09), 0.8, 1.2)),
        left_handed=bool(rng.random() < LEFT_HANDED_SHARE),
        step_share=rng.uniform(0.6, 0.8),
        cadence_hz=rng.uniform(1.55, 1.95),
        arm_swing=(swing * (1 + uneven), swing * (1 - uneven)),
        bob_mm=rng.uniform(12, 32),
        shift_mm=rng.uniform(10, 32),
        hip_turn_rad=rng.uniform(0.03, 0.12),
        track_mm=rng.uniform(105, 175),
        toe_out_rad=rng.uniform(0.0, 0.3),
        strike_rad=rng.uniform(0.15, 0.4),
        push_rad=rng.uniform(0.6, 0.95),
        unevenness=rng.normal(0, 0.03),
    )


def taste(config: StudioConfig, subject: str, pose: str) -> float:
    """How much more often than others a person takes a key pose."""
    return float(np.exp(stream(config.seed, "taste", subject, pose).normal(0, TASTE_SPREAD)))


def _posture(config: StudioConfig, subject: str) -> Float[np.ndarray, " angles"]:
    """Draw the posture: what both sides have in common, and how they differ."""
    shared, own = stream(config.seed, "posture", subject), stream(config.seed, "asymmetry", subject)
    common = {name: shared.normal(0, spread) for name, spread in POSTURE_SPREAD_RAD.items()}
    values = []
    for angle in ANGLES:
        name = angle.removeprefix("left_").removeprefix("right_")
        two_sided = name != angle
        spread = ASYMMETRY_SHARE * POSTURE_SPREAD_RAD[name] if two_sided else 0.0
        values.append(common[name] + own.normal(0, 1) * spread)
    return np.array(values)
