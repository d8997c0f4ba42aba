"""Frames of video files: when each is shown, and its picture as it is to be shown."""

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type as SideData
from jaxtyping import Float64, Int32, Int64, UInt8

from data_modules.whole_frames import whole_frames
from mcss.errors import InputError

COPY_AGAIN = "copy or download it again"
CLOCK_TICK_S = 1e-3
"""Some containers round times to this."""
TOLERATED_FRAMES, TOLERATED_S = 5, 0.5
"""By so much the announcement of a container may differ from what is in it."""

Picture = UInt8[np.ndarray, "rows columns 3"]
"""RGB, upright, with square pixels, as it is to be shown."""


class NotDecodedError(InputError):
    """A video announces a frame that cannot be decoded."""


@dataclass(frozen=True, eq=False)
class VideoStamps:
    """When the frames of a video are to be shown, as its container announces them."""

    ticks: Int64[np.ndarray, " frames"]
    """Ascending, in the container's own unit."""
    tick_s: float
    missing: str
    """How much the file ends before what its header announces; empty where it does not."""
    are_of_display: bool
    """AVI files have times of decoding: where frames are stored in another order, the order alone tells them apart."""


def video_stamps(path: Path) -> VideoStamps:
    """Read the stamps of a video without decoding it.

    Raises:
        InputError: the file is missing, no video, or has no frame.
    """
    try:
        state = path.stat()
    except OSError:
        raise InputError(f"{path}: there is no such video; {COPY_AGAIN}") from None
    return _video_stamps(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _video_stamps(path: Path, size: int, changed_ns: int) -> VideoStamps:
    with open_video(path) as container:
        stream = video_stream(container)
        try:
            # What was cut off on a phone is still in the file: it is decoded, because later frames build on it, and
            # never shown.
            packets = [(p.dts if p.pts is None else p.pts, p.is_discard) for p in container.demux(stream)]
            stamps = [stamp for stamp, is_discard in packets if not is_discard]
        except av.FFmpegError as error:
            raise InputError(f"{path}: damaged ({error.strerror}); {COPY_AGAIN}") from None
        known = sorted(stamp for stamp in stamps if stamp is not None)  # the last packet only says that it is the last
        if not known or stream.time_base is None:
            raise InputError(f"{path}: has no frame; film or {COPY_AGAIN}")
        frames = stream.frames - len(packets) + 1
        cut_s = (container.duration or 0) / av.time_base - (known[-1] - min(known[0], 0)) * float(stream.time_base)
        missing = f"{frames} of {stream.frames} frames" if stream.frames and frames > TOLERATED_FRAMES else ""
        if not stream.frames and not container.streams.audio and cut_s > TOLERATED_S:
            missing = f"the last {cut_s:.1f} s"
        are_of_display = container.format.name != "avi" or not stream.codec_context.has_b_frames
        return VideoStamps(np.array(known), float(stream.time_base), missing, are_of_display)


def frame_times_s(path: Path) -> Float64[np.ndarray, " frames"]:
    """Time at which each frame of a video is shown, in seconds from the first one that is announced.

    Raises:
        InputError: the file is missing, no video, or has no frame.
    """
    stamps = video_stamps(path)
    return (stamps.ticks - stamps.ticks[0]) * stamps.tick_s


def first_decodable(path: Path) -> int:
    """Index of the first frame of a video that can be decoded.

    Raises:
        InputError: the file is missing, no video, or none of its frames can be decoded.
    """
    video_stamps(path)  # which says what is wrong with the file
    state = path.stat()
    return _first_decodable(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _first_decodable(path: Path, size: int, changed_ns: int) -> int:
    with VideoReader(path) as video:
        first = next(video.decoded(), None)
    if first is None:
        raise NotDecodedError(f"{path}: none of its frames can be decoded; {COPY_AGAIN}")
    return first[0]


class VideoReader:
    """Frames of one video by ascending index; a context manager, which closes the file.

    A decoded frame is known by its own stamp: frames that do not decode leave a gap, and move no other.

    Raises:
        InputError: the file is missing or no video.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamps = video_stamps(path)
        self._container = open_video(path)
        self._stream = video_stream(self._container)
        self._aspect = float(self._stream.sample_aspect_ratio or 1)
        self._matrix: Int32[np.ndarray, " 9"] | None = None
        self._frames = self.decoded()
        self._ahead: tuple[int, av.VideoFrame] | None = None
        self._last = -1

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *error: object) -> None:
        # The generator refers to the reader and so to itself: decoders and their frames would stay until the next
        # collection of garbage, which so few objects do not cause.
        self._frames.close()
        self._ahead = None
        self._container.close()

    def read(self, index: int) -> Picture:
        """Decode up to frame ``index``, which must lie after the one asked for before.

        Raises:
            NotDecodedError: this frame cannot be decoded, though others may be.
        """
        if index <= self._last:
            raise ValueError(f"{self.path}: frame {index} asked for after frame {self._last}")
        self._last = index
        while self._ahead is None or self._ahead[0] < index:
            self._ahead = next(self._frames, None)
            if self._ahead is None:
                break
        if self._ahead is None or self._ahead[0] > index:
            count = len(self._stamps.ticks)
            where = f"frame {index} of {count}, at {frame_times_s(self.path)[index]:.3f} s" if index < count else "end"
            raise NotDecodedError(f"{self.path}: announces frames that cannot be decoded ({where}); {COPY_AGAIN}")
        return shown_picture(self._ahead[1].to_ndarray(format="rgb24"), self._aspect, self._matrix)

    def decoded(self) -> Generator[tuple[int, av.VideoFrame]]:
        """Whole frames that were not decoded yet, with their indices, ascending."""
        seen: Counter[int] = Counter()
        ticks = self._stamps.ticks
        for number, frame in enumerate(whole_frames(self._container, self._stream)):
            if frame is None:
                continue
            if not seen and (matrix := frame.side_data.get(SideData.DISPLAYMATRIX)) is not None:  # type: ignore[call-overload]
                # One for the whole video. Side data and frame refer to each other, so that a frame of which it was
                # asked for stays in memory until the next collection of garbage.
                self._matrix = np.frombuffer(matrix, dtype=np.int32)
            stamp = frame.dts if frame.pts is None else frame.pts
            if stamp is None:
                continue
            index = int(np.searchsorted(ticks, stamp)) + seen[stamp] if self._stamps.are_of_display else number
            seen[stamp] += 1
            if index < len(ticks) and (ticks[index] == stamp or not self._stamps.are_of_display):
                yield index, frame


def shown_picture(
    stored: UInt8[np.ndarray, "stored_rows stored_columns 3"], aspect: float, matrix: Int32[np.ndarray, " 9"] | None
) -> Picture:
    """A decoded picture as it is to be shown: square pixels, turned and mirrored by the video's display matrix.

    The matrix takes the column x and the row y of what is stored to a x + c y and b x + d y (QuickTime file format,
    "Matrices"); with a negative determinant it mirrors. ``aspect`` is the width of a stored pixel over its height.
    """
    picture: np.ndarray = stored
    rows, columns = picture.shape[:2]
    if aspect > 0 and round(columns * aspect) != columns:
        size = (round(columns * aspect), rows) if aspect > 1 else (columns, round(rows / aspect))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    if matrix is not None:
        a, b, _, c, d = matrix[:5].tolist()
        is_turned = abs(a) + abs(d) < abs(b) + abs(c)
        picture = picture.transpose(1, 0, 2) if is_turned else picture
        is_x_reversed, is_y_reversed = (c < 0, b < 0) if is_turned else (a < 0, d < 0)
        picture = picture[:: -1 if is_y_reversed else 1, :: -1 if is_x_reversed else 1]
    return np.ascontiguousarray(picture)


def video_stream(container: "av.container.InputContainer") -> av.VideoStream:
    """The film in a file that has one; another stream may be a picture of its title."""
    stream = container.streams.best("video")
    assert isinstance(stream, av.VideoStream)
    return stream


def open_video(path: Path) -> "av.container.InputContainer":
    """Open a file that has a video stream.

    Raises:
        InputError: it is missing, damaged, or has none.
    """
    try:
        container = av.open(str(path), metadata_errors="replace")
    except av.FileNotFoundError:
        raise InputError(f"{path}: there is no such video; {COPY_AGAIN}") from None
    except av.FFmpegError as error:
        raise InputError(f"{path}: cannot be opened as a video ({error.strerror}); {COPY_AGAIN}") from None
    best = container.streams.best("video")
    if best is None or best.codec_context is None:
        container.close()
        lacks = "has no video stream" if best is None else "its video is of a kind that cannot be decoded"
        raise InputError(f"{path}: {lacks}; remove it, or {COPY_AGAIN}")
    return container
