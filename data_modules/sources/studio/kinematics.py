"""Joint angles to rotations of the body's bones."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from data_modules.sources.studio.body import Body, Posture
from data_modules.sources.studio.poses import ANGLES, ARM, LEG
from mcss.skeleton import PELVIS

SPINE_BONES = ("spine04", "spine03", "spine02", "spine01")
NECK_BONES = ("neck01", "neck03")
SHRUG = 0.12
"""Share of an arm's outward swing that the collar bone makes."""
POINTED_TOES_RAD = 0.6
"""Ankle extension of a foot that does not stand."""
SOLE_LEAN = (0.55, 0.85)
"""Cosine of a shin's lean at which its foot begins to stand on the sole, and at which it fully does."""
HANGING_ARM: Float[np.ndarray, "3 3"] = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
"""``_hinge_frame`` of an arm that hangs down and whose elbow bends forward."""

Angles = dict[str, Float[np.ndarray, " instants"]]


def pose_body(
    body: Body,
    angles_rad: Float[np.ndarray, "instants angles"],
    yaw_rad: Float[np.ndarray, " instants"],
    position_mm: Float[np.ndarray, "instants 2"],
) -> Posture:
    """Turn the body by ``yaw_rad`` and bend it; pelvis above ``position_mm``, lowest vertex at z = 0."""
    angles = dict(zip(ANGLES, angles_rad.T, strict=True))
    posture = body.posture(bone_rotations(body, angles, yaw_rad), np.zeros((len(yaw_rad), 3)))
    floor = body.lowest_mm(posture.vertices_mm)[:, None]
    shift = np.concatenate([position_mm - posture.joints_mm[:, PELVIS, :2], -floor], axis=1)[:, None]
    return Posture(posture.joints_mm + shift, posture.vertices_mm + shift)


def bone_rotations(body: Body, angles: Angles, yaw_rad: Float[np.ndarray, " instants"]) -> dict[str, Rotation]:
    """Rotation of each moving bone relative to its parent, in axes that are the world's in the reference pose."""
    zero = np.zeros_like(yaw_rad)
    root = Rotation.from_euler("ZXY", np.stack([yaw_rad, angles["pelvis_pitch"], angles["pelvis_roll"]], axis=-1))
    spine = np.stack([angles["spine_flex"], angles["spine_side"], angles["spine_twist"]], axis=-1)
    neck = np.stack([angles["head_pitch"], zero, angles["head_yaw"]], axis=-1)
    rotations = {"root": root}
    rotations |= dict.fromkeys(SPINE_BONES, Rotation.from_rotvec(spine / len(SPINE_BONES)))
    rotations |= dict.fromkeys(NECK_BONES, Rotation.from_rotvec(neck / len(NECK_BONES)))
    for name in ("left", "right"):
        rotations |= arm_rotations(body, angles, name)
        rotations |= _leg_rotations(body, angles, name, root)
    return rotations


def arm_rotations(body: Body, angles: Angles, name: str) -> dict[str, Rotation]:
    """Rotations of one arm, ``left`` or ``right``."""
    letter, side = name[0].upper(), 1 if name == "left" else -1
    forward, outward, twist, elbow = (angles[f"{name}_arm_{part}"] for part in ARM)
    shoulder, joint, wrist = (body.heads_mm[body.index[f"{b}.{letter}"]] for b in ("upperarm01", "lowerarm01", "wrist"))
    upper, lower = (
        (joint - shoulder) / np.linalg.norm(joint - shoulder),
        (wrist - joint) / np.linalg.norm(wrist - joint),
    )
    # The reference arm is held away from the body with a bent elbow.
    hang = Rotation.from_matrix(HANGING_ARM @ _hinge_frame(upper, lower).T)
    bent_already = np.arccos(upper @ lower)
    collar = about("y", -side * SHRUG * np.maximum(outward, 0))
    return {
        f"clavicle.{letter}": collar,
        f"upperarm01.{letter}": collar.inv() * _swing(forward, outward, side) * about("z", -side * twist) * hang,
        f"lowerarm01.{letter}": hang.inv() * about("x", bent_already - elbow) * hang,
    }


def _leg_rotations(body: Body, angles: Angles, name: str, pelvis: Rotation) -> dict[str, Rotation]:
    """Rotations of one leg, ``left`` or ``right``."""
    letter = name[0].upper()
    knee = angles[f"{name}_leg_knee"]
    hip, joint, ankle = (body.heads_mm[body.index[f"{bone}.{letter}"]] for bone in ("upperleg01", "lowerleg01", "foot"))
    down = np.array([[0.0, 0.0, -1.0]])
    upper_hang = Rotation.align_vectors(down, (joint - hip)[None])[0]
    lower_hang = Rotation.align_vectors(down, (ankle - joint)[None])[0]
    upper = leg_turn(angles, name) * upper_hang
    lower = upper_hang.inv() * about("x", knee) * lower_hang
    foot = _foot_rotation(pelvis * upper * lower, lower_hang)
    return {f"upperleg01.{letter}": upper, f"lowerleg01.{letter}": lower, f"foot.{letter}": foot}


def leg_turn(angles: Angles, name: str) -> Rotation:
    """Turn of a hanging leg, ``left`` or ``right``, about its hip; its knee bends about what was the X axis."""
    side = 1 if name == "left" else -1
    forward, outward, twist = (angles[f"{name}_leg_{part}"] for part in LEG[:3])
    return _swing(forward, outward, side) * about("z", -side * twist)


def _foot_rotation(shin: Rotation, hang: Rotation) -> Rotation:
    """Turn the sole level under a steep shin, and point the toes of a leg that lies; in between, blend.

    ``shin`` is the shin's rotation from the reference pose, ``hang`` the part of it that makes the shin hang down.
    """
    matrix = (shin * hang.inv()).as_matrix()
    heading = np.arctan2(matrix[:, 1, 0], matrix[:, 0, 0])
    share = np.clip((matrix[:, 2, 2] - SOLE_LEAN[0]) / (SOLE_LEAN[1] - SOLE_LEAN[0]), 0.0, 1.0)
    pointed = hang.inv() * about("x", np.full_like(heading, POINTED_TOES_RAD))
    way = (pointed.inv() * shin.inv() * about("z", heading)).as_rotvec()
    return pointed * Rotation.from_rotvec(way * (share * share * (3 - 2 * share))[:, None])


def about(axis: str, angle_rad: Float[np.ndarray, " instants"]) -> Rotation:
    """Turn about an axis of the world."""
    return Rotation.from_euler(axis, angle_rad[:, None])


def _swing(forward: Float[np.ndarray, " instants"], outward: Float[np.ndarray, " instants"], side: int) -> Rotation:
    """Move a hanging limb forward and outward (radians of one rotation vector)."""
    return Rotation.from_rotvec(np.stack([-forward, -side * outward, np.zeros_like(forward)], axis=-1))


def _hinge_frame(upper: Float[np.ndarray, " 3"], lower: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """Orthonormal columns of a bent limb: along its upper bone, its joint's hinge, and their cross product."""
    hinge = np.cross(upper, lower)
    hinge /= np.linalg.norm(hinge)
    return np.stack([upper, hinge, np.cross(upper, hinge)], axis=1)
