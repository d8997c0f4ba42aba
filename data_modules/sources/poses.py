"""Poses as sources give them, brought to the store's frame, unit and joint set; and what a credible pose is."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64

from mcss.errors import InputError
from mcss.skeleton import JOINTS, PELVIS

MM_PER_M = 1000.0
Y_UP_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Rotation that takes a right-handed world with Y up to one with Z up."""
TORSO_MM = (200.0, 900.0)
"""From the pelvis to the thorax: people of any age and posture lie between, other units far outside."""
APART_MM = 5.0
"""The same pose comes out of every camera's frame but for rounding; a wrong rotation or place shows by far more."""
THORAX = JOINTS.index("Thorax")


def select_joints(
    points: Float[np.ndarray, "frames joints axes"], joints: tuple[int, ...], count: int, where: str
) -> Float64[np.ndarray, "frames 17 axes"]:
    """Choose the 17 joints by their indices among the ``count`` that the source has.

    Raises:
        InputError: the source has another number of joints.
    """
    if points.shape[1] != count:
        raise InputError(f"{where}: {points.shape[1]} joints, expected {count}; is it a file of another data set?")
    return points[:, list(joints)].astype(np.float64)


def views_apart_mm(poses_world: Sequence[Float[np.ndarray, "17 3"]]) -> float:
    """Longest distance between a joint of the first pose and the same joint of another, each by another camera."""
    points = np.stack(poses_world)
    return float(np.linalg.norm(points - points[0], axis=-1).max())


def require_agreement(apart_mm: float, where: str) -> None:
    """Refuse a pose about which the cameras disagree, ``apart_mm`` by ``views_apart_mm``.

    Raises:
        InputError: the distance is too long or not finite.
    """
    if not apart_mm <= APART_MM:
        raise InputError(f"{where}: the cameras disagree about the pose ({apart_mm:.0f} mm); check their calibration")


def require_credible(pose_world: Float[np.ndarray, "17 3"], where: str) -> None:
    """Refuse a pose that cannot be one of a person in millimetres; joints that are not known (NaN) say nothing.

    Raises:
        InputError: a coordinate is not finite, no joint is known, or the torso has a length that no person has.
    """
    is_known = np.isfinite(pose_world).all(axis=1)
    if not (is_known | np.isnan(pose_world).all(axis=1)).all() or not is_known.any():
        raise InputError(f"{where}: the pose has coordinates that are not finite; leave the instant out or repair it")
    if not is_known[[THORAX, PELVIS]].all():
        return
    torso = float(np.linalg.norm(pose_world[THORAX] - pose_world[PELVIS]))
    if not TORSO_MM[0] <= torso <= TORSO_MM[1]:
        raise InputError(f"{where}: the torso is not between 200 and 900 mm long; check the unit of the poses")
