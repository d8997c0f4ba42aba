"""Motion files as clips: a folder of them takes the place of the scripts."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from data_modules.sources.studio.actor import Ground, free_ground
from data_modules.sources.studio.body import Body, Posture
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.furniture import Seat
from data_modules.sources.studio.mocap.amass import read_amass
from data_modules.sources.studio.mocap.bvh import read_bvh
from data_modules.sources.studio.mocap.capture import Capture
from data_modules.sources.studio.mocap.names import naming_of
from data_modules.sources.studio.mocap.retarget import Retarget
from mcss.errors import InputError

READERS = {".bvh": read_bvh, ".npz": read_amass}
FLOOR_FRAMES, FLOOR_PERCENT = 60, 5.0
"""Of so many frames, spread over a file, so many per cent have their lowest vertex below the floor."""
DRIFT_S = 1.0
"""The way of a person who leaves the free ground is taken out where it is slower than about this."""


def motion_files(folder: Path) -> dict[str, Path]:
    """Motion files of a folder and of the folders in it, by the action that each one is: its name.

    Raises:
        InputError: there is no such folder, it has no motion files, or two have one name.
    """
    if not folder.is_dir():
        raise InputError(f"--motion {folder}: there is no such folder; name one with .bvh files or AMASS' .npz files")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in READERS)
    if not paths:
        raise InputError(f"--motion {folder}: there is no .bvh or .npz file in it")
    files: dict[str, Path] = {}
    for path in paths:
        if path.stem in files:
            raise InputError(f"--motion {folder}: {files[path.stem]} and {path} have one name; rename one of them")
        files[path.stem] = path
    return files


def pieces(config: StudioConfig, path: Path) -> int:
    """Into how many clips a file is cut, at most ``config.subactions``: one after the other, of its instants each.

    The last one is left out where it would be shorter, unless it is the only one.
    """
    length_s = config.instants * config.instant_gap_s
    return int(
        np.clip((_read(path, _changed(path)).duration_s + config.instant_gap_s) / length_s + 1e-6, 1, config.subactions)
    )


def play(config: StudioConfig, path: Path, piece: int, body: Body, seat: Seat) -> Posture:
    """Play one clip of a motion file on a body; fewer instants than ``config`` has where the file is shorter.

    The motion is moved to the middle of the ground that the chair leaves free. Who would leave it walks in its place.

    Args:
        config: tells the instants.
        path: of the file.
        piece: which clip of the file, from 1.
        body: who plays it.
        seat: what the person keeps clear of.
    """
    capture = _read(path, _changed(path))
    retarget = Retarget(capture, naming_of(capture.joints, path), body)
    start_s = (piece - 1) * config.instants * config.instant_gap_s
    time_s = start_s + np.arange(config.instants) * config.instant_gap_s
    time_s = time_s[time_s <= capture.duration_s + 1e-6]
    rotations, root = retarget.moves(capture.at(time_s))
    root = root + _to_ground(capture, retarget, time_s, free_ground(seat))
    root[:, 2] -= _floor_mm(capture, retarget, body)
    posture = body.posture(rotations, root)
    rise = np.zeros((len(time_s), 1, 3))
    rise[:, 0, 2] = np.maximum(-body.lowest_mm(posture.vertices_mm), 0)
    return Posture(posture.joints_mm + rise, posture.vertices_mm + rise)


def _changed(path: Path) -> int:
    """When a file was changed: what was read of it before then is not what it holds."""
    return path.stat().st_mtime_ns


@lru_cache(maxsize=4)
def _read(path: Path, changed_ns: int) -> Capture:
    return READERS[path.suffix.lower()](path)


def _floor_mm(capture: Capture, retarget: Retarget, body: Body) -> float:
    """Height of the floor in the file's world."""
    seen = capture.at(np.linspace(0, capture.duration_s, FLOOR_FRAMES))
    lowest = body.lowest_mm(body.posture(*retarget.moves(seen)).vertices_mm)
    return float(np.percentile(lowest, FLOOR_PERCENT))


def _to_ground(
    capture: Capture, retarget: Retarget, time_s: Float[np.ndarray, " instants"], ground: Ground
) -> Float[np.ndarray, "instants 3"]:
    """Find how far to move a person, so that the person stays on the ground."""
    own_s = np.arange(len(capture.root)) * capture.frame_s
    shown = (own_s >= time_s[0] - capture.frame_s) & (own_s <= time_s[-1] + capture.frame_s)
    way = retarget.mm_per_unit * capture.root[shown, :2]
    middle = (way.min(axis=0) + way.max(axis=0)) / 2
    move = np.broadcast_to(ground.center_mm - middle, way.shape)
    if np.linalg.norm(way - middle, axis=1).max() > ground.radius_mm:
        move = ground.center_mm - gaussian_filter1d(way, DRIFT_S / capture.frame_s, axis=0, mode="nearest")
        move = move + np.stack([ground.nearest(xy) - xy for xy in way + move])
    return np.stack([*(np.interp(time_s, own_s[shown], move[:, axis]) for axis in range(2)), 0 * time_s], axis=1)
