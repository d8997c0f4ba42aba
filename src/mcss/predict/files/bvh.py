"""Motion as BVH files: a skeleton of constant bone lengths, cm, Y up, the person facing +Z.

BVH holds joint rotations, so each pose is fitted: a bone has its median length of the clip, a joint with one child is
turned by the smallest rotation that points its bone the right way, and pelvis and thorax, which have three children
each, by the rotation that fits these best. The pelvis stays at 0: there is no global position.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from mcss.predict.motion import Y_UP_FROM_Z_UP, Motion, stretches
from mcss.skeleton import BONES, JOINTS, PARENTS

MM_PER_CM = 10.0
UP, DOWN, LEFT, RIGHT = np.array([[0.0, 1, 0], [0, -1, 0], [1, 0, 0], [-1, 0, 0]])
REST_DIRECTIONS = {
    "Knee": DOWN, "Ankle": DOWN, "Thorax": UP, "HeadTop": UP,
    "LElbow": LEFT, "LWrist": LEFT, "RElbow": RIGHT, "RWrist": RIGHT,
}  # fmt: skip
"""Where the only bone of a joint points at rest, by the end of the child's name: a T pose."""
CHILDREN = {parent: [child for begin, child in BONES if begin == parent] for parent, _ in BONES}
FITTING_ROUNDS = 5


@dataclass(frozen=True, eq=False)
class FittedSkeleton:
    """Joints of h36m17 with Y up, mm."""

    offset_mm: Float64[np.ndarray, "17 3"]
    """Of each joint from its parent at rest."""
    rotation: Float64[np.ndarray, "frames 17 3 3"]
    """Of each joint relative to its parent, from rest."""

    def positions_mm(self) -> Float64[np.ndarray, "frames 17 3"]:
        """Joint positions by forward kinematics, the pelvis at 0."""
        turned, positions = self.rotation.copy(), np.zeros((len(self.rotation), len(JOINTS), 3))
        for parent, joint in BONES:
            positions[:, joint] = positions[:, parent] + turned[:, parent] @ self.offset_mm[joint]
            turned[:, joint] = turned[:, parent] @ turned[:, joint]
        return positions


def write_bvh(motion: Motion, path: Path) -> list[Path]:
    """Write one file for each stretch without a gap, as BVH cannot leave frames out; return their paths.

    A motion with several stretches is written to ``<name>_frame<first frame>.bvh``. The skeleton is the same in all.
    """
    known = motion.is_known
    skeleton = fit_skeleton(motion.pose_mm[known] @ Y_UP_FROM_Z_UP.T)
    row_of = np.cumsum(known) - 1
    parts = list(stretches(known))
    paths = []
    for part in parts:
        name = path.name if len(parts) == 1 else f"{path.stem}_frame{part.start:06d}{path.suffix}"
        rotation = skeleton.rotation[row_of[part.start] : row_of[part.stop - 1] + 1]
        _write(FittedSkeleton(skeleton.offset_mm, rotation), 1 / motion.fps, path.with_name(name))
        paths.append(path.with_name(name))
    return paths


def fit_skeleton(points_mm: Float64[np.ndarray, "frames 17 3"]) -> FittedSkeleton:
    """Skeleton of constant bone lengths that follows poses with Y up."""
    offset_mm = np.zeros((len(JOINTS), 3))
    turned = np.tile(np.eye(3), (len(points_mm), len(JOINTS), 1, 1))
    local = turned.copy()
    for joint, parent in enumerate(PARENTS):  # parents come before their children
        before = turned[:, parent] if parent >= 0 else np.tile(np.eye(3), (len(points_mm), 1, 1))
        turned[:, joint] = before
        if children := CHILDREN.get(joint, []):
            bones_mm = points_mm[:, children] - points_mm[:, [joint]]
            fit = _fit_rigid if len(children) > 1 else _fit_bone
            offset_mm[children], turned[:, joint] = fit(bones_mm, JOINTS[children[0]], before)
        local[:, joint] = before.swapaxes(1, 2) @ turned[:, joint]
    return FittedSkeleton(offset_mm, local)


