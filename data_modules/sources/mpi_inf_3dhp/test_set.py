"""MPI-INF-3DHP's own test set TS1 to TS6, one view an instant (Mehta et al., 3DV 2017).

``TS1/annot_data.mat`` (MATLAB v7.3, which is HDF5) has ``annot2`` (frames, 1, 17, 2; pixels), ``annot3`` and
``univ_annot3`` (frames, 1, 17, 3; camera frame, mm) and ``valid_frame`` (frames, 1); frame 0 is
``TS1/imageSequence/img_000001.jpg``.

There are two ground truths. ``annot3`` is the metric pose. ``univ_annot3`` is scaled to one body height and is what
published numbers are measured on: it is read by SPIN's datasets/preprocess/mpi_inf_3dhp.py
(https://github.com/nkolot/SPIN) and by P-STMO (https://github.com/paTRICK-swk/P-STMO). It is the default; the layout
``mpi-inf-3dhp-test-metric`` reads the other.

No file tells how the cameras stood, so the store's world is the camera's frame turned to Z up, with the camera taken as
level: where it was tilted, so is the vertical that the canonical frame turns about. No file has boxes either: they are
the rectangles of ``annot2``. No file has a frame rate: 25 a second only spaces ``time_s``.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from data_modules.crop import BOX_MARGIN, JOINTS_MARGIN
from data_modules.sources.base import Box, Clip, DataSet, Instant, Remark, Source, View
from data_modules.sources.h5_files import numbers, open_h5
from data_modules.sources.mpi_inf_3dhp.mmpose import OF_17_RELEVANT
from data_modules.sources.poses import select_joints
from mcss.errors import InputError

SUBJECTS = tuple(f"TS{number}" for number in range(1, 7))
UNIVERSAL = DataSet(
    name="mpi-inf-3dhp-test",
    subjects_test=SUBJECTS,
    source="MPI-INF-3DHP's test set, http://gvv.mpi-inf.mpg.de/3dhp-dataset; universal poses univ_annot3",
    licence="MPI-INF-3DHP licence: research use only, not to be passed on",
    subjects=SUBJECTS,
    clips_per_subject=1,
)
METRIC = replace(UNIVERSAL, source=UNIVERSAL.source.replace("universal poses univ_annot3", "metric poses annot3"))
LEVEL_CAMERA_TO_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""From x right, y down, z forward to x right, y forward, z up."""
CAMERA = "0"


class Annotation(NamedTuple):
    """What ``annot_data.mat`` says of all frames, joints in the order h36m17."""

    joints_px: Float64[np.ndarray, "frames 17 2"]
    poses_world: Float64[np.ndarray, "frames 17 3"]
    is_valid: Bool[np.ndarray, " frames"]


class MpiInf3dhpTest(Source):
    """See the module."""

    name = "mpi-inf-3dhp-test"
    not_read = ("test_util",)
    data_set = UNIVERSAL
    poses: ClassVar[str] = "univ_annot3"
    """Which of the file's ground truths is read."""

    def clips(self) -> list[Clip]:
        """Sequences whose folders are there."""
        there = [subject for subject in SUBJECTS if (self.source / subject).is_dir()]
        if not there:
            raise InputError(f"{self.source}: no TS1, ... in it; unpack mpi_inf_3dhp_test_set there")
        return [(subject, "Test", 1) for subject in there]

    def files(self, clip: Clip) -> list[Path]:
        """The annotation and the folder of images."""
        return [self.annotation(clip), self._images(clip)]

    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """The only one."""
        return (CAMERA,)

    def fps(self, clip: Clip) -> float:
        """Assumed, see the module."""
        return 25.0

    def annotation(self, clip: Clip) -> Path:
        """The clip's poses."""
        return self.source / clip[0] / "annot_data.mat"

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """How many frames the data set itself calls invalid."""
        is_valid = read_annotation(self.annotation(clip), self.poses).is_valid
        if is_valid.all():
            return []
        line = f"{self.annotation(clip)}: {(~is_valid).sum()} of {len(is_valid)} frames are not valid (valid_frame 0)"
        return [Remark(f"{line}; they are left out, as in every published number", is_fault=False)]

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of the valid frames."""
        joints_px, poses_world, is_valid = read_annotation(self.annotation(clip), self.poses)
        for frame in np.flatnonzero(is_valid).tolist():
            image = self._images(clip) / f"img_{frame + 1:06d}.jpg"
            view = View(CAMERA, image, box_around(joints_px[frame]))
            yield Instant(frame, frame / self.fps(clip), (view,), poses_world[frame])

    def _images(self, clip: Clip) -> Path:
        return self.source / clip[0] / "imageSequence"


class MpiInf3dhpTestMetric(MpiInf3dhpTest):
    """With the metric poses."""

    name = "mpi-inf-3dhp-test-metric"
    data_set = METRIC
    poses = "annot3"


def box_around(joints_px: Float64[np.ndarray, "17 2"]) -> Box:
    """Rectangle of the joints, grown so that its crop is the one that is cut around projected joints elsewhere."""
    low, high = joints_px.min(axis=0), joints_px.max(axis=0)
    beyond = (high - low) / 2 * ((1 + JOINTS_MARGIN) / (1 + BOX_MARGIN) - 1)
    (left, top), (right, bottom) = (low - beyond).tolist(), (high + beyond).tolist()
    return left, top, right, bottom


def read_annotation(path: Path, poses: str) -> Annotation:
    """Read ``annot_data.mat`` with the ground truth ``poses``.

    Raises:
        InputError: the file is damaged, lacks a variable, or has another number of joints or frames in one of them.
    """
    with open_h5(path, f"it needs annot2, {poses} and valid_frame; download it again") as file:
        joints_px, points_mm, valid = (numbers(file, name) for name in ("annot2", poses, "valid_frame"))
    valid = valid.ravel()
    if {joints_px.shape[-1:], points_mm.shape[-1:]} != {(2,), (3,)} or {len(joints_px), len(points_mm)} != {len(valid)}:
        shapes = f"annot2 {joints_px.shape}, {poses} {points_mm.shape}, valid_frame {valid.shape}"
        raise InputError(f"{path}: {shapes} are not of the same frames; download it again")
    joints_px = select_joints(joints_px.reshape(len(valid), -1, 2), OF_17_RELEVANT, 17, f"{path}: annot2")
    points_mm = select_joints(points_mm.reshape(len(valid), -1, 3), OF_17_RELEVANT, 17, f"{path}: {poses}")
    return Annotation(joints_px, points_mm @ LEVEL_CAMERA_TO_WORLD.T, valid != 0)
