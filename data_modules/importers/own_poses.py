"""3D poses that a lab has of its own clips."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from data_modules.importers.poses import MM_PER_M, Y_UP_TO_Z_UP
from mcss.errors import InputError
from mcss.skeleton import JOINTS

MM_PER_UNIT = {"mm": 1.0, "m": MM_PER_M}
TO_Z_UP = {"z": np.eye(3), "y": Y_UP_TO_Z_UP}


@dataclass(frozen=True, eq=False)
class OwnPoses:
    """Poses of a clip: world frame with Z up, mm, h36m17; times on the shared clock."""

    time_s: Float64[np.ndarray, " poses"]
    pose_world: Float64[np.ndarray, "poses 17 3"]

    def at(self, time_s: float, tolerance_s: float) -> Float64[np.ndarray, "17 3"] | None:
        """Nearest pose in time, if it is near enough."""
        nearest = int(np.abs(self.time_s - time_s).argmin())
        return self.pose_world[nearest] if abs(self.time_s[nearest] - time_s) <= tolerance_s else None


def read_poses(path: Path) -> OwnPoses:
    """Read ``points`` (poses, joints, 3), ``joints``, ``unit``, ``up`` and ``time_s`` from an npz file.

    Raises:
        InputError: the file is damaged, lacks one of these or a joint of h36m17, or gives unit or axis in other words.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as values:
            points = values["points"].astype(np.float64)
            joints = [str(joint) for joint in values["joints"]]
            unit, up = str(values["unit"]), str(values["up"])
            time_s = values["time_s"].astype(np.float64)
        if unit not in MM_PER_UNIT or up not in TO_Z_UP:
            raise ValueError(f"unit {unit!r} and up {up!r} must be mm or m, z or y")
        if points.shape != (len(time_s), len(joints), 3) or not len(time_s):
            raise ValueError(f"points have shape {points.shape} for {len(time_s)} times and {len(joints)} joints")
        order = [joints.index(joint) for joint in JOINTS]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: {error}; write points, joints, unit, up and time_s with numpy.savez") from None
    return OwnPoses(time_s, points[:, order] @ TO_Z_UP[up].T * MM_PER_UNIT[unit])
