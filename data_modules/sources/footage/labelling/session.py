"""What is being labelled: instants, their frames as JPEG, and the clicks, which lie in clicks.csv."""

import csv
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from tqdm import tqdm

from data_modules.sources.base import Clip
from data_modules.sources.footage.clip_clicks import CLICK_COLUMNS, clicked_joints
from data_modules.sources.footage.labelling.proposals import Features, features_by, proposed_instants, thumbnails
from data_modules.sources.footage.recordings import frame_numbers, pictures_together, read_pictures
from data_modules.sources.footage.videos import CLICKS_FILE, Videos
from mcss.errors import InputError
from mcss.skeleton import JOINTS

JPEG_QUALITY = 88
Click = tuple[float, float]


@dataclass(frozen=True)
class LabelledInstant:
    """One instant to label: the frame of each camera's video."""

    clip: str
    time_s: float
    frames: dict[str, int]
    """Frame by video, <subject>/<clip>/<camera>."""


class Session:
    """Instants to label and what has been clicked so far; every change is written at once.

    Args:
        views: folder of the videos.
        count: instants that are proposed for each clip; those that have clicks already come first.
        checkpoint: of a network whose embeddings say which instants differ; by default their pictures do.

    Raises:
        InputError: the videos, clicks.csv or the checkpoint cannot be read.
    """

    def __init__(self, views: Path, count: int, checkpoint: Path | None = None) -> None:
        self.views = views
        self._path, self._lock = views / CLICKS_FILE, threading.Lock()
        self.clicks: dict[tuple[str, int, str], Click] = self._read()
        self.instants: list[LabelledInstant] = []
        self._jpegs: dict[tuple[str, int], bytes] = {}
        source = Videos(views)
        clips = source.clips()
        features = features_by(source, checkpoint)
        remark = source.prefer_detector(clips) if checkpoint else None
        self.remarks: list[str] = [remark] if remark else []
        """On how instants were chosen."""
        for clip in tqdm(clips, desc="choosing instants", unit="clip", disable=None):
            self._add_clip(source, clip, count, features)
        if not self.instants:
            raise InputError(f"{views}: no instant is seen by all cameras of a clip; check sync.csv")

    def jpeg(self, video: str, frame: int) -> bytes:
        """Picture of a frame to label.

        Raises:
            KeyError: it is not among them.
        """
        return self._jpegs[video, frame]

    def set_click(self, video: str, frame: int, joint: str, click: Click | None) -> None:
        """Set or remove a click, and write all of them.

        Raises:
            KeyError: there is no such frame to label, or no such joint.
            ValueError: the click is outside the frame.
        """
        if (video, frame) not in self._jpegs or joint not in JOINTS:
            raise KeyError(f"{video}, frame {frame}, {joint}")
        if click is not None:
            height, width, *_ = simplejpeg.decode_jpeg_header(self._jpegs[video, frame])
            if not (0 <= click[0] <= width and 0 <= click[1] <= height):
                raise ValueError(f"{click} is outside a frame of {width}x{height}")
        with self._lock:
            if click is None:
                self.clicks.pop((video, frame, joint), None)
            else:
                self.clicks[video, frame, joint] = click
            self._write()

    def _add_clip(self, source: Videos, clip: Clip, count: int, features: Features) -> None:
        name = f"{clip[0]}/{clip[1]}"
        recordings = source.recordings(clip, source.cameras(clip))
        slowest, pictures = pictures_together(recordings)
        frames = frame_numbers(recordings, pictures)
        videos = [f"{name}/{recording.camera}" for recording in recordings]
        begun = {(video, frame) for video, frame, _ in self.clicks}
        started = [
            number
            for number, row in enumerate(frames.tolist())
            if any((video, frame) in begun for video, frame in zip(videos, row, strict=True))
        ]
        try:
            proposed = proposed_instants(recordings, pictures, count, features)
        except InputError as error:  # the person is not found, without whom there are no embeddings
            self.remarks.append(f"{name}: instants are chosen by whole pictures: {error}")
            proposed = proposed_instants(recordings, pictures, count, thumbnails)
        rows = [*started, *proposed]
        for row in list(dict.fromkeys(rows))[: max(count, len(started))]:
            own = {video: int(frame) for video, frame in zip(videos, frames[row], strict=True) if frame >= 0}
            self.instants.append(LabelledInstant(name, float(recordings[slowest].time_s[row]), own))
        for video, recording in zip(videos, recordings, strict=True):
            wanted = sorted({instant.frames[video] for instant in self.instants if video in instant.frames})
            chosen = np.searchsorted(recording.frames, wanted)
            for picture, image in read_pictures(recording, chosen.tolist()):
                encoded = simplejpeg.encode_jpeg(image, quality=JPEG_QUALITY)
                self._jpegs[video, int(recording.frames[picture])] = encoded

    def _read(self) -> dict[tuple[str, int, str], Click]:
        if not self._path.exists():
            return {}
        return {
            (f"{subject}/{clip}/{camera}", frame, JOINTS[joint]): (float(points[joint, 0]), float(points[joint, 1]))
            for (subject, clip), cameras in clicked_joints(self.views).items()
            for camera, by_frame in cameras.items()
            for frame, points in by_frame.items()
            for joint in np.flatnonzero(np.isfinite(points[:, 0])).tolist()
        }

    def _write(self) -> None:
        """Write clicks.csv, whole or not at all."""
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(CLICK_COLUMNS)
            writer.writerows([*key, f"{x:.2f}", f"{y:.2f}"] for key, (x, y) in sorted(self.clicks.items()))
        os.replace(temporary, self._path)
