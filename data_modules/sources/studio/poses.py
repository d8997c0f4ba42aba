"""Joint angles, key poses and scripts: what every subject of the studio can do, before anyone's own style.

A posture is a vector of joint angles (radians; degrees in the tables below). A limb's swing is a rotation vector with a
forward and an outward component, which reaches every direction without a singularity: (90, 0) points forward, (0, 90)
sideways, (170, 0) up, a negative outward angle crosses the midline. Twist turns the limb about its own axis, inwards
positive. At twist 0 an elbow bends forward and a knee backward.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

Degrees = tuple[int, ...]
Support = Literal["feet", "seat", "floor"]

TORSO = ("pelvis_pitch", "pelvis_roll", "spine_flex", "spine_side", "spine_twist", "head_pitch", "head_yaw")
ARM = ("forward", "outward", "twist", "elbow")
LEG = ("forward", "outward", "twist", "knee")
ANGLES: tuple[str, ...] = (
    *TORSO,
    *(f"{side}_arm_{part}" for side in ("left", "right") for part in ARM),
    *(f"{side}_leg_{part}" for side in ("left", "right") for part in LEG),
)
"""Names of a posture's joint angles, in order."""

_ARM_LIMITS = ((-40, 175), (-40, 150), (-80, 90), (5, 150))
_LEG_LIMITS = ((-30, 125), (-15, 60), (-115, 30), (3, 150))
_TORSO_LIMITS = ((-30, 90), (-20, 20), (-15, 60), (-25, 25), (-30, 30), (-35, 45), (-60, 60))
LIMITS_RAD: Float[np.ndarray, "angles 2"] = np.radians(
    np.array((*_TORSO_LIMITS, *_ARM_LIMITS, *_ARM_LIMITS, *_LEG_LIMITS, *_LEG_LIMITS), dtype=np.float64)
)
"""Lowest and highest value of each joint angle."""

# Arms: (forward, outward, twist, elbow) in degrees.
HANG = (3, 9, 5, 14)
POINT_FRONT = (82, 8, 0, 10)
POINT_SIDE = (25, 82, 0, 10)
POINT_UP = (135, 30, 0, 15)
OPEN_FRONT = (25, 22, -15, 85)
TALK_HIGH = (45, 25, -10, 115)
WAVE = (25, 85, -80, 85)
PHONE = (38, 66, -8, 148)
HIP = (-22, 42, 62, 92)
BEHIND_HEAD = (75, 110, -60, 140)
CROSSED_OVER = (35, 4, 68, 100)
CROSSED_UNDER = (26, 4, 68, 92)
POCKET = (-18, 22, 25, 42)
WATCH = (42, 20, 60, 98)
LAP = (22, 10, 28, 58)
ANKLES = (26, 12, 28, 58)
TABLE = (42, 14, 25, 72)
MOUTH = (60, 18, 38, 140)
CHIN = (38, 10, 40, 132)
PHOTO = (62, 20, 24, 116)
CARRY = (22, 12, 15, 82)
REACH_DOWN = (78, 8, 0, 12)
PICK_UP = (68, 10, 10, 50)
REACH_HIGH = (158, 12, 0, 14)
KNEE_REST = (40, 8, 20, 45)
PROP_BACK = (-38, 20, 0, 12)
PROP_FLOOR = (-28, 30, 0, 43)
LEASH = (42, 12, 5, 22)
SHAKE = (48, 2, 10, 48)
BEHIND_BACK = (-32, 12, 55, 62)
GIVE = (62, 6, 0, 40)
PALMS_UP = (18, 38, -30, 96)
THROW_UP = (140, 25, 0, 15)
BACKWARD = (-40, 16, 0, 20)
LANDING = (50, 35, 0, 35)
SHOULDER_HUG = (35, 88, 5, 30)
SWING_FRONT = (24, 8, 12, 34)
SWING_BACK = (-26, 10, 5, 18)

# Legs: (forward, outward, twist, knee) in degrees; relative to the pelvis, which its pitch leans forward.
STRAIGHT = (2, 2, -5, 5)
STEP_FRONT = (27, 3, -3, 8)
STEP_BACK = (-17, 3, -6, 22)
STEP_STAND = (3, 3, -4, 10)
STEP_SWING = (22, 3, -4, 58)
RELAXED = (14, 9, -12, 24)
WIDE = (3, 16, -14, 6)
CROUCH = (30, 6, -6, 66)
LAND = (20, 4, -5, 42)
SEAT = (84, 9, -6, 86)
SEAT_FORWARD = (80, 6, -4, 58)
SEAT_BACK = (82, 8, -4, 106)
SEAT_CROSSED = (104, -9, -8, 82)
SQUAT = (112, 18, -12, 132)
KNEEL_UP = (96, 10, -6, 94)
KNEEL_DOWN = (6, 6, -4, 96)
FLOOR_LONG = (61, 8, -6, 6)
FLOOR_BENT = (110, 9, -4, 72)
FLOOR_CROSS = (76, 42, -108, 116)
FLOOR_FRONT = (74, 40, -104, 98)


