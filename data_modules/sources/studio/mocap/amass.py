"""Npz files of AMASS: rotations of the joints of SMPL-H or SMPL-X."""

import zipfile
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from data_modules.sources.array_files import read_npz_arrays
from data_modules.sources.studio.mocap.capture import Capture
from mcss.errors import InputError

RATES = ("mocap_framerate", "mocap_frame_rate")
"""Key of the frames a second, in files of SMPL-H and of SMPL-X."""
REMEDY = "AMASS' files have poses (axis-angle, at least 22 joints), trans and mocap_framerate"
SKELETON: dict[str, tuple[int, tuple[float, float, float]]] = {
    "Pelvis": (-1, (0, 0, 0)),
    "L_Hip": (0, (0.06, -0.09, -0.01)), "R_Hip": (0, (-0.06, -0.09, -0.01)), "Spine1": (0, (0, 0.11, -0.03)),
    "L_Knee": (1, (0.04, -0.38, 0)), "R_Knee": (2, (-0.04, -0.38, 0)), "Spine2": (3, (0, 0.13, 0)),
    "L_Ankle": (4, (-0.01, -0.40, -0.04)), "R_Ankle": (5, (0.01, -0.40, -0.04)), "Spine3": (6, (0, 0.05, 0.02)),
    "L_Foot": (7, (0.03, -0.06, 0.12)), "R_Foot": (8, (-0.03, -0.06, 0.12)), "Neck": (9, (0, 0.21, -0.03)),
    "L_Collar": (9, (0.08, 0.11, -0.02)), "R_Collar": (9, (-0.08, 0.11, -0.02)), "Head": (12, (0, 0.09, 0.05)),
    "L_Shoulder": (13, (0.09, 0.03, -0.01)), "R_Shoulder": (14, (-0.09, 0.03, -0.01)),
    "L_Elbow": (16, (0.26, -0.01, -0.03)), "R_Elbow": (17, (-0.26, -0.01, -0.03)),
    "L_Wrist": (18, (0.25, 0.01, 0)), "R_Wrist": (19, (-0.25, 0.01, 0)),
}  # fmt: skip
"""Parent and offset, metres, of the first 22 joints of an adult in SMPL's T-pose: Y up, facing +Z.

To the centimetre: rotations are played on other people, so only the directions of the bones matter.
"""


def read_amass(path: Path) -> Capture:
    """Read one motion; its world has Z up.

    Raises:
        InputError: the file is missing or damaged, or lacks one of the arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            rate_key = next((key for key in RATES if f"{key}.npy" in archive.namelist()), RATES[0])
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a whole npz file ({error}); {REMEDY}") from None
    values = read_npz_arrays(path, ("poses", "trans", rate_key), REMEDY)
    try:
        poses, root = (values[key].astype(np.float64) for key in ("poses", "trans"))
        rate = float(values[rate_key])
        if poses.ndim != 2 or poses.shape[1] < 3 * len(SKELETON) or root.shape != (len(poses), 3) or not len(poses):
            raise ValueError(f"poses have shape {poses.shape}, trans {root.shape}")
        if not (0 < rate < np.inf and np.isfinite(poses).all() and np.isfinite(root).all()):
            raise ValueError("a value is no number, or the frame rate is 0")
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: {error}; {REMEDY}") from None
    parents = tuple(parent for parent, _ in SKELETON.values())
    vectors = poses[:, : 3 * len(SKELETON)].reshape(-1, 3)
    turns = Rotation.from_rotvec(vectors).as_matrix().reshape(len(poses), len(SKELETON), 3, 3)
    for joint, parent in enumerate(parents[1:], start=1):
        turns[:, joint] = turns[:, parent] @ turns[:, joint]
    offsets = np.array([offset for _, offset in SKELETON.values()], dtype=np.float64)
    return Capture(tuple(SKELETON), parents, offsets, turns, root, 1 / rate)