def _fit_bone(
    bones_mm: Float64[np.ndarray, "frames 1 3"], child: str, before: Float64[np.ndarray, "frames 3 3"]
) -> tuple[Float64[np.ndarray, "1 3"], Float64[np.ndarray, "frames 3 3"]]:
    """Offset of the child at rest, and rotation of the joint in every frame, turned least from its parent's."""
    rest = next((axis for end, axis in REST_DIRECTIONS.items() if child.endswith(end)), UP)
    length_mm = np.linalg.norm(bones_mm[:, 0], axis=1)
    goal = bones_mm[:, 0] / np.maximum(length_mm, 1e-9)[:, None]
    start = before @ rest
    half = start + goal
    # A rotation by 180 degrees has no smallest axis; any one across the bone does.
    opposite = np.linalg.norm(half, axis=1) < 1e-6
    half[opposite] = np.cross(start[opposite], np.roll(start[opposite], 1, axis=1) + np.array([0.1, 0.2, 0.3]))
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    # Two half turns, about start and then about half, turn start to goal about the axis at right angles to both.
    turn = _half_turn(half) @ _half_turn(start)
    return np.median(length_mm) * rest[None], turn @ before


def _half_turn(axis: Float64[np.ndarray, "frames 3"]) -> Float64[np.ndarray, "frames 3 3"]:
    """Rotation by 180 degrees about unit vectors."""
    return 2 * axis[:, :, None] * axis[:, None, :] - np.eye(3)


def _fit_rigid(
    bones_mm: Float64[np.ndarray, "frames children 3"], child: str, before: Float64[np.ndarray, "frames 3 3"]
) -> tuple[Float64[np.ndarray, "children 3"], Float64[np.ndarray, "frames 3 3"]]:
    """Offsets of several children at rest, and the rotations that fit them best, each in turn (Procrustes)."""
    rest = np.median(before.swapaxes(1, 2)[:, None] @ bones_mm[..., None], axis=0)[..., 0]
    for _ in range(FITTING_ROUNDS):
        u, _, vt = np.linalg.svd(bones_mm.swapaxes(1, 2) @ rest)
        u[..., 2] *= np.linalg.det(u @ vt)[:, None]  # no reflection
        turned = u @ vt
        rest = np.median(turned.swapaxes(1, 2)[:, None] @ bones_mm[..., None], axis=0)[..., 0]
    length_mm = np.median(np.linalg.norm(bones_mm, axis=2), axis=0)
    return rest * (length_mm / np.maximum(np.linalg.norm(rest, axis=1), 1e-9))[:, None], turned


def _write(skeleton: FittedSkeleton, interval_s: float, path: Path) -> None:
    lines = ["HIERARCHY", *_hierarchy(0, skeleton.offset_mm / MM_PER_CM), "MOTION"]
    lines += [f"Frames: {len(skeleton.rotation)}", f"Frame Time: {interval_s:.8f}"]
    rotation = Rotation.from_matrix(skeleton.rotation.reshape(-1, 3, 3))
    with warnings.catch_warnings(action="ignore"):  # gimbal lock: any of the equal solutions will do
        degrees = rotation.as_euler("ZXY", degrees=True).reshape(len(skeleton.rotation), -1)
    with path.open("w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.writelines("0 0 0 " + " ".join(f"{value:.6f}" for value in row) + "\n" for row in degrees.tolist())


def _hierarchy(joint: int, offset_cm: Float64[np.ndarray, "17 3"]) -> list[str]:
    """Lines of a joint and all below it, in the order of ``JOINTS``, which is that of a frame's rotations."""
    place = "6 Xposition Yposition Zposition" if joint == 0 else "3"
    children = [line for child in CHILDREN.get(joint, []) for line in _hierarchy(child, offset_cm)]
    return [
        f"{'ROOT' if joint == 0 else 'JOINT'} {JOINTS[joint]}",
        "{",
        "OFFSET " + " ".join(f"{value:.6f}" for value in offset_cm[joint].tolist()),
        f"CHANNELS {place} Zrotation Xrotation Yrotation",
        *(children or ["End Site", "{", "OFFSET 0 0 0", "}"]),
        "}",
    ]