GAIT = ("contact", "passing", "contact_right", "passing_right")
"""Phases of a walking cycle, half a step apart: left foot ahead, right leg swinging through, and the mirror images."""


class KeyPose(NamedTuple):
    """A posture that recurs.

    Attributes:
        torso, left_arm, right_arm, left_leg, right_leg: joint angles in degrees.
        support: what carries the body.
        free: ``left`` or ``right`` where that foot of a sitter is not on the floor.
    """

    torso: Degrees
    left_arm: Degrees
    right_arm: Degrees
    left_leg: Degrees
    right_leg: Degrees
    support: Support = "feet"
    free: str = ""

    def angles_rad(self) -> Float[np.ndarray, " angles"]:
        """Joint angles in the order of ``ANGLES``."""
        parts = (self.torso, self.left_arm, self.right_arm, self.left_leg, self.right_leg)
        return np.radians(np.concatenate([np.asarray(part, dtype=np.float64) for part in parts]))

    def mirrored(self) -> "KeyPose":
        """Return the same posture with left and right exchanged."""
        signs = np.array([1, -1, 1, -1, -1, 1, -1])
        torso = tuple(int(value) for value in signs * np.asarray(self.torso))
        free = {"left": "right", "right": "left"}.get(self.free, "")
        return KeyPose(torso, self.right_arm, self.left_arm, self.right_leg, self.left_leg, self.support, free)


UPRIGHT = (0, 0, 3, 0, 0, 5, 0)
TALKING = (3, 0, 5, 0, 8, 3, 12)
SEATED = (-6, 0, 14, 0, 0, 8, 0)
SEATED_LEAN = (16, 0, 32, 0, 0, 12, 0)
SEATED_BACK = (-20, 0, 8, 0, 0, 14, 0)
STOOP = (52, 0, 30, 0, 0, 10, 0)
BOW = (30, 0, 20, 0, 0, 22, 0)


def _stand(
    left_arm: Degrees,
    right_arm: Degrees,
    torso: Degrees = UPRIGHT,
    left_leg: Degrees = STRAIGHT,
    right_leg: Degrees = STRAIGHT,
) -> KeyPose:
    return KeyPose(torso, left_arm, right_arm, left_leg, right_leg)


def _sit(
    left_arm: Degrees,
    right_arm: Degrees,
    torso: Degrees = SEATED,
    left_leg: Degrees = SEAT,
    right_leg: Degrees = SEAT,
) -> KeyPose:
    free = "right" if right_leg == SEAT_CROSSED else ""
    return KeyPose(torso, left_arm, right_arm, left_leg, right_leg, "seat", free)


def _down(arms: Degrees, torso: Degrees, left_leg: Degrees, right_leg: Degrees) -> KeyPose:
    return KeyPose(torso, arms, arms, left_leg, right_leg, "floor")


def _bent(pitch: int, leg: Degrees) -> Degrees:
    """Return a leg that keeps its place in the room while the pelvis pitches forward by ``pitch`` degrees."""
    return (leg[0] + pitch, *leg[1:])


def _gait(prefix: str, left_arm: Degrees | None = None, right_arm: Degrees | None = None) -> dict[str, KeyPose]:
    """Return the four phases of a walking cycle; an arm that is given is held so instead of swinging."""
    contact = _stand(SWING_BACK, SWING_FRONT, torso=(4, 0, 5, 0, 9, 4, 0), left_leg=STEP_FRONT, right_leg=STEP_BACK)
    passing = _stand(HANG, HANG, torso=(4, -3, 5, 3, 0, 4, 0), left_leg=STEP_STAND, right_leg=STEP_SWING)
    phases = (contact, passing, contact.mirrored(), passing.mirrored())
    return {
        f"{prefix}_{name}": phase._replace(left_arm=left_arm or phase.left_arm, right_arm=right_arm or phase.right_arm)
        for name, phase in zip(GAIT, phases, strict=True)
    }


