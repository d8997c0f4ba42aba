"""The npz files of https://github.com/open-mmlab/mmpose's converters: a row an image.

``imgname``; ``center`` and ``scale``, a square of 200 ``scale`` pixels around the joints; ``S``, 17 joints in the
camera's frame in **metres**, with a fourth column for visibility.
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from data_modules.sources.array_files import read_npz_arrays, read_pickle
from data_modules.sources.base import Instant, Remark, View
from data_modules.sources.poses import MM_PER_M, select_joints, views_apart_mm
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.skeleton import JOINTS

PIXELS_PER_SCALE = 200.0
RUN_AGAIN = "run mmpose's converter again"
Take = tuple[str, str]
"""Subject, and the rest of what images of one clip are named after."""


@dataclass(frozen=True, eq=False)
class Annotation:
    """Rows of one npz file; plain arrays, because a file has a million of them and every process holds it."""

    path: Path
    images: np.ndarray
    """(rows) Names in UTF-8."""
    cameras: np.ndarray
    """(rows) Names."""
    frames: Int32[np.ndarray, " rows"]
    """Counted from 0."""
    center_px: Float32[np.ndarray, "rows 2"]
    side_px: Float32[np.ndarray, " rows"]
    points_cam_m: Float32[np.ndarray, "rows joints 3"]
    rows: dict[Take, Int64[np.ndarray, " _"]]
    """Of each take, by ascending frame."""
    poses_without_image: dict[Take, dict[str, int]]
    """How many, by take and camera: the converter writes all poses, and images as far as the video goes."""

    def remarks(self, take: Take, cameras: tuple[str, ...]) -> list[Remark]:
        """A remark on each of ``cameras`` whose video ended before the poses did."""
        return [
            Remark(f"{self.path}: {count} poses of camera {name} have no image, its video was too short; left out")
            for name, count in self.poses_without_image.get(take, {}).items()
            if name in cameras
        ]

    def instants(
        self, take: Take, folder: Path, calibration: dict[str, Camera], joints: tuple[int, ...], fps: float
    ) -> Iterator[Instant]:
        """Instants of a take with the views of the cameras in ``calibration``; ``joints`` are h36m17 among the 17."""
        rows = self.rows[take]
        rows = rows[np.isin(self.cameras[rows], list(calibration))]
        for together in np.split(rows, np.flatnonzero(np.diff(self.frames[rows])) + 1):
            if not len(together):  # none of the cameras is there
                continue
            poses_cam = select_joints(self.points_cam_m[together], joints, len(JOINTS), str(self.path)) * MM_PER_M
            names = self.cameras[together].tolist()
            poses_world = [calibration[name].to_world(pose) for name, pose in zip(names, poses_cam, strict=True)]
            views = tuple(self._view(row, folder) for row in together.tolist())
            frame = int(self.frames[together[0]])
            yield Instant(frame, frame / fps, views, poses_world[0], views_apart_mm(poses_world))

    def _view(self, row: int, folder: Path) -> View:
        (x, y), half = self.center_px[row].tolist(), float(self.side_px[row]) / 2
        image = folder / self.images[row].decode()
        return View(str(self.cameras[row]), image, (x - half, y - half, x + half, y + half))


@lru_cache(maxsize=2)  # the training and the test file
def read_annotation(path: Path, pattern: str) -> Annotation:
    """Read an npz file whose image names match ``pattern``, with groups subject, take, camera and frame (from 1).

    Raises:
        InputError: the file is missing or damaged, its columns differ in length, or a name is of another form.
    """
    values = read_npz_arrays(path, ("imgname", "center", "scale", "S"), RUN_AGAIN)
    try:
        points = values["S"][..., :3].astype(np.float32)
        center, scale = values["center"].astype(np.float32), values["scale"].astype(np.float32)
        images = np.char.replace(np.char.encode(values["imgname"], "utf-8"), b"\\", b"/")  # as written on Windows
    except (IndexError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a whole annotation ({error}); {RUN_AGAIN}") from None
    cameras, frames, rows = _parsed(images, pattern, path)
    places, without_image = _places_of_images(cameras, rows, len(points))
    lengths = {"imgname": len(places), "center": len(center), "scale": len(scale), "S": len(points)}
    if len(images) != len(places) or len({len(center), len(scale), len(points)}) > 1:
        told = ", ".join(f"{count} rows of {name}" for name, count in (lengths | {"imgname": len(images)}).items())
        raise InputError(f"{path}: {told} do not belong together; {RUN_AGAIN}")
    side_px = scale[places] * PIXELS_PER_SCALE
    return Annotation(path, images, cameras, frames, center[places], side_px, points[places], rows, without_image)


def _places_of_images(
    cameras: np.ndarray, rows: dict[Take, np.ndarray], poses: int
) -> tuple[Int64[np.ndarray, " images"], dict[Take, dict[str, int]]]:
    """Row of each image's pose, and by take and camera how many poses have no image.

    Poses come by take and camera, as images do; all cameras of a take have the same poses, and those behind the end of
    a camera's video have no image. The camera with most images is taken to have one of each pose, which the number of
    all poses confirms: otherwise no row is returned.
    """
    blocks = {
        (take, name): np.sort(own[cameras[own] == name])
        for take, own in rows.items()
        for name in np.unique(cameras[own]).tolist()
    }
    longest: dict[Take, int] = defaultdict(int)
    for (take, _), block in blocks.items():
        longest[take] = max(longest[take], len(block))
    places, start = np.empty(len(cameras), dtype=np.int64), 0
    without_image: dict[Take, dict[str, int]] = defaultdict(dict)
    for (take, name), block in sorted(blocks.items(), key=lambda item: item[1][0]):
        places[block] = start + np.arange(len(block))
        start += longest[take]
        if len(block) < longest[take]:
            without_image[take][name] = longest[take] - len(block)
    if len(cameras) == poses:  # one each
        return np.arange(poses), {}
    return (places if start == poses else places[:0]), dict(without_image)


def _parsed(images: np.ndarray, pattern: str, path: Path) -> tuple[np.ndarray, np.ndarray, dict[Take, np.ndarray]]:
    """Camera and frame of each name, and the rows of each take."""
    cameras, frames = np.empty(len(images), dtype="U8"), np.empty(len(images), dtype=np.int32)
    takes: dict[Take, array[int]] = defaultdict(lambda: array("q"))
    for row, name in enumerate(images):
        match = re.fullmatch(pattern, name.decode())
        if match is None:
            raise InputError(f"{path}: image {name.decode()!r} is named otherwise than mmpose does; {RUN_AGAIN}")
        cameras[row], frames[row] = match["camera"], int(match["frame"]) - 1
        takes[match["subject"], match["take"]].append(row)
    rows = {take: np.array(numbers, dtype=np.int64) for take, numbers in takes.items()}
    return cameras, frames, {take: order[np.argsort(frames[order], kind="stable")] for take, order in rows.items()}


@lru_cache(maxsize=1)
def read_cameras(path: Path) -> dict[Any, dict[str, Any]]:
    """Read the pickle of cameras: keys and values as the converter of the data set writes them.

    Raises:
        InputError: the file is missing, damaged, or holds more than arrays.
    """
    cameras = read_pickle(path)
    if not isinstance(cameras, dict):
        raise InputError(f"{path}: holds no dictionary of cameras; {RUN_AGAIN}")
    return cameras


def intrinsics(values: dict[str, Any]) -> Float64[np.ndarray, "3 3"]:
    """Matrix of a camera's ``f`` and ``c``."""
    (fx, fy), (cx, cy) = (np.asarray(values[key], dtype=np.float64).ravel() for key in ("f", "c"))
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
