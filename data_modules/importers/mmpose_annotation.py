"""The npz files of https://github.com/open-mmlab/mmpose's converters: a row an image.

``imgname``; ``center`` and ``scale``, a square of 200 ``scale`` pixels around the joints; ``S``, 17 joints in the
camera's frame in **metres**, with a fourth column for visibility.
"""

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from data_modules.importers.layout import Instant, View
from data_modules.importers.poses import MM_PER_M, select_joints
from data_modules.importers.unpickle import read_pickle
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.skeleton import JOINTS

PIXELS_PER_SCALE = 200.0
RUN_AGAIN = "run mmpose's converter again"
Take = tuple[str, str]
"""Subject, and the rest of what images of one clip are named after."""


@dataclass(frozen=True, eq=False)
class Annotation:
    """Rows of one npz file."""

    path: Path
    images: list[str]
    center_px: Float[np.ndarray, "rows 2"]
    side_px: Float[np.ndarray, " rows"]
    points_cam_m: Float[np.ndarray, "rows joints 4"]
    rows: dict[Take, dict[int, list[tuple[str, int]]]]
    """(camera, row) of each frame, from 0, of each take."""

    def instants(
        self, take: Take, folder: Path, calibration: dict[str, Camera], joints: tuple[int, ...], fps: float
    ) -> Iterator[Instant]:
        """Instants of a take with the views of the cameras in ``calibration``; ``joints`` are h36m17 among the 17."""
        for frame, rows in sorted(self.rows[take].items()):
            chosen = [(camera, row) for camera, row in rows if camera in calibration]
            if not chosen:
                continue
            views = []
            for camera, row in chosen:
                (x, y), half = self.center_px[row].tolist(), float(self.side_px[row]) / 2
                views.append(View(camera, folder / self.images[row], (x - half, y - half, x + half, y + half)))
            camera, row = chosen[0]
            pose = select_joints(self.points_cam_m[row : row + 1, :, :3], joints, len(JOINTS), str(self.path))[0]
            yield Instant(frame, frame / fps, tuple(views), calibration[camera].to_world(pose * MM_PER_M))


@lru_cache(maxsize=2)  # the training and the test file
def read_annotation(path: Path, pattern: str) -> Annotation:
    """Read an npz file whose image names match ``pattern``, with groups subject, take, camera and frame (from 1).

    Raises:
        InputError: the file is missing or damaged, or a name is of another form.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as values:
            images, center, scale, points = (values[key] for key in ("imgname", "center", "scale", "S"))
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {RUN_AGAIN}") from None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a whole annotation ({error}); {RUN_AGAIN}") from None
    rows: dict[Take, dict[int, list[tuple[str, int]]]] = defaultdict(lambda: defaultdict(list))
    for row, image in enumerate(images.tolist()):
        match = re.fullmatch(pattern, image)
        if match is None:
            raise InputError(f"{path}: image {image!r} is named otherwise than mmpose does; run its converter again")
        rows[match["subject"], match["take"]][int(match["frame"]) - 1].append((match["camera"], row))
    return Annotation(path, images.tolist(), center, scale * PIXELS_PER_SCALE, points, rows)


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
