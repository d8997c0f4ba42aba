"""Where the joints of h36m17 are in a body: fixed combinations of the heads of anny's bones and of the crown.

Human3.6M's joints are those of a marker model: its hips lie above and outside the centres about which anny's thighs
turn, its shoulders nearer to the neck, its head top inside the skull. The weights were fitted so that over anny's
adults the mean lengths of the bones of somebody who stands are to each other as those of Human3.6M's S1
(``LENGTHS_H36M_MM``), within 3.5 %. Shins and forearms have one length in all postures. The thigh is 7 % shorter
when sitting than when standing and 13 % in a squat, because the hip is not where the thigh turns; the upper arm is
10 % longer when the arm points sideways.
"""

import numpy as np
from jaxtyping import Float

from mcss.skeleton import JOINTS

CROWN = "crown"
"""Point of the scalp that is highest in the rest pose; it moves with the head."""

LENGTHS_H36M_MM: dict[tuple[str, str], float] = {
    ("Pelvis", "LHip"): 133, ("LHip", "LKnee"): 443, ("LKnee", "LAnkle"): 454,
    ("Pelvis", "Spine"): 233, ("Spine", "Thorax"): 257, ("Thorax", "Neck"): 121, ("Neck", "HeadTop"): 115,
    ("Thorax", "LShoulder"): 151, ("LShoulder", "LElbow"): 279, ("LElbow", "LWrist"): 252,
}  # fmt: skip
"""Of Human3.6M's S1; the right side's are the same."""

Weights = dict[str, float]

_LEFT: dict[str, Weights] = {
    "LHip": {"upperleg01.L": 1.06, "upperleg01.R": -0.06, "spine03": 0.23, "root": -0.23},
    "LKnee": {"lowerleg01.L": 0.985, "foot.L": 0.015},
    "LAnkle": {"foot.L": 1.0},
    "LShoulder": {"upperarm01.L": 0.885, "upperarm01.R": 0.115, "neck01": 0.02, "spine01": -0.02},
    "LElbow": {"lowerarm01.L": 1.0},
    "LWrist": {"wrist.L": 1.015, "lowerarm01.L": -0.015},
}
_MIDDLE: dict[str, Weights] = {
    "Pelvis": {"upperleg01.L": 0.5, "upperleg01.R": 0.5, "spine03": 0.23, "root": -0.23},
    "Spine": {"spine02": 0.85, "spine01": 0.15},
    "Thorax": {"neck01": 0.79, "spine01": 0.21},
    "Neck": {"neck03": 0.88, "head": 0.08, "eye.L": 0.02, "eye.R": 0.02},
    "HeadTop": {CROWN: 0.58, "head": 0.42},
}


def _mirrored(name: str) -> str:
    return name[:-1] + {"L": "R", "R": "L"}[name[-1]] if name.endswith((".L", ".R")) else name


_RIGHT = {"R" + joint[1:]: {_mirrored(name): w for name, w in parts.items()} for joint, parts in _LEFT.items()}
WEIGHTS: dict[str, Weights] = {**_LEFT, **_RIGHT, **_MIDDLE}
"""Of each joint; they add up to 1. The pelvis is the middle of the hips."""


def joint_matrix(points: tuple[str, ...]) -> Float[np.ndarray, "17 points"]:
    """Weights of the named points (heads of bones, and ``CROWN``) in each joint of h36m17."""
    matrix = np.zeros((len(JOINTS), len(points)))
    for row, joint in enumerate(JOINTS):
        for point, weight in WEIGHTS[joint].items():
            matrix[row, points.index(point)] = weight
    return matrix
