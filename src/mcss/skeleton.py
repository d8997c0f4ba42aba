"""The skeleton: joint names, bones, left/right pairs, and the joint sets that results are stated in.

The order is Human3.6M's usual selection of 17 of its 32 joints (indices 0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18,
19, 25, 26, 27), as in VideoPose3D and mmpose. "16 joints" has three meanings in the literature; here it is always
``h36m16``: the 17 joints without the pelvis. A joint set is named, never only counted.
"""

JOINTS: tuple[str, ...] = (
    "Pelvis", "RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "Spine", "Thorax", "Neck", "HeadTop",
    "LShoulder", "LElbow", "LWrist", "RShoulder", "RElbow", "RWrist",
)  # fmt: skip
"""Joint set ``h36m17``, in storage order."""

PARENTS: tuple[int, ...] = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
"""Parent of each joint of ``h36m17``; -1 for the root."""

BONES: tuple[tuple[int, int], ...] = tuple((parent, joint) for joint, parent in enumerate(PARENTS) if parent >= 0)
"""(parent, child) pairs of ``h36m17``, for drawing and bone lengths."""

PELVIS = JOINTS.index("Pelvis")
LEFT_HIP = JOINTS.index("LHip")
VERTICAL_HIP = 1e-3
"""Largest ratio of horizontal to total length of a hip bone that counts as vertical, so that yaw is undefined."""


def _mirrored(joint: str) -> str:
    swap = {"L": "R", "R": "L"}
    other = swap.get(joint[0], joint[0]) + joint[1:]
    return other if other in JOINTS else joint


FLIP_ORDER: tuple[int, ...] = tuple(JOINTS.index(_mirrored(joint)) for joint in JOINTS)
"""``pose[..., FLIP_ORDER, :]`` swaps left and right joints of ``h36m17``."""

JOINT_SETS: dict[str, tuple[int, ...]] = {
    "h36m17": tuple(range(len(JOINTS))),
    "h36m16": tuple(joint for joint in range(len(JOINTS)) if joint != PELVIS),
    "mpi14": tuple(joint for joint, name in enumerate(JOINTS) if name not in ("Pelvis", "Spine", "Neck")),
}
"""Joint indices into ``h36m17`` of each named joint set.

``mpi14`` are the joints of MPI-INF-3DHP's evaluation (Mehta et al., 3DV 2017): head top, neck (``Thorax`` here),
shoulders, elbows, wrists, hips, knees, ankles.
"""


def joint_indices(joint_set: str) -> tuple[int, ...]:
    """Indices into ``h36m17`` of the joints of ``joint_set``.

    Raises:
        ValueError: the name is none of ``JOINT_SETS``.

    >>> len(joint_indices("h36m16")), 0 in joint_indices("h36m16")
    (16, False)
    """
    if joint_set not in JOINT_SETS:
        raise ValueError(f"unknown joint set {joint_set!r}: use one of {', '.join(JOINT_SETS)}")
    return JOINT_SETS[joint_set]
