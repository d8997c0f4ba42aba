"""What one camera recorded of a clip, on the clock that all cameras share; and which frames belong together."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, Shaped, UInt8

from data_modules.frames import ImageReader
from data_modules.sources.base import VideoFrame
from data_modules.sources.file_names import is_folder_of_images, is_for_calibration, is_image, is_video, numbered_images
from data_modules.sources.footage.tables import number_in
from data_modules.video_files import CLOCK_TICK_S, NotDecodedError, first_decodable, frame_times_s, video_stamps
from mcss.errors import InputError

SLOWEST_FPS, FASTEST_FPS = 1e-3, 1e5
MOST_DRIFT_PPM = 10_000.0
"""Clocks of cameras differ by tens of millionths."""
RATE_TOLERANCE = 0.02
"""By this share a rate that is written may differ from that of the times."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A video file or a folder of images."""

    path: Path
    time_s: Float64[np.ndarray, " pictures"]
    """Of each picture on the shared clock, ascending."""
    frames: Int64[np.ndarray, " pictures"]
    """Number of each picture: of a video the index from 0 among the frames that it announces, of a folder the number in
    the image's name less the lowest one. A number may be missing."""
    images: tuple[Path, ...] = ()
    """Of a folder."""
    first_number: int = 0
    """In the names of a folder's images."""
    cut: str = ""
    """How much of what the file's header announces is missing at its end."""
    gap: str = ""
    """What is not there though it was announced, with counts."""

    @property
    def camera(self) -> str:
        """Name of the camera."""
        return recording_camera(self.path)

    @property
    def fps(self) -> float:
        """Mean of frames a second; of a single frame 1."""
        return frames_per_s(self.time_s)

    def image(self, picture: int) -> Path | VideoFrame:
        """Where picture number ``picture`` of those that are there is read."""
        return self.images[picture] if self.images else VideoFrame(self.path, int(self.frames[picture]))


def read_pictures(
    recording: Recording, pictures: Iterable[int]
) -> Iterator[tuple[int, UInt8[np.ndarray, "rows columns 3"]]]:
    """Those of the ascending ``pictures`` that can be decoded, each with its number.

    Raises:
        InputError: the recording cannot be read.
    """
    with ImageReader() as reader:
        for picture in pictures:
            try:
                yield picture, reader.read(recording.image(picture))
            except NotDecodedError:  # it gives no image either, which is counted there
                continue


def recording_camera(path: Path) -> str:
    """Name of the camera of a video file or a folder of images: the name without the file's suffix."""
    return path.name if path.is_dir() else path.stem


def recording_name(path: Path) -> str:
    """Name of a recording, or of poses, in the tables: <subject>/<clip>/<camera>."""
    return unicodedata.normalize("NFC", f"{path.parent.parent.name}/{path.parent.name}/{recording_camera(path)}")


def recordings_in(folder: Path) -> list[Path]:
    """Videos and folders of images in the folder of a clip, by name, without those of a calibration."""
    found = (path for path in folder.iterdir() if not is_for_calibration(Path(path.name)))
    return sorted(path for path in found if is_video(path) or is_folder_of_images(path))


def unread_in(folder: Path, read: Sequence[str]) -> list[Path]:
    """What lies in the folder of a clip, or in its folders of images, and is neither recording nor named in ``read``.

    A camera may write files of a kind that nothing here reads; whose names begin with "." are not meant.
    """
    recordings = recordings_in(folder)
    others = [path for path in folder.iterdir() if path not in recordings and path.name.lower() not in read]
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
    return _read_folder(path, sync) if path.is_dir() else _read_video(path, sync)


def _read_folder(path: Path, sync: Mapping[str, str]) -> Recording:
    """Images at the times that their numbers say: one that is missing leaves its time empty."""
    images, fps = numbered_images(path), folder_fps(path, sync)
    numbers = np.array(list(images), dtype=np.int64)
    frames = numbers - numbers[0]
    missing = int(frames[-1]) + 1 - len(frames)
    first = next((int(number) for number in numbers[:-1] + 1 if number not in images), 0)
    gap = f"{missing} of {frames[-1] + 1} numbers are missing, the first is {first}" if missing else ""
    apart = int(np.diff(frames).min(initial=frames[-1]))
    if apart > 1:
        gap += f"; at {fps:g} numbers a second images are {apart / fps:.3g} s apart or more, check fps in sync.csv"
    time_s = on_shared_clock(frames / fps, sync, path, np.arange(2) / fps)
    return Recording(path, time_s, frames, tuple(images.values()), int(numbers[0]), gap=gap)


def _read_video(path: Path, sync: Mapping[str, str]) -> Recording:
    """Frames at their own stamps, without those before the first that decodes, and those that share a stamp."""
    own_time_s = frame_times_s(path)
    first = first_decodable(path)
    _, inverse, counts = np.unique(own_time_s, return_inverse=True, return_counts=True)
    is_shared = counts[inverse] > 1
    frames = np.flatnonzero(~is_shared & (np.arange(len(own_time_s)) >= first))
    gaps = [f"the first {first} of {len(own_time_s)} frames cannot be decoded"] * (first > 0)
    if is_shared.any():
        gaps.append(f"{is_shared.sum()} of {len(own_time_s)} frames have the time stamp of another one")
    fps, rate = number_in(sync, "fps", path), frames_per_s(own_time_s)
    if fps is not None and abs(fps - rate) > RATE_TOLERANCE * rate:
        gaps.append(f"sync.csv says {fps:g} frames a second, the file {rate:.4g}, which is taken")
    if not len(frames):
        raise InputError(f"{path}: {gaps[0]}; write it again with ffmpeg -i {path.name} -fps_mode cfr")
    time_s = on_shared_clock(own_time_s, sync, path)[frames]
    return Recording(path, time_s, frames, cut=video_stamps(path).missing, gap=" and ".join(gaps))


