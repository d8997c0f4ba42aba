"""3D poses that a lab has of its own clips: joints in an npz file, or markers in a TRC or C3D file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Shaped

from data_modules.sources.array_files import read_npz_arrays
from data_modules.sources.footage.marker_files import not_seen, read_c3d, read_trc
from data_modules.sources.footage.recordings import on_shared_clock
from data_modules.sources.footage.tables import MARKERS_FILE
from data_modules.sources.poses import MM_PER_M, Y_UP_TO_Z_UP
from mcss.errors import InputError
from mcss.skeleton import BONES, JOINTS

WRITE_AGAIN = "write points, joints, unit, up and time_s with numpy.savez"
POSES_FILES = ("poses.npz", "poses.trc", "poses.c3d")
MM_PER_UNIT = {"mm": 1.0, "millimeter": 1.0, "millimetre": 1.0, "cm": 10.0, "centimeter": 10.0, "centimetre": 10.0}
MM_PER_UNIT |= {"m": MM_PER_M, "meter": MM_PER_M, "metre": MM_PER_M}
TO_Z_UP = {"z": np.eye(3), "y": Y_UP_TO_Z_UP}
ROOT_JOINTS = ("Pelvis", "RHip", "LHip")
"""Without them a pose has no canonical frame, and is no label."""
TORN_SHARE, TORN_MM = 0.5, 100.0
"""A bone that differs from its median length by more than both, as a share of it and absolutely, is no bone."""
ROOT = [JOINTS.index(name) for name in ROOT_JOINTS]


@dataclass(frozen=True, eq=False)
class OwnPoses:
    """Poses of a clip: world frame with Z up, mm, h36m17; times on the shared clock."""

    path: Path
    time_s: Float64[np.ndarray, " poses"]
    pose_world: Float64[np.ndarray, "poses 17 3"]
    """Not a number where a joint was not captured."""
    absent: tuple[str, ...] = ()
    """Joints that the file seems to have under other names."""
    rate_said: float | None = None
    """Poses a second by the header of a file that has times, too."""

    @cached_property
    def are_rooted(self) -> Bool[np.ndarray, " poses"]:
        """Whether a pose has pelvis and hips."""
        return np.isfinite(self.pose_world[:, ROOT]).all(axis=(1, 2))

    @cached_property
    def are_torn(self) -> Bool[np.ndarray, " poses"]:
        """Whether a bone of a pose is much longer or shorter than in most poses: a marker was swapped or lost."""
        lengths = np.linalg.norm(np.diff(self.pose_world[:, np.array(BONES)], axis=2)[:, :, 0], axis=2)
        known = np.ma.masked_invalid(lengths)
        usual = np.ma.median(known, axis=0)
        apart = np.ma.abs(known - usual)
        return ((apart > TORN_SHARE * usual) & (apart > TORN_MM)).filled(False).any(axis=1)

    @cached_property
    def are_labels(self) -> Bool[np.ndarray, " poses"]:
        """Whether a pose can be learned from."""
        return self.are_rooted & ~self.are_torn

    def at(self, time_s: float, tolerance_s: float) -> Float64[np.ndarray, "17 3"] | None:
        """Pose captured nearest in time, if it is near enough and a label."""
        nearest = int(np.abs(self.time_s - time_s).argmin())
        is_known = self.are_labels[nearest] and abs(self.time_s[nearest] - time_s) <= tolerance_s
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
    """Files with poses in the folder of a clip, in small letters or capitals."""
    return sorted(path for path in folder.iterdir() if path.name.lower() in POSES_FILES)


def read_poses(path: Path, markers: Mapping[str, Sequence[str]], sync: Mapping[str, str]) -> OwnPoses:
    """Read the poses of a clip.

    ``markers`` names those of a TRC or C3D file whose mean a joint is; a joint that it lacks is the marker of the same
    name. ``sync`` is the file's row of sync.csv: its offset, and, where the file does not say it or is wrong, the
    unit (``unit``) and the axis that points up (``up``).

    Raises:
        InputError: the file is damaged, lacks pelvis or hips, or gives unit or axis in other words; or the person does
            not stand along the axis that the file has up, and ``sync`` says none.
    """
    is_npz = path.suffix.lower() == ".npz"
    points, time_s, unit, up, absent, rate_said = _read_npz(path) if is_npz else _read_markers(path, markers)
    if not np.isfinite(time_s).all() or (np.diff(time_s) <= 0).any():
        raise InputError(f"{path}: its times are not ascending numbers; export it again")
    said_up = (sync.get("up") or "").strip().lower() or None
    unit = (sync.get("unit") or unit or "").strip().lower()
    if not unit:
        raise InputError(f"{path}: does not say its unit; write mm, cm or m in column unit of sync.csv")
    axis = said_up or up.strip(" +").lower()
    mm = MM_PER_UNIT.get(unit) or MM_PER_UNIT.get(unit.removesuffix("s"))
    if mm is None or axis not in TO_Z_UP:
        raise InputError(
            f"{path}: unit {unit!r} and up {axis!r} must be mm, cm or m, z or y; export it again, or write them in"
            " columns unit and up of sync.csv"
        )
    pose_world = points @ TO_Z_UP[axis].T * mm
    if not np.isfinite(pose_world[:, ROOT]).all(axis=(1, 2)).any():
        counts = np.isfinite(pose_world[:, ROOT]).all(axis=2).sum(axis=0)
        raise InputError(
            f"{path}: no frame has pelvis and both hips, fewest {ROOT_JOINTS[int(counts.argmin())]}; fill the gaps"
        )
    if said_up is None:
        _require_upright(pose_world, axis, path)
    return OwnPoses(path, on_shared_clock(time_s, sync, path), pose_world, absent, rate_said)


Points = Float64[np.ndarray, "poses 17 3"]
ReadPoses = tuple[Points, Float64[np.ndarray, " poses"], str | None, str, tuple[str, ...], float | None]
"""Joints h36m17, times on the file's clock, unit if said, axis that is up, joints under unknown names, rate said."""


