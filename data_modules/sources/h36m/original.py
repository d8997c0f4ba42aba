"""Human3.6M as its site delivers it, unpacked, with ``metadata.xml`` beside the subjects.

``S1/MyPoseFeatures/D3_Positions/Directions 1.cdf`` (world, mm), ``S1/Videos/Directions 1.54138969.mp4`` and, if there,
``S1/MySegmentsMat/ground_truth_bb/Directions 1.54138969.mat``; without these boxes those of the projected joints are
taken. h36m-fetch unpacks the same archives to ``extracted/S1/Poses_D3_Positions`` and ``extracted/S1/Videos``; each
subject's folders are looked for at both places. Facts: https://github.com/anibali/h36m-fetch and
https://github.com/facebookresearch/VideoPose3D.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import ClassVar

import cdflib
import h5py
import numpy as np
from jaxtyping import Float64

from data_modules.sources.base import Box, Clip, Instant, Remark, VideoFrame, View
from data_modules.sources.h5_files import numbers
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m.labels import H36mLabels
from data_modules.sources.h36m.metadata import METADATA_FILE, Metadata, read_metadata
from data_modules.sources.poses import select_joints
from data_modules.sources.video_lengths import frame_count, short_videos
from mcss.errors import InputError
from mcss.geometry.camera import Camera

POSES, VIDEOS, BOXES = "MyPoseFeatures/D3_Positions", "Videos", "MySegmentsMat/ground_truth_bb"
EXTRACTED = "extracted"
OTHER_NAMES = {POSES: "Poses_D3_Positions"}
"""What h36m-fetch's extract_all.py calls a folder of an archive under ``extracted/S1``."""
VIDEOS_ARCHIVE = {VIDEOS: "Videos_{}.tgz"}
MOST_VARIABLES = 1000
"""Of a CDF file: cdflib walks through as many as a damaged one announces; the official ones have one."""
SHORTER_BY = 10
"""Videos run longer than the poses, and the cameras' lengths differ by up to this many frames; more is a fault."""


class H36mOriginal(H36mLabels):
    """See the module."""

    name = "h36m"
    images_name = "videos"
    not_read = (
        "S*/Videos/_ALL*", "extracted/S*/Videos/_ALL*", "extracted/S*/Poses_D2_Positions",
        "extracted/S*/Poses_D3_Positions_mono*", "archives", "processed",
    )  # fmt: skip
    step, step_test = h36m_names.STEP, h36m_names.STEP_TEST
    archives: ClassVar[dict[str, str]] = {POSES: "Poses_D3_Positions_{}.tgz", **VIDEOS_ARCHIVE}
    """Archive, by subject, that holds a folder without which nothing can be imported."""

    def clips(self) -> list[Clip]:
        """Clips of the subjects whose folders are there."""
        roots = (self.source, self.source / EXTRACTED)
        subjects = [name for name in h36m_names.SUBJECTS if any((root / name).is_dir() for root in roots)]
        if not subjects:
            names = ", ".join(archive.format("S1") for archive in self.archives.values())
            raise InputError(f"{self.source}: no folders S1, S5, ... in it; unpack {names}, ... there")
        return [clip for clip in self.metadata().file_names if clip[0] in subjects]

    def shared(self, clip: Clip) -> dict[Path, str]:
        """Folders of the subject's archives."""
        subject = clip[0]
        return {
            unpacked(self.source, subject, folder): f"unpack {archive.format(subject)}"
            for folder, archive in self.archives.items()
        }

    def files(self, clip: Clip) -> list[Path]:
        """World poses, the four videos, the table of names and cameras, and boxes where the subject has some."""
        return [*self.label_files(clip), *self.video_files(clip)[1:]]

    def label_files(self, clip: Clip) -> list[Path]:
        """World poses, the table of names and cameras, and boxes where the subject has some."""
        boxes = [self.file(clip, BOXES, f".{camera}.mat") for camera in h36m_names.CAMERAS]
        return [self.annotation(clip), self._table, *(path for path in boxes if path.parent.is_dir())]

    def label_shared(self, clip: Clip) -> dict[Path, str]:
        """The folder of the subject's poses."""
        return {unpacked(self.source, clip[0], POSES): f"unpack {self.archives[POSES].format(clip[0])}"}

    @property
    def has_own_images(self) -> bool:
        """Whether there are videos."""
        return has_videos(self.source)

    def video_files(self, clip: Clip) -> list[Path]:
        """The table that tells their names, and the four videos."""
        return [self._table, *(self.file(clip, VIDEOS, f".{camera}.mp4") for camera in h36m_names.CAMERAS)]

    def annotation(self, clip: Clip) -> Path:
        """The clip's world poses."""
        return self.file(clip, POSES, ".cdf")

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants up to the shortest of poses and videos."""
        count = min(frame_count(self.file(clip, VIDEOS, f".{camera}.mp4")) for camera in cameras)
        return islice(self.labelled(clip, cameras), count)

    def labelled(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of all poses."""
        poses = self.poses(clip)
        videos = {camera: self.file(clip, VIDEOS, f".{camera}.mp4") for camera in cameras}
        with ExitStack() as files:
            boxes = {camera: self._boxes(clip, camera, files) for camera in cameras}
            for frame in range(len(poses)):
                views = tuple(
                    View(camera, VideoFrame(path, frame), _lazy_box(boxes[camera], frame))
                    for camera, path in videos.items()
                )
                yield Instant(frame, frame / h36m_names.FPS, views, poses[frame])

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """Videos that end before the poses do."""
        paths = [self.file(clip, VIDEOS, f".{camera}.mp4") for camera in cameras]
        return short_videos(paths, len(self.poses(clip)), SHORTER_BY, "unpack the videos' archive again")

    def boxes_are_of_joints(self, clip: Clip) -> bool:
        """Where the subject has no boxes of its own."""
        return not unpacked(self.source, clip[0], BOXES).is_dir()

    def poses(self, clip: Clip) -> Float64[np.ndarray, "frames 17 3"]:
        """World poses, mm.

        Raises:
            InputError: they cannot be read.
        """
        return read_cdf_poses(self.annotation(clip))

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """Cameras as they stood for the subject."""
        cameras = self.metadata().cameras
        return {name: cameras[clip[0], name] for name in h36m_names.CAMERAS}

    def metadata(self) -> Metadata:
        """Names of the files, and the cameras."""
        return read_metadata(self._table)

    @property
    def _table(self) -> Path:
        return self.source / METADATA_FILE

    def file(self, clip: Clip, folder: str, suffix: str) -> Path:
        """A file of the clip, by its folder in the subject's and what follows the clip's name."""
        return unpacked(self.source, clip[0], folder) / f"{self.metadata().file_names[clip]}{suffix}"

    def _boxes(self, clip: Clip, camera: str, files: ExitStack) -> "h5py.File | None":
        path = self.file(clip, BOXES, f".{camera}.mat")
        if not path.parent.is_dir():
            return None
        try:
            return files.enter_context(h5py.File(path, "r"))
        except OSError as error:
            raise InputError(f"{path}: cannot be opened ({error}); unpack the boxes' archive again") from None