KEY_POSES: dict[str, KeyPose] = {
    "stand": _stand(HANG, HANG),
    "stand_relaxed": _stand(HANG, POCKET, right_leg=RELAXED, torso=(0, 4, 4, -5, 0, 8, 0)),
    "point_front": _stand(HANG, POINT_FRONT, torso=(2, 0, 4, 0, 12, 2, 0)),
    "point_side": _stand(POINT_SIDE, HANG, torso=(0, 0, 3, 4, 8, 0, 35)),
    "point_up": _stand(HANG, POINT_UP, torso=(-2, 0, 0, 0, 8, -18, -10)),
    "talk_open": _stand(OPEN_FRONT, OPEN_FRONT, torso=TALKING),
    "talk_high": _stand(OPEN_FRONT, TALK_HIGH, torso=TALKING, right_leg=RELAXED),
    "talk_both_high": _stand(TALK_HIGH, TALK_HIGH, torso=(0, 0, 2, 0, -8, 0, -10)),
    "wave": _stand(HANG, WAVE, torso=(0, 0, 2, 3, 0, 0, 0)),
    "arms_up": _stand(POINT_UP, POINT_UP, torso=(-2, 0, -2, 0, 0, -10, 0), left_leg=WIDE, right_leg=WIDE),
    "shake_hands": _stand(HANG, SHAKE, torso=(8, 0, 6, 0, 10, 6, 0), right_leg=STEP_FRONT),
    "crouch": _stand(BACKWARD, BACKWARD, torso=(26, 0, 16, 0, 0, -8, 0), left_leg=_bent(26, CROUCH),
                     right_leg=_bent(26, CROUCH)),
    "land": _stand(LANDING, LANDING, torso=(16, 0, 12, 0, 0, 0, 0), left_leg=_bent(16, LAND),
                   right_leg=_bent(16, LAND)),
    "jump": _stand(THROW_UP, THROW_UP, torso=(-2, 0, -4, 0, 0, -12, 0)),
    "shrug": _stand(PALMS_UP, PALMS_UP, torso=(0, 0, 4, 0, 0, 2, 10), left_leg=RELAXED),
    "hands_behind": _stand(BEHIND_BACK, BEHIND_BACK, torso=(-2, 0, -2, 0, 0, 2, -20)),
    "give": _stand(CARRY, GIVE, torso=(6, 0, 6, 0, 12, 10, 0), left_leg=STEP_FRONT),
    "phone_read": _stand(HANG, PHOTO, torso=(0, 0, 10, 0, 0, 28, 0), left_leg=RELAXED),
    "sit_propped": _sit(PROP_BACK, PROP_BACK, torso=(-8, 0, 4, 0, 0, 4, 15), left_leg=SEAT_FORWARD),
    "bow": _stand(HANG, HANG, torso=BOW, left_leg=_bent(30, STRAIGHT), right_leg=_bent(30, STRAIGHT)),
    "phone_stand": _stand(HANG, PHONE, torso=(0, 0, 4, 3, 0, 10, -12)),
    "phone_hip": _stand(HIP, PHONE, torso=(0, -4, 4, 5, 0, 12, -12), left_leg=RELAXED),
    "phone_seat": _sit(LAP, PHONE, torso=(-4, 0, 14, 3, 0, 12, -10)),
    "hands_on_hips": _stand(HIP, HIP, left_leg=WIDE, right_leg=WIDE),
    "behind_head": _stand(BEHIND_HEAD, BEHIND_HEAD, torso=(-3, 0, -3, 0, 0, -6, 0), left_leg=WIDE, right_leg=RELAXED),
    "one_hip_reach": _stand(POINT_SIDE, HIP, torso=(0, -5, 3, 6, 0, 0, 20), left_leg=WIDE, right_leg=WIDE),
    "stoop": _stand(REACH_DOWN, REACH_DOWN, torso=STOOP, left_leg=_bent(52, RELAXED), right_leg=_bent(52, RELAXED)),
    "carry": _stand(CARRY, CARRY, torso=(-4, 0, 2, 0, 0, 12, 0)),
    "reach_high": _stand(HANG, REACH_HIGH, torso=(0, 0, -2, -4, 0, -16, 0)),
    "squat": _stand(KNEE_REST, PICK_UP, torso=(38, 0, 26, 0, 0, 5, 0), left_leg=SQUAT, right_leg=SQUAT),
    "arms_crossed": _stand(CROSSED_OVER, CROSSED_UNDER, torso=(0, -3, 4, 4, 0, 8, 0), left_leg=RELAXED),
    "watch": _stand(WATCH, POCKET, torso=(2, 0, 8, 0, 0, 24, 8), right_leg=RELAXED),
    "photo_stand": _stand(PHOTO, PHOTO, torso=(2, 0, 6, 0, 0, 2, 0), left_leg=WIDE),
    "photo_kneel": _stand(PHOTO, PHOTO, torso=(2, 0, 8, 0, 0, 2, 0), left_leg=KNEEL_UP, right_leg=KNEEL_DOWN),
    "photo_squat": _stand(PHOTO, PHOTO, torso=(30, 0, 18, 0, 0, -10, 0), left_leg=SQUAT, right_leg=SQUAT),
    "sit_lap": _sit(LAP, LAP),
    "sit_crossed": _sit(CROSSED_OVER, CROSSED_UNDER, torso=SEATED_BACK, right_leg=SEAT_CROSSED),
    "sit_back": _sit(HANG, HANG, torso=SEATED_BACK, left_leg=SEAT_FORWARD, right_leg=SEAT_FORWARD),
    "sit_table": _sit(TABLE, TABLE, torso=(4, 0, 20, 0, 0, 16, 0), left_leg=SEAT_BACK, right_leg=SEAT_BACK),
    "sit_eat": _sit(TABLE, MOUTH, torso=(6, 0, 22, 0, 0, 14, 0), left_leg=SEAT_BACK, right_leg=SEAT_BACK),
    "sit_lean": _sit(KNEE_REST, KNEE_REST, torso=SEATED_LEAN, left_leg=_bent(18, SEAT), right_leg=_bent(18, SEAT)),
    "smoke_lean": _sit(KNEE_REST, CHIN, torso=SEATED_LEAN, left_leg=_bent(18, SEAT_FORWARD), right_leg=_bent(18, SEAT)),
    "smoke_crossed": _sit(LAP, MOUTH, torso=SEATED_BACK, right_leg=SEAT_CROSSED),
    "floor_cross": _down(ANKLES, (-4, 0, 24, 0, 0, 6, 0), FLOOR_CROSS, FLOOR_FRONT),
    "floor_long": _down(PROP_FLOOR, (-28, 0, 10, 0, 0, 10, 0), FLOOR_LONG, _bent(-24, FLOOR_BENT)),
    "floor_arms": _down(CROSSED_OVER, (-2, 0, 26, 0, 0, 4, 10), FLOOR_CROSS, FLOOR_BENT),
    "floor_hug": _down(KNEE_REST, (-4, 0, 32, 0, 0, 6, 0), FLOOR_BENT, FLOOR_BENT),
    "pet_dog": _stand(KNEE_REST, PICK_UP, torso=(30, 0, 22, 0, 0, 5, 0), left_leg=_bent(25, KNEEL_UP),
                      right_leg=_bent(25, KNEEL_DOWN)),
    **_gait("walk"),
    **_gait("leash", right_arm=LEASH),
    **_gait("hug", left_arm=SHOULDER_HUG),
}  # fmt: skip
"""Key poses by name."""