def _read_npz(path: Path) -> ReadPoses:
    """Read ``points`` (poses, joints, 3), ``joints``, ``unit``, ``up`` and ``time_s`` from an npz file."""
    values = read_npz_arrays(path, ("points", "joints", "unit", "up", "time_s"), WRITE_AGAIN)
    try:
        if values["points"].dtype.kind not in "fiu":
            raise ValueError(f"points are {values['points'].dtype}, no real numbers")
        points = values["points"].astype(np.float64)
        joints = _joint_names(values["joints"])
        unit, up = str(values["unit"].item()), str(values["up"].item())
        time_s = values["time_s"].astype(np.float64)
        if points.shape != (len(time_s), len(joints), 3) or not len(time_s):
            raise ValueError(f"points have shape {points.shape} for {len(time_s)} times and {len(joints)} joints")
        if absent := [name for name in ROOT_JOINTS if name not in joints]:
            raise ValueError(f"no joint {absent[0]!r}")
        points[~np.isfinite(points).all(axis=-1)] = np.nan
        points[not_seen(points, joints)] = np.nan
        ordered = np.full((len(time_s), len(JOINTS), 3), np.nan)
        for number, name in enumerate(JOINTS):
            if name in joints:
                ordered[:, number] = points[:, joints.index(name)]
        missing = tuple(name for name in JOINTS if name not in joints)
        return ordered, time_s, unit, up, missing if set(joints) - set(JOINTS) else (), None
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: {error}; {WRITE_AGAIN}") from None


def _joint_names(values: Shaped[np.ndarray, " joints"]) -> list[str]:
    """Names of joints, those of h36m17 as they are written there.

    Raises:
        ValueError: one occurs twice.
    """
    official = {name.lower(): name for name in JOINTS}
    names = [value.decode() if isinstance(value, bytes) else str(value) for value in values.tolist()]
    names = [official.get(name.strip().lower(), name) for name in names]
    if twice := [name for name in JOINTS if names.count(name) > 1]:
        raise ValueError(f"joint {twice[0]!r} occurs twice")
    return names


def _read_markers(path: Path, markers: Mapping[str, Sequence[str]]) -> ReadPoses:
    found = read_trc(path) if path.suffix.lower() == ".trc" else read_c3d(path)
    points = np.full((len(found.time_s), len(JOINTS), 3), np.nan)
    absent = []
    for number, joint in enumerate(JOINTS):
        names = [name for name in markers.get(joint, (joint,)) if name]
        if not names and joint not in ROOT_JOINTS:  # markers.csv says that there is none
            continue
        if missing := [name for name in names if name not in found.names]:
            if joint not in markers and joint not in ROOT_JOINTS:
                absent.append(joint)
                continue
            raise InputError(
                f"{path}: no marker {missing[0]} for {joint}; name the markers of each joint in {MARKERS_FILE}, there "
                f"are {', '.join(filter(None, found.names))}"
            )
        if twice := [name for name in names if found.names.count(name) > 1]:
            raise InputError(f"{path}: marker {twice[0]} occurs twice; rename one of them")
        points[:, number] = found.points[:, [found.names.index(name) for name in names]].mean(axis=1)
    return points, found.time_s, found.unit, found.up, tuple(absent), found.rate_said


def _require_upright(pose_world: Points, up: str, path: Path) -> None:
    """Refuse poses that lie, where only the file says which axis points up: a wrong one is not seen anywhere later."""
    pelvis = pose_world[:, JOINTS.index("Pelvis")]
    above = [pose_world[:, JOINTS.index(name)] - pelvis for name in ("HeadTop", "Neck", "Thorax", "Spine")]
    below = [pelvis - pose_world[:, JOINTS.index(name)] for name in ("RAnkle", "LAnkle", "RKnee", "LKnee")]
    seen = [part[np.isfinite(part).all(axis=1)] for part in (*above, *below)]
    parts = np.array([np.median(part, axis=0) for part in seen if len(part)])
    if not len(parts):
        return
    body = parts.sum(axis=0)
    if body.argmax() != 2 or np.abs(body).argmax() != 2:
        raise InputError(
            f"{path}: with {up} up the person does not stand; write y or z in column up of sync.csv"
            f" ({up} itself, if the person lies)"
        )
