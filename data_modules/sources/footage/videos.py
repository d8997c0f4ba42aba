"""A lab's own synchronised videos, with or without 3D poses; no calibration is needed.

    VIEWS/<subject>/<clip>/<camera>.mp4     or a folder <camera>/ of images
    VIEWS/sync.csv                          optional: video, offset_s or offset_frames, fps (of folders of images)
    VIEWS/boxes.csv                         optional: video, frame, left, top, width, height; else found
    VIEWS/<subject>/<clip>/poses.npz        optional: points (frames, joints, 3), joints (names of h36m17), unit (mm, cm
                                            or m), up (z or y), time_s (frames) on the shared clock
    VIEWS/<subject>/<clip>/poses.trc        instead, or poses.c3d: markers, with
    VIEWS/markers.csv                       joint (of h36m17), marker; a joint is the mean of its markers

A video is named <subject>/<clip>/<camera> in the tables, and the poses <subject>/<clip>/poses.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_modules.sources.base import Clip, DataSet, Instant, Remark, Source, View
from data_modules.sources.file_names import is_for_calibration, is_video_like, numbered_images, readable
from data_modules.sources.footage.chapters import require_no_chapters
from data_modules.sources.footage.copies import copies, require_no_links
from data_modules.sources.footage.image_numbers import on_one_count
from data_modules.sources.footage.person_boxes import PersonBoxes
from data_modules.sources.footage.pose_remarks import pose_remarks
from data_modules.sources.footage.poses import POSES_FILES, OwnPoses, poses_file, poses_files, read_poses
from data_modules.sources.footage.recording_remarks import recording_remarks
from data_modules.sources.footage.recordings import (
    Recording,
    folder_fps,
    pictures_together,
    read_recording,
    recording_camera,
    recording_name,
    recordings_in,
    unread_in,
)
from data_modules.sources.footage.solved_cameras import CAMERAS_FILE, solved_cameras
from data_modules.sources.footage.tables import (
    BOXES_FILE,
    COLUMNS,
    MARKERS_FILE,
    SYNC_FILE,
    clip_digests,
    read_table,
    rows_by,
    sync_rows,
    video_name,
)
from data_modules.sources.footage.tracks import Track, require_one_person
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.hashing import file_hash
from mcss.skeleton import JOINTS

CLICKS_FILE, PEOPLE_FILE = "clicks.csv", "people.csv"
"""What labels are made from."""
SOLVED_FILES = (CAMERAS_FILE, "solved.html")
"""What mcss-data solve writes beside the poses."""


class Videos(Source):
    """See the module."""

    name = "videos"
    arrangement = "<subject>/<clip>/<camera>.mp4"
    tables = (SYNC_FILE, BOXES_FILE, MARKERS_FILE, CLICKS_FILE, PEOPLE_FILE)
    data_set = DataSet(name="videos", subjects_test=(), source="own videos", licence="as their owner says")

    def __init__(self, source: Path, images_fps: float | None = None) -> None:
        super().__init__(source)
        self._boxes = PersonBoxes(source)
        # Of folders of images for which sync.csv has no row.
        self._images_sync = {} if images_fps is None else {"fps": str(images_fps)}

    def use_detector(self, weights: str) -> None:
        """Find persons by a detector, or by their ``motion``, in recordings without rows in boxes.csv."""
        self._boxes.use_detector(weights)

    def prefer_detector(self, clips: list[Clip]) -> str | None:
        """Take torchvision's detector where its weights can be had, if a recording has no rows in boxes.csv."""
        return self._boxes.prefer_detector(self._recordings_of(clips))

    def options(self) -> dict[str, str]:
        """Weights of the detector, if one is used."""
        return self._boxes.options()

    def notes(self, clips: list[Clip]) -> list[str]:
        """What boxes cannot tell, and copies among the videos."""
        recordings = self._recordings_of(clips)
        found = list(copies(path for path in recordings if path.is_file()))
        first = [f"{recording_name(path)} is a copy of {recording_name(other)}" for path, other in found[:1]]
        others = f", and {len(found) - 1} videos more are copies of others" if len(found) > 1 else ""
        return [
            *(f"not checked: {line}" for line in self._boxes.assumptions(recordings)),
            *(f"{line}{others}; keep one of each" for line in first),
        ]

    def table_rows(self, clip: Clip) -> list:
        """Digests of the rows of sync.csv and boxes.csv, of the poses, and of the markers if there are poses."""
        tables = [path for name in (SYNC_FILE, BOXES_FILE) if (path := self.source / name).exists()]
        rows = [clip_digests(path).get(video_name(f"{clip[0]}/{clip[1]}")) for path in tables]
        poses = poses_files(self.annotation(clip))
        markers = [path for path in [self.source / MARKERS_FILE] if poses and path.exists()]
        return [rows, *(f"{path.name} {file_hash(path)}" for path in (*poses, *markers))]

    def clips(self) -> list[Clip]:
        """Folders <subject>/<clip> that hold recordings."""
        found = {folder: recordings_in(folder) for folder in self._clip_folders()}
        names = {recording_name(path) for paths in found.values() for path in paths}
        if not names:
            first = next((path for path in sorted(self.source.rglob("*")) if is_video_like(path)), None)
            there = f"; there is {first.relative_to(self.source)}" if first else ""
            raise InputError(f"{self.source}: no <subject>/<clip>/<camera>.mp4 in it{there}; arrange the videos so")
        if foreign := sorted(name for name in names if name != readable(name)):
            raise InputError(f"{self.source}: the name {readable(foreign[0])} is not in UTF-8; rename it")
        require_no_links(path for paths in found.values() for path in paths)
        poses = {recording_name(path) for folder in found for path in poses_files(folder)}
        boxes = self.source / BOXES_FILE
        boxed = (
            {video_name(row["video"]) for row in read_table(boxes, COLUMNS[BOXES_FILE])} if boxes.exists() else set()
        )
        for table, named, known in (
            (SYNC_FILE, set(sync_rows(self.source / SYNC_FILE)), names | poses),
            (BOXES_FILE, boxed, names),
        ):
            if unknown := sorted(named - known):
                raise InputError(
                    f"{self.source / table}: there is no video {unknown[0]}; write <subject>/<clip>/<camera>"
                )
        return [(folder.parent.name, folder.name, 1) for folder, paths in found.items() if paths]

    def files(self, clip: Clip) -> list[Path]:
        """The recordings of at least two cameras."""
        self.cameras(clip)
        poses_file(self.annotation(clip))
        recordings = recordings_in(self.annotation(clip))
        sync = sync_rows(self.source / SYNC_FILE)
        for folder in filter(Path.is_dir, recordings):
            numbered_images(folder)
            folder_fps(folder, sync.get(recording_name(folder), self._images_sync))
        require_no_chapters([path for path in recordings if not path.is_dir()])
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

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """Cameras of the clip's person, see ``solved_cameras``."""
        return solved_cameras([folder for folder in self._clip_folders() if folder.parent.name == clip[0]])

    def annotation(self, clip: Clip) -> Path:
        """Folder of the clip."""
        return self.source / clip[0] / clip[1]

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """What is missing in recordings, boxes and poses, and where the sound says another offset than sync.csv."""
        recordings = self.recordings(clip, cameras)
        if not recordings:  # which ``instants`` refuses
            return []
        remarks = recording_remarks(recordings, sync_rows(self.source / SYNC_FILE))
        tracks = {one.camera: self.track(one) for one in recordings}
        require_one_person(tracks, str(self.annotation(clip)))
        remarks += [remark for track in tracks.values() for remark in track.remarks]
        if poses := self._poses(clip):
            slowest, pictures = self._together(clip, recordings)
            instants_s = slowest.time_s[(pictures >= 0).all(axis=1)]
            remarks += pose_remarks(poses, instants_s, 0.5 / slowest.fps)
        return remarks

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """One instant for each frame of the slowest camera."""
        recordings = self.recordings(clip, cameras)
        if not recordings:
            there = ", ".join(self.cameras(clip))
            raise InputError(f"{self.annotation(clip)}: has no camera {' or '.join(cameras)}; there are {there}")
        slowest, pictures = self._together(clip, recordings)
        together = np.flatnonzero((pictures >= 0).all(axis=1))
        tracks = [self.track(recording) for recording in recordings]
        poses = self._poses(clip)
        for number in range(together[0], together[-1] + 1):  # before and after, some camera was not running
            views = [
                View(recording.camera, recording.image(picture), track.box(picture))
                for recording, track, picture in zip(recordings, tracks, pictures[number].tolist(), strict=True)
                if picture >= 0
            ]
            time_s = float(slowest.time_s[number])
            pose = poses.at(time_s, 0.5 / slowest.fps) if poses else None
            yield Instant(int(slowest.frames[number]), time_s, tuple(views), pose)

    def _together(self, clip: Clip, recordings: list[Recording]) -> tuple[Recording, np.ndarray]:
        """The slowest recording, and which pictures of all were taken together with each of its pictures.

        Raises:
            InputError: there is no time at which all were running.
        """
        slowest, pictures = pictures_together(recordings)
        if not (pictures >= 0).all(axis=1).any():
            raise InputError(f"{self.annotation(clip)}: the videos have no time in common; check {SYNC_FILE}")
        return recordings[slowest], pictures

    def _clip_folders(self) -> list[Path]:
        """Folders <subject>/<clip>, without those of the operating system and of calibrations."""
        found = (folder for folder in self.source.glob("*/*") if folder.is_dir())
        shown = (folder for folder in found if not any(name.startswith(".") for name in folder.parts[-2:]))
        return [folder for folder in shown if not is_for_calibration(folder.relative_to(self.source))]

    def _poses(self, clip: Clip) -> OwnPoses | None:
        path = poses_file(self.annotation(clip))
        if path is None:
            return None
        table = self.source / MARKERS_FILE
        markers = {joint: [row["marker"] for row in rows] for joint, rows in rows_by(table, "joint").items()}
        if unknown := sorted(set(markers) - set(JOINTS)):
            raise InputError(f"{table}: there is no joint {unknown[0]!r}; write one of {', '.join(JOINTS)}")
        return read_poses(path, markers, sync_rows(self.source / SYNC_FILE).get(recording_name(path), {}))

    def recordings(self, clip: Clip, cameras: tuple[str, ...]) -> list[Recording]:
        """Recordings of ``cameras`` that are there, on the shared clock that sync.csv gives them."""
        sync = sync_rows(self.source / SYNC_FILE)
        paths = {recording_camera(path): path for path in recordings_in(self.annotation(clip))}
        rows = {
            camera: sync.get(recording_name(paths[camera]), self._images_sync) for camera in cameras if camera in paths
        }
        return on_one_count([read_recording(paths[camera], row) for camera, row in rows.items()], list(rows.values()))

    def track(self, recording: Recording) -> Track:
        """The person's boxes: those of boxes.csv, or else of what the detector finds or what moves."""
        return self._boxes.track(recording)

    def _recordings_of(self, clips: list[Clip]) -> list[Path]:
        return [path for clip in clips for path in recordings_in(self.annotation(clip))]
