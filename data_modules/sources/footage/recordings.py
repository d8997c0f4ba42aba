"""What one camera recorded of a clip, on the clock that all cameras share; and which frames belong together."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from data_modules.frames import ImageReader, VideoEndError, frame_times_s
from data_modules.sources.base import VideoFrame
from data_modules.sources.file_names import image_sequence, is_image, is_video
from mcss.errors import InputError

CLOCK_TICK_S = 1e-3
LACKING = 5
"""A container may announce this many frames more than can be decoded."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A video file or a folder of images."""

    path: Path
    time_s: Float64[np.ndarray, " frames"]
    """Of each frame on the shared clock."""
    images: tuple[Path, ...] = ()
    """Of a folder."""

    @property
    def camera(self) -> str:
        """Name of the camera."""
        return recording_camera(self.path)

    @property
    def fps(self) -> float:
        """Frames a second; of a single frame 1."""
        return frames_per_s(self.time_s)

    def image(self, frame: int) -> Path | VideoFrame:
        """Where frame ``frame`` is read."""
        return self.images[frame] if self.images else VideoFrame(self.path, frame)


def read_frames(recording: Recording, frames: Iterable[int]) -> Iterator[UInt8[np.ndarray, "rows columns 3"]]:
    """Images of ascending frames; of the last ``LACKING`` frames of the recording none if its video ends before.

    Raises:
        InputError: the recording cannot be read, or ends earlier than that.
    """
    with ImageReader() as reader:
        for frame in frames:
            try:
                image = reader.read(recording.image(frame))
            except VideoEndError:
                if frame < len(recording.time_s) - LACKING:
                    raise
                return
            yield image


def recording_camera(path: Path) -> str:
    """Name of the camera of a video file or a folder of images: the name without the file's suffix."""
    return path.name if path.is_dir() else path.stem


def recordings_in(folder: Path) -> list[Path]:
    """Videos and folders of images in the folder of a clip, by name."""
    return sorted(path for path in folder.iterdir() if is_video(path) or _has_images(path))


def unread_in(folder: Path, read: Sequence[str]) -> list[Path]:
    """What lies in the folder of a clip, or in its folders of images, and is neither recording nor named in ``read``.

    A camera may write files of a kind that nothing here reads; whose names begin with "." are not meant.
    """
    recordings = recordings_in(folder)
    others = [path for path in folder.iterdir() if path not in recordings and path.name not in read]
    for recording in recordings:
        others += [path for path in recording.iterdir() if not is_image(path)] if recording.is_dir() else []
    return sorted(path for path in others if not path.name.startswith("."))


def read_recording(path: Path, sync: Mapping[str, str]) -> Recording:
    """Read the times of a recording's frames.

    ``sync`` is its row of sync.csv: what the recording's own clock shows when the shared clock is at 0, as
    ``offset_s`` or ``offset_frames``, and ``fps``, which folders of images need.

    Raises:
        InputError: it cannot be read, a value is no number, or a folder has no frame rate.
    """
    images = image_sequence(path) if path.is_dir() else ()
    time_s = np.arange(len(images)) / folder_fps(path, sync) if images else frame_times_s(path)
    return Recording(path, on_shared_clock(time_s, sync, path), images)


def folder_fps(path: Path, sync: Mapping[str, str]) -> float:
    """Frame rate of a folder of images, whose row of sync.csv is ``sync``.

    Raises:
        InputError: there is none.
    """
    fps = _number(sync, "fps", path)
    if fps is None or fps <= 0:
        raise InputError(f"{path}: a folder of images has no frame rate; give it in column fps of sync.csv")
    return fps


def on_shared_clock(
    time_s: Float64[np.ndarray, " frames"], sync: Mapping[str, str], path: Path
) -> Float64[np.ndarray, " frames"]:
    """Times on the shared clock from those on the clock of the file ``path``, whose row of sync.csv is ``sync``.

    Raises:
        InputError: an offset is no number.
    """
    offset_s, frames, drift_ppm = (
        _number(sync, column, path) or 0.0 for column in ("offset_s", "offset_frames", "drift_ppm")
    )
    return (time_s - offset_s - frames / frames_per_s(time_s)) / (1 + 1e-6 * drift_ppm)


def frames_per_s(time_s: Float64[np.ndarray, " frames"]) -> float:
    """Frame rate by the times of the frames; of a single frame 1."""
    return 1.0 if len(time_s) < 2 else 1 / float(np.median(np.diff(time_s)))


def match_frames(
    times_s: Sequence[Float64[np.ndarray, " _"]], reference: int
) -> Int64[np.ndarray, "instants recordings"]:
    """Frames of each recording that were taken together, one row for each frame of recording number ``reference``.

    A frame belongs to an instant if it is its recording's nearest in time and no more than half of the reference's
    interval away; -1 where there is none.
    """
    instants = times_s[reference]
    tolerance = float(np.median(np.diff(instants))) / 2 if len(instants) > 1 else 0.0
    columns = []
    for times in times_s:
        after = np.searchsorted(times, instants).clip(max=len(times) - 1)
        before = (after - 1).clip(min=0)
        nearest = np.where(instants - times[before] <= times[after] - instants, before, after)
        # Time stamps are rounded to a tick of the file's clock.
        columns.append(np.where(np.abs(times[nearest] - instants) <= tolerance + CLOCK_TICK_S, nearest, -1))
    return np.stack(columns, axis=1)


def read_table(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header that has at least ``columns``, one after the other: a table may be long.

    Raises:
        InputError: the file is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
                raise InputError(f"{path}: has no column {', '.join(missing)}; its first line must name the columns")
            yield from reader
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file ({error}); save it as CSV in UTF-8") from None


def _number(row: Mapping[str, str], column: str, path: Path) -> float | None:
    text = row.get(column) or ""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"sync.csv, {path}: {column} is {text!r}; write a number") from None


def _has_images(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and any(map(is_image, path.iterdir()))
