"""Which way is up, where the floor is, how long a metre is, and whether left and right are exchanged.

The person tells: the head is above the ankles, feet stand on one plane, somebody upright leans the same way on average
however they turn. Cameras on tripods tell too: their horizon is level, more or less.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.optimize import least_squares

from data_modules.sources.footage.solving.scene import LENGTH_SHARES, Scene
from mcss.errors import InputError
from mcss.skeleton import JOINTS, LEFT_HIP

FLOOR_SPREAD_M = 0.02
"""Of the height of ankles whose feet stand."""
ROLL_SPREAD, LEAN_SPREAD, USUAL_LEAN = np.radians([3.0, 4.0, 5.0]).tolist()
"""Of a tripod's horizon, of the lean of somebody upright, and of the mean lean of a person's movements, forwards."""
STRAIGHT = 0.96
"""Somebody is upright whose head is at least this share of the way along the bones from the ankles."""
ANKLE_SHARE = 0.042
"""Height of the ankle above the sole as a share of the person's height."""
STRAIGHT_SHARE = 0.921
"""Leg and straight trunk, from ankle to HeadTop, as a share of the height; Human3.6M's HeadTop lies below the crown."""
TALL_QUANTILE = 0.75
"""Of the distance from pelvis to head over the instants: nobody is always straight."""
LOOSE_KNEE = 0.1
"""Sine of a knee's bend below which it does not tell forwards from backwards."""

HEAD, RIGHT_HIP = JOINTS.index("HeadTop"), JOINTS.index("RHip")
TOPS = [HEAD, JOINTS.index("Neck"), JOINTS.index("Thorax")]
ANKLES = [JOINTS.index("RAnkle"), JOINTS.index("LAnkle")]


@dataclass(frozen=True, eq=False)
class Ground:
    """The floor in the axes of a scene."""

    up: Float64[np.ndarray, " 3"]
    """Unit vector."""
    height: float
    """Of the ankles of standing feet, along ``up``."""


def find_ground(scene: Scene) -> Ground:
    """Find the vertical and the floor.

    Raises:
        InputError: no instant has the upper end of the trunk and both ankles.
    """
    points = scene.points
    bodies = (points[:, joint] - points[:, ANKLES].mean(axis=1) for joint in TOPS)
    body = next((found for own in bodies if len(found := own[np.isfinite(own).all(axis=1)])), np.empty((0, 3)))
    if not len(body):
        raise InputError("no instant has both ankles and HeadTop, Neck or Thorax, which tell where up is; click them")
    rough = body.mean(axis=0) / np.linalg.norm(body.mean(axis=0))
    sides = np.linalg.svd(rough[None])[2][1:]
    feet = points[:, ANKLES][np.isfinite(points[:, ANKLES]).all(axis=-1)]
    forward_lean, side_lean = _leans(points, rough)

    def up_of(tilt: Float64[np.ndarray, " 2"]) -> Float64[np.ndarray, " 3"]:
        up = rough + tilt @ sides
        return up / np.linalg.norm(up)

    def residuals(unknowns: Float64[np.ndarray, " 4"]) -> Float64[np.ndarray, " residuals"]:
        up, height, lean = up_of(unknowns[:2]), unknowns[2], unknowns[3]
        return np.concatenate(
            [
                (feet @ up - height) / FLOOR_SPREAD_M,
                scene.rotations[:, 0] @ up / ROLL_SPREAD,
                (lean - forward_lean @ up) / LEAN_SPREAD,
                side_lean @ up / LEAN_SPREAD,
                [lean / USUAL_LEAN],
            ]
        )

    begin = np.array([0.0, 0.0, np.quantile(feet @ rough, 0.25), 0.0])
    found = least_squares(residuals, begin, loss="cauchy", x_scale=0.1)
    return Ground(up_of(found.x[:2]), float(found.x[2]))


def _leans(
    points: Float64[np.ndarray, "instants 17 3"], up: Float64[np.ndarray, " 3"]
) -> tuple[Float64[np.ndarray, "uprights 3"], Float64[np.ndarray, "uprights 3"]]:
    """For persons who stand upright, vectors whose product with the vertical is their lean backwards, and to the left.

    Both lie across the body's axis, from the ankles to the head.
    """
    axis = points[:, HEAD] - points[:, ANKLES].mean(axis=1)
    hips = points[:, LEFT_HIP] - points[:, RIGHT_HIP]
    legs = [_distance(points, *pair) for pair in (("RAnkle", "RKnee"), ("RKnee", "RHip"), ("Pelvis", "HeadTop"))]
    is_upright = np.linalg.norm(axis, axis=1) >= STRAIGHT * np.sum(legs, axis=0)  # false where a joint is missing
    is_upright &= np.isfinite(hips[:, 0])
    axis, hips = axis[is_upright], hips[is_upright]
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    left = hips - (hips * axis).sum(axis=1, keepdims=True) * axis
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    return np.cross(axis, left), -left


def metre(scene: Scene, height_m: float) -> float:
    """How many metres one unit of the scene is, by the person's height from sole to head top.

    The height is the leg's bones, the distance from pelvis to head of somebody straight, and the height of the ankle;
    without the head, the leg is taken for its usual share.

    Raises:
        InputError: no leg was ever whole.
    """
    trunk = _distance(scene.points, "Pelvis", "HeadTop")
    legs = [
        np.concatenate([_distance(scene.points, f"{side}{top}", f"{side}{low}") for side in "LR"])
        for top, low in (("Hip", "Knee"), ("Knee", "Ankle"))
    ]
    if not all(np.isfinite(length).any() for length in legs):
        raise InputError("no instant has a whole leg, which tells the scale; click Hip, Knee and Ankle of one side")
    leg = sum(float(np.nanmedian(length)) for length in legs)
    if not np.isfinite(trunk).any():
        return (LENGTH_SHARES["RKnee"] + LENGTH_SHARES["RAnkle"]) * height_m / leg
    return STRAIGHT_SHARE * height_m / (leg + float(np.nanquantile(trunk, TALL_QUANTILE)))


def knees_forward(scene: Scene) -> float:
    """Mean over bent knees of +1 where the shin goes backwards, -1 where it goes forwards; 0 without bent knees.

    Left is +X of somebody who faces -Y: thigh x shin points to the left.
    """
    points = scene.points
    left = points[:, LEFT_HIP] - points[:, RIGHT_HIP]
    bends = []
    for side in "LR":
        hip, knee, ankle = (points[:, JOINTS.index(side + name)] for name in ("Hip", "Knee", "Ankle"))
        hinge = np.cross(knee - hip, ankle - knee)
        size = np.linalg.norm(knee - hip, axis=1) * np.linalg.norm(ankle - knee, axis=1)
        bends.append((hinge * left).sum(axis=1) / (size * np.linalg.norm(left, axis=1)))
    bend = np.concatenate(bends)
    bend = bend[np.abs(bend) > LOOSE_KNEE]  # false where a joint is missing
    return float(np.sign(bend).mean()) if len(bend) else 0.0


def _distance(points: Float64[np.ndarray, "instants 17 3"], one: str, other: str) -> Float64[np.ndarray, " instants"]:
    return np.linalg.norm(points[:, JOINTS.index(one)] - points[:, JOINTS.index(other)], axis=1)
