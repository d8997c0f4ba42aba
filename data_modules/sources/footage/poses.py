"""3D poses that a lab has of its own clips: joints in an npz file, or markers in a TRC or C3D file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from data_modules.sources.array_files import read_npz_arrays
from data_modules.sources.footage.marker_files import read_c3d, read_trc
from data_modules.sources.footage.recordings import on_shared_clock
from data_modules.sources.poses import MM_PER_M, Y_UP_TO_Z_UP
from mcss.errors import InputError
from mcss.skeleton import JOINTS

POSES_FILES = ("poses.npz", "poses.trc", "poses.c3d")
MARKERS_FILE = "markers.csv"
WRITE_AGAIN = "write points, joints, unit, up and time_s with numpy.savez"
MM_PER_UNIT = {"mm": 1.0, "m": MM_PER_M}
TO_Z_UP = {"z": np.eye(3), "y": Y_UP_TO_Z_UP}
HEAD, ANKLES = JOINTS.index("HeadTop"), [JOINTS.index("RAnkle"), JOINTS.index("LAnkle")]


@dataclass(frozen=True, eq=False)
class OwnPoses:
    """Poses of a clip: world frame with Z up, mm, h36m17; times on the shared clock."""

    time_s: Float64[np.ndarray, " poses"]
    pose_world: Float64[np.ndarray, "poses 17 3"]
    is_seen: Bool[np.ndarray, " poses"]
    """Whether all that the pose is made of was captured."""

    def at(self, time_s: float, tolerance_s: float) -> Float64[np.ndarray, "17 3"] | None:
        """Pose captured nearest in time, if it is near enough and whole."""
        nearest = int(np.abs(self.time_s - time_s).argmin())
        is_known = self.is_seen[nearest] and abs(self.time_s[nearest] - time_s) <= tolerance_s
        return self.pose_world[nearest] if is_known else None


def poses_file(folder: Path) -> Path | None:
    """File with the poses of the clip in ``folder``, if it has one.

    Raises:
        InputError: it has several.
    """
    found = poses_files(folder)
    if len(found) > 1:
        raise InputError(f"{folder}: has {' and '.join(path.name for path in found)}; keep one of them")
    return found[0] if found else None


def poses_files(folder: Path) -> list[Path]:
    """Files with poses in the folder of a clip."""
    return [folder / name for name in POSES_FILES if (folder / name).exists()]


def read_poses(path: Path, markers: Mapping[str, Sequence[str]], sync: Mapping[str, str]) -> OwnPoses:
    """Read the poses of a clip.

    ``markers`` names those of a TRC or C3D file whose mean a joint is; a joint that it lacks is the marker of the same
    name. ``sync`` is the file's row of sync.csv: its offset, and as ``up`` the axis that points up in a TRC or C3D
    file. Frames in which a marker was not seen have no pose.

    Raises:
        InputError: the file is damaged, lacks a joint, or gives unit or axis in other words; or the person does not
            stand along the axis that the file has up, and ``sync`` says none.
    """
    poses = _read_npz(path) if path.suffix == ".npz" else _read_markers(path, markers, sync.get("up") or None)
    return replace(poses, time_s=on_shared_clock(poses.time_s, sync, path))


def _read_npz(path: Path) -> OwnPoses:
    """Read ``points`` (poses, joints, 3), ``joints``, ``unit``, ``up`` and ``time_s`` from an npz file."""
    try:
        values = read_npz_arrays(path, ("points", "joints", "unit", "up", "time_s"), WRITE_AGAIN)
        points = values["points"].astype(np.float64)
        joints = [str(joint) for joint in values["joints"]]
        unit, up = str(values["unit"]), str(values["up"])
        time_s = values["time_s"].astype(np.float64)
        if points.shape != (len(time_s), len(joints), 3) or not len(time_s):
            raise ValueError(f"points have shape {points.shape} for {len(time_s)} times and {len(joints)} joints")
        order = [joints.index(joint) for joint in JOINTS]
        return OwnPoses(time_s, _to_z_up_mm(points[:, order], unit, up), np.ones(len(time_s), dtype=bool))
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: {error}; {WRITE_AGAIN}") from None


def _read_markers(path: Path, markers: Mapping[str, Sequence[str]], up: str | None) -> OwnPoses:
    found = read_trc(path) if path.suffix == ".trc" else read_c3d(path)
    joints = []
    for joint in JOINTS:
        names = markers.get(joint, (joint,))
        if missing := [name for name in names if name not in found.names]:
            raise InputError(
                f"{path}: no marker {missing[0]} for {joint}; name the markers of each joint in {MARKERS_FILE}, there "
                f"are {', '.join(found.names)}"
            )
        joints.append(found.points[:, [found.names.index(name) for name in names]].mean(axis=1))
    points = np.stack(joints, axis=1)
    is_seen = np.isfinite(points).all(axis=(1, 2))
    if not is_seen.any():
        never = JOINTS[int(np.isfinite(points).all(axis=2).sum(axis=0).argmin())]
        raise InputError(f"{path}: no frame has all markers, fewest those of {never}; fill the gaps or take others")
    try:
        pose_world = _to_z_up_mm(points, found.unit, up or found.up)
    except ValueError as error:
        raise InputError(f"{path}: {error}; export it again, or write the axis in column up of sync.csv") from None
    if up is None:
        _require_upright(pose_world[is_seen], found.up, path)
    return OwnPoses(found.time_s, pose_world, is_seen)


def _to_z_up_mm(points: Float64[np.ndarray, "poses 17 3"], unit: str, up: str) -> Float64[np.ndarray, "poses 17 3"]:
    if unit not in MM_PER_UNIT or up not in TO_Z_UP:
        raise ValueError(f"unit {unit!r} and up {up!r} must be mm or m, z or y")
    return points @ TO_Z_UP[up].T * MM_PER_UNIT[unit]


def _require_upright(pose_world: Float64[np.ndarray, "poses 17 3"], up: str, path: Path) -> None:
    """Refuse poses that lie, where nobody has said which axis points up: a wrong one is not seen anywhere later."""
    body = np.median(pose_world[:, HEAD] - pose_world[:, ANKLES].mean(axis=1), axis=0)
    if body.argmax() != 2 or np.abs(body).argmax() != 2:
        raise InputError(f"{path}: with {up} up the person does not stand; write y or z in column up of sync.csv")