def folder_fps(path: Path, sync: Mapping[str, str]) -> float:
    """Frame rate of a folder of images, whose row of sync.csv is ``sync``.

    Raises:
        InputError: there is none.
    """
    fps = number_in(sync, "fps", path)
    if fps is None or not SLOWEST_FPS <= fps <= FASTEST_FPS:
        raise InputError(f"{path}: a folder of images has no frame rate; give it in column fps of sync.csv")
    return fps


def on_shared_clock(
    time_s: Float64[np.ndarray, " frames"],
    sync: Mapping[str, str],
    path: Path,
    numbered_s: Float64[np.ndarray, " numbers"] | None = None,
) -> Float64[np.ndarray, " frames"]:
    """Times on the shared clock from those on the clock of the file ``path``, whose row of sync.csv is ``sync``.

    An offset in frames is the file's own time of that frame, counted from 0 at the beginning of its clock.
    ``numbered_s`` are the times of consecutive frames, where ``time_s`` has some only.

    Raises:
        InputError: an offset is no number, or given twice, or the drift is more than a clock's.
    """
    offset_s, frames, drift_ppm = (
        number_in(sync, column, path) or 0.0 for column in ("offset_s", "offset_frames", "drift_ppm")
    )
    if offset_s and frames:
        raise InputError(f"sync.csv, {path}: has offset_s and offset_frames; keep one of them")
    if abs(drift_ppm) > MOST_DRIFT_PPM:
        raise InputError(f"sync.csv, {path}: a drift of {drift_ppm:g} millionths is no camera's; write drift_ppm anew")
    offset_s += frame_time_s(time_s if numbered_s is None else numbered_s, frames) if frames else 0.0
    return (time_s - offset_s) / (1 + 1e-6 * drift_ppm)


def frame_time_s(time_s: Float64[np.ndarray, " frames"], frame: float) -> float:
    """Time of frame ``frame`` of a file with frames at ``time_s``; beyond them, and between them, by the rate.

    Frames count from the beginning of the clock: a file that begins 2 s after it, at 10 frames a second, begins with
    frame 20.

    >>> frame_time_s(np.array([0.0, 0.017, 0.033, 0.05]), 2.0)
    0.033
    """
    rate = frames_per_s(time_s)
    index = frame - round(float(time_s[0]) * rate)
    inside = float(np.clip(index, 0, len(time_s) - 1))
    return float(np.interp(inside, np.arange(len(time_s)), time_s)) + (index - inside) / rate


def frames_per_s(time_s: Float64[np.ndarray, " frames"]) -> float:
    """Mean frame rate by the times of the frames; of a single frame, or a single time, 1."""
    span_s = float(time_s[-1] - time_s[0])
    return (len(time_s) - 1) / span_s if span_s > 0 else 1.0


def nearest_index(
    values: Shaped[np.ndarray, " values"], wanted: Shaped[np.ndarray, " wanted"]
) -> Int64[np.ndarray, " wanted"]:
    """Index of the nearest of the ascending ``values`` to each wanted one; of two as near, the lower.

    >>> nearest_index(np.array([0.0, 1.0, 3.0]), np.array([-1.0, 0.5, 2.5])).tolist()
    [0, 0, 2]
    """
    after = np.searchsorted(values, wanted).clip(max=len(values) - 1)
    before = (after - 1).clip(min=0)
    return np.where(wanted - values[before] <= values[after] - wanted, before, after)


def match_frames(
    times_s: Sequence[Float64[np.ndarray, " _"]], reference: int
) -> Int64[np.ndarray, "instants recordings"]:
    """Pictures of each recording that were taken together, one row for each of recording number ``reference``.

    A picture belongs to one instant, if it is its recording's nearest in time and no more than half of the reference's
    interval away; -1 where there is none.
    """
    instants = times_s[reference]
    tolerance = float(np.median(np.diff(instants))) / 2 if len(instants) > 1 else 0.0
    columns = []
    for times in times_s:
        nearest = nearest_index(times, instants - CLOCK_TICK_S / 2)  # of two as near always the earlier
        column = np.where(np.abs(times[nearest] - instants) <= tolerance + CLOCK_TICK_S, nearest, -1)
        column[1:][column[1:] == column[:-1]] = -1  # as near to the instant before
        columns.append(column)
    return np.stack(columns, axis=1)


def pictures_together(recordings: Sequence[Recording]) -> tuple[int, Int64[np.ndarray, "instants recordings"]]:
    """Which recording is the slowest, and ``match_frames`` with each of its pictures."""
    slowest = min(range(len(recordings)), key=lambda number: round(recordings[number].fps, 2))  # stamps are rounded
    return slowest, match_frames([recording.time_s for recording in recordings], slowest)


def frame_numbers(
    recordings: Sequence[Recording], pictures: Int64[np.ndarray, "instants recordings"]
) -> Int64[np.ndarray, "instants recordings"]:
    """Numbers of the frames of each recording by ``Recording.frames``, from those of its pictures; -1 stays."""
    columns = [np.where(own >= 0, one.frames[own], -1) for one, own in zip(recordings, pictures.T, strict=True)]
    return np.stack(columns, axis=1)