def unpacked(source: Path, subject: str, folder: str) -> Path:
    """Where a folder of the subject's archives is, or should be: as official, or as h36m-fetch unpacks it."""
    roots = (source / subject, source / EXTRACTED / subject)
    places = [root / name for name in (folder, OTHER_NAMES.get(folder, folder)) for root in roots]
    if found := [place for place in places if place.is_dir()]:
        return found[0]
    return places[-1] if roots[1].is_dir() else places[0]


def has_videos(source: Path) -> bool:
    """Whether the official videos of some subject are there."""
    return any(any((source / root).glob(f"S*/{VIDEOS}")) for root in (".", EXTRACTED))


def read_cdf_poses(path: Path) -> Float64[np.ndarray, "frames 17 3"]:
    """World poses, mm, of a CDF file of ``D3_Positions``.

    Raises:
        InputError: the file is missing or damaged, or has another number of joints.
    """
    if not path.exists():
        raise InputError(f"{path}: missing; unpack the poses' archive again")
    try:
        file = cdflib.CDF(path)
        if max(file._num_rvariable, file._num_zvariable) > MOST_VARIABLES:
            raise ValueError("it announces too many variables")
        values = np.asarray(file.varget("Pose"), dtype=np.float64)
        points = values.reshape(values.shape[-2], -1, 3)
    except Exception as error:  # cdflib raises whatever a damaged file leads to
        raise InputError(f"{path}: not a whole CDF file of poses ({error}); unpack the poses' archive again") from None
    return select_joints(points, h36m_names.OF_32_JOINTS, 32, str(path))


def _lazy_box(masks: "h5py.File | None", frame: int) -> "LazyBox | None":
    return None if masks is None else LazyBox(masks, frame)


class LazyBox:
    """Reads the box of one frame when asked: the file holds a mask of a million pixels for every frame."""

    def __init__(self, masks: h5py.File, frame: int) -> None:
        self.masks = masks
        self.frame = frame

    def __call__(self) -> Box:
        """Left, top, right, bottom of the person; MATLAB stored the masks transposed."""
        try:
            mask = numbers(self.masks, self.masks["Masks"][self.frame, 0]) > 0
            columns, rows = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        except Exception as error:  # a damaged file raises anything
            raise InputError(
                f"{self.masks.filename}: lacks a mask ({self.frame}: {error}); unpack the boxes again"
            ) from None
        if not len(rows):
            raise InputError(f"{self.masks.filename}: a mask is empty ({self.frame}); the frame has no box")
        return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
