"""A lab's own synchronised videos, with or without 3D poses; no calibration is needed.

    VIEWS/<subject>/<clip>/<camera>.mp4     or a folder <camera>/ of images
    VIEWS/sync.csv                          optional: video, offset_s or offset_frames, fps (of folders of images)
    VIEWS/boxes.csv                         optional: video, frame, left, top, width, height; else found
    VIEWS/<subject>/<clip>/poses.npz        optional: points (frames, joints, 3), joints (names of h36m17), unit (mm or
                                            m), up (z or y), time_s (frames) on the shared clock
    VIEWS/<subject>/<clip>/poses.trc        instead, or poses.c3d: markers, with
    VIEWS/markers.csv                       joint (of h36m17), marker; a joint is the mean of its markers

A video is named <subject>/<clip>/<camera> in the tables, and the poses <subject>/<clip>/poses.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data_modules.sources.base import Box, Clip, DataSet, Instant, Remark, Source, View
from data_modules.sources.file_names import image_sequence, is_for_calibration
from data_modules.sources.footage.motion_boxes import motion_boxes
from data_modules.sources.footage.poses import MARKERS_FILE, POSES_FILES, OwnPoses, poses_file, poses_files, read_poses
from data_modules.sources.footage.recordings import (
    Recording,
    folder_fps,
    match_frames,
    read_recording,
    read_table,
    recording_camera,
    recordings_in,
    unread_in,
)
from data_modules.sources.footage.sync_clip import differences, sync_clip
from mcss.errors import InputError
from mcss.skeleton import JOINTS

if TYPE_CHECKING:
    from data_modules.sources.footage.detector_boxes import Detector

SYNC_FILE, BOXES_FILE = "sync.csv", "boxes.csv"
CLICKS_FILE, PEOPLE_FILE = "clicks.csv", "people.csv"
"""What labels are made from."""
SOLVED_FILES = ("cameras.json", "solved.html")
"""What mcss-data solve writes beside the poses."""
BOX_COLUMNS = ("left", "top", "width", "height")
COLUMNS = {
    SYNC_FILE: ("video",),
    BOXES_FILE: ("video", "frame", *BOX_COLUMNS),
    MARKERS_FILE: ("joint", "marker"),
}
"""That a table must have."""


class Videos(Source):
    """See the module."""

    name = "videos"
    arrangement = "<subject>/<clip>/<camera>.mp4"
    tables = (SYNC_FILE, BOXES_FILE, MARKERS_FILE, CLICKS_FILE, PEOPLE_FILE)
    data_set = DataSet(name="videos", subjects_test=(), source="own videos", licence="as their owner says")

    def __init__(self, source: Path, images_fps: float | None = None) -> None:
        super().__init__(source)
        self._detector: Detector | None = None
        # Of folders of images for which sync.csv has no row.
        self._images_sync = {} if images_fps is None else {"fps": str(images_fps)}

    def use_detector(self, weights: str) -> None:
        """Find persons by a detector instead of their motion, in recordings without rows in boxes.csv."""
        from data_modules.sources.footage.detector_boxes import Detector  # torchvision's networks take seconds to load

        self._detector = Detector(weights)

    def options(self) -> dict[str, str]:
        """Weights of the detector, if one is used."""
        return {"detector": self._detector.id} if self._detector else {}

    def table_rows(self, clip: Clip) -> list:
        """Digests of the rows of sync.csv and boxes.csv, of the poses, and of the markers if there are poses."""
        tables = [path for name in (SYNC_FILE, BOXES_FILE) if (path := self.source / name).exists()]
        rows = [_digests(path, path.stat().st_mtime_ns).get(f"{clip[0]}/{clip[1]}") for path in tables]
        poses = poses_files(self.annotation(clip))
        markers = [path for path in [self.source / MARKERS_FILE] if poses and path.exists()]
        return [rows, *(f"{path.name} {_digest(path)}" for path in (*poses, *markers))]

    def clips(self) -> list[Clip]:
        """Folders <subject>/<clip> that hold recordings."""
        found = {folder: recordings_in(folder) for folder in self._clip_folders()}
        names = {_name(path) for paths in found.values() for path in paths}
        if not names:
            raise InputError(f"{self.source}: no <subject>/<clip>/<camera>.mp4 in it; arrange the videos so")
        poses = {_name(path) for folder in found for path in poses_files(folder)}
        for table, known in ((SYNC_FILE, names | poses), (BOXES_FILE, names)):
            rows = read_table(self.source / table, COLUMNS[table]) if (self.source / table).exists() else ()
            if unknown := sorted({row["video"] for row in rows} - known):
                raise InputError(
                    f"{self.source / table}: there is no video {unknown[0]}; write <subject>/<clip>/<camera>"
                )
        return [(folder.parent.name, folder.name, 1) for folder, paths in found.items() if paths]

    def files(self, clip: Clip) -> list[Path]:
        """The recordings of at least two cameras."""
        self.cameras(clip)
        poses_file(self.annotation(clip))
        recordings = recordings_in(self.annotation(clip))
        sync = _rows_by(self.source / SYNC_FILE, "video")
        for folder in filter(Path.is_dir, recordings):
            image_sequence(folder)
            folder_fps(folder, sync.get(_name(folder), [{}])[-1])
        return recordings

    def unread(self, clip: Clip) -> list[Path]:
        """What is neither recording nor poses in the clip's folder."""
        return unread_in(self.annotation(clip), (*POSES_FILES, *SOLVED_FILES))

    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """All that recorded the clip; at least two, because a positive pair needs two views."""
        names = tuple(recording_camera(path) for path in recordings_in(self.annotation(clip)))
        if len(names) < 2 or len(set(names)) < len(names):
            raise InputError(f"{self.annotation(clip)}: needs two or more cameras of different names, has {names}")
        return names

    def fps(self, clip: Clip) -> float:
        """Of the slowest camera, whose frames are the instants."""
        return min(recording.fps for recording in self.recordings(clip, self.cameras(clip)))

    def annotation(self, clip: Clip) -> Path:
        """Folder of the clip."""
        return self.source / clip[0] / clip[1]

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """Where the sound of two recordings says another offset than sync.csv."""
        on_shared_clock = self.recordings(clip, cameras)
        own = [read_recording(recording.path, {"fps": str(recording.fps)}) for recording in on_shared_clock]
        offsets = {
            shared.camera: float(recording.time_s[0] - shared.time_s[0])
            for shared, recording in zip(on_shared_clock, own, strict=True)
        }
        lines = differences(f"{clip[0]}/{clip[1]}", sync_clip(own, sound_only=True), own, offsets)
        return [Remark(line, is_fault=False) for line in lines]

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """One instant for each frame of the slowest camera."""
        recordings = self.recordings(clip, cameras)
        if not recordings:
            there = ", ".join(self.cameras(clip))
            raise InputError(f"{self.annotation(clip)}: has no camera {' or '.join(cameras)}; there are {there}")
        slowest = min(recordings, key=lambda recording: round(recording.fps, 2))  # time stamps are rounded
        frames = match_frames([recording.time_s for recording in recordings], recordings.index(slowest))
        together = np.flatnonzero((frames >= 0).all(axis=1))
        if not len(together):
            raise InputError(f"{self.annotation(clip)}: the videos have no time in common; check {SYNC_FILE}")
        boxes = [self._boxes(recording) for recording in recordings]
        poses = self._poses(clip)
        for number in range(together[0], together[-1] + 1):  # before and after, some camera was not running
            views = [
                View(recording.camera, recording.image(frame), known[frame])
                for recording, known, frame in zip(recordings, boxes, frames[number].tolist(), strict=True)
                if frame >= 0 and frame in known
            ]
            time_s = float(slowest.time_s[number])
            pose = poses.at(time_s, 0.5 / slowest.fps) if poses else None
            yield Instant(number, time_s, tuple(views), pose)

    def _clip_folders(self) -> list[Path]:
        """Folders <subject>/<clip>, without those of the operating system and of calibrations."""
        return [
            folder
            for folder in self.source.glob("*/*")
            if folder.is_dir()
            and not folder.name.startswith(".")
            and not folder.parent.name.startswith(".")
            and not is_for_calibration(folder.relative_to(self.source))
        ]

    def _poses(self, clip: Clip) -> OwnPoses | None:
        path = poses_file(self.annotation(clip))
        if path is None:
            return None
        table = self.source / MARKERS_FILE
        markers = {joint: [row["marker"] for row in rows] for joint, rows in _rows_by(table, "joint").items()}
        if unknown := sorted(set(markers) - set(JOINTS)):
            raise InputError(f"{table}: there is no joint {unknown[0]!r}; write one of {', '.join(JOINTS)}")
        sync = _rows_by(self.source / SYNC_FILE, "video").get(_name(path), [{}])[-1]
        return read_poses(path, markers, sync)

    def recordings(self, clip: Clip, cameras: tuple[str, ...]) -> list[Recording]:
        """Recordings of ``cameras`` that are there, on the shared clock that sync.csv gives them."""
        sync = _rows_by(self.source / SYNC_FILE, "video")
        paths = {recording_camera(path): path for path in recordings_in(self.annotation(clip))}
        return [
            read_recording(paths[camera], sync.get(_name(paths[camera]), [self._images_sync])[-1])
            for camera in cameras
            if camera in paths
        ]

    def _boxes(self, recording: Recording) -> dict[int, Box]:
        """Box by frame: those of boxes.csv, or else of what the detector finds or what moves."""
        path = self.source / BOXES_FILE
        name = _name(recording.path)
        rows = _rows_by(path, "video", name.rpartition("/")[0] + "/").get(name)
        if rows is None:
            track = self._detector.boxes(recording) if self._detector else motion_boxes(recording)
            return {int(frame): _box(*track[frame].tolist()) for frame in np.flatnonzero(np.isfinite(track[:, 0]))}
        try:
            boxes = {}
            for row in rows:
                left, top, width, height = (float(row[column]) for column in BOX_COLUMNS)
                boxes[int(row["frame"])] = (left, top, left + width, top + height)
            return boxes
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: a row of {name} is no box ({error}); write numbers") from None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=2)
def _digests(path: Path, changed_ns: int) -> dict[str, str]:
    """Digest of the rows of a table about each clip; ``changed_ns`` is when the table was changed last."""
    digests: dict[str, Any] = defaultdict(hashlib.sha256)
    for row in read_table(path, COLUMNS[path.name]):
        digests[row["video"].rpartition("/")[0]].update(repr(row).encode())
    return {clip: digest.hexdigest() for clip, digest in digests.items()}


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return left, top, right, bottom


def _name(path: Path) -> str:
    """Name of a recording or of poses in the tables."""
    return f"{path.parent.parent.name}/{path.parent.name}/{recording_camera(path)}"


@lru_cache(maxsize=4)
def _rows_by(path: Path, column: str, start: str = "") -> dict[str, list[dict[str, str]]]:
    """Rows of a table by what they have in ``column``, those that ``start`` so; none where there is no such file."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_table(path, COLUMNS[path.name]) if path.exists() else ():
        if row[column].startswith(start):
            found[row[column]].append(row)
    return found