class Script(NamedTuple):
    """What an action is made of.

    Attributes:
        weights: share of each key pose among the key poses played; walking cycles are named by their prefix.
        walks: prefix of the walking cycle that carries the person through the room, or None.
    """

    weights: dict[str, float]
    walks: str | None = None


SCRIPTS: dict[str, Script] = {
    "Directions": Script({"point_front": 3, "point_side": 3, "point_up": 2, "stand": 1}),
    "Discussion": Script({"talk_open": 4, "talk_high": 3, "talk_both_high": 3, "shrug": 1.5}),
    "Eating": Script({"sit_table": 4, "sit_eat": 5}),
    "Greeting": Script({"wave": 4, "arms_up": 3, "shake_hands": 2, "bow": 1, "stand": 1, "jump": 0.7}),
    "Phoning": Script({"phone_stand": 4, "phone_hip": 3, "phone_read": 1, "phone_seat": 2}),
    "Posing": Script({"hands_on_hips": 4, "behind_head": 3, "one_hip_reach": 2, "jump": 0.7}),
    "Purchases": Script({"stoop": 4, "squat": 2, "reach_high": 1, "carry": 2, "give": 1}),
    "Sitting": Script({"sit_lap": 3, "sit_crossed": 2, "sit_back": 4, "sit_lean": 1, "sit_propped": 1}),
    "SittingDown": Script({"floor_cross": 3, "floor_long": 3, "floor_hug": 3, "floor_arms": 1.5}),
    "Smoking": Script({"smoke_crossed": 4, "smoke_lean": 3, "sit_lean": 2}),
    "TakingPhoto": Script({"photo_stand": 3, "photo_kneel": 3, "photo_squat": 3}),
    "Waiting": Script({"arms_crossed": 4, "watch": 2, "stand_relaxed": 3, "hands_behind": 2}),
    "Walking": Script({}, walks="walk"),
    "WalkingDog": Script({"pet_dog": 1}, walks="leash"),
    "WalkingTogether": Script({}, walks="hug"),
}
"""Script of each action, under Human3.6M's action names."""
