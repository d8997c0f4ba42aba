"""Whole frames from image files and videos, and the squares cut from them."""

from contextlib import ExitStack
from pathlib import Path

import av
import cv2
import numpy as np
import simplejpeg
from jaxtyping import Float, Float64, UInt8
from PIL import Image, ImageOps

from data_modules.importers.layout import VideoFrame
from mcss.errors import InputError

JPEG_QUALITY = 92
LARGEST_SIDE = 4
"""A square with a longer side, in longer sides of the image, was mistyped; it would take gigabytes."""
COPY_AGAIN = "copy or download it again"


class VideoEndError(InputError):
    """A video holds fewer frames than its container announces."""


class ImageReader:
    """Reads whole frames as RGB; a video is decoded once, from its beginning, as its frames are asked for.

    A context manager, which closes the videos.
    """

    def __init__(self) -> None:
        self._videos: dict[Path, VideoReader] = {}
        self._open = ExitStack()

    def __enter__(self) -> "ImageReader":
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def read(self, image: Path | VideoFrame) -> UInt8[np.ndarray, "rows columns 3"]:
        """Read one frame, turned upright as its metadata say.

        Raises:
            InputError: the file is missing or damaged, or the video ends before.
        """
        if isinstance(image, Path):
            return read_image(image)
        if image.path not in self._videos:
            self._videos[image.path] = self._open.enter_context(VideoReader(image.path))
        return self._videos[image.path].read(image.index)


def read_image(path: Path) -> UInt8[np.ndarray, "rows columns 3"]:
    """Read an image file as RGB, turned upright by its EXIF orientation.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such image; {COPY_AGAIN}") from None
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: not a whole image ({error}); {COPY_AGAIN}") from None


class VideoReader:
    """Frames of one video by ascending index; a context manager, which closes the file.

    Raises:
        InputError: the file is missing or no video.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._container = open_video(path)
        self._frames = enumerate(self._container.decode(video=0))
        self._next = 0

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *error: object) -> None:
        self._container.close()

    def read(self, index: int) -> UInt8[np.ndarray, "rows columns 3"]:
        """Decode up to frame ``index``, which must lie after the one read before, and return it upright.

        Raises:
            VideoEndError: the video ends before.
            InputError: it is damaged before.
        """
        if index < self._next:
            raise ValueError(f"{self.path}: frame {index} asked for after frame {self._next - 1}")
        try:
            frame = next(frame for number, frame in self._frames if number == index)
        except StopIteration:
            raise VideoEndError(f"{self.path}: ends before the frames that belong to it; {COPY_AGAIN}") from None
        except av.FFmpegError as error:
            raise InputError(f"{self.path}: damaged ({error.strerror}); {COPY_AGAIN}") from None
        if frame.is_corrupt:
            raise InputError(f"{self.path}: holds damaged frames; {COPY_AGAIN}")
        self._next = index + 1
        # The display matrix says by how much to turn counter-clockwise, as rot90 does.
        return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90)))


def frame_times_s(path: Path) -> Float64[np.ndarray, " frames"]:
    """Time at which each frame of a video is shown, in seconds from the first one; read without decoding.

    Raises:
        InputError: the file is missing, no video, or has no frame.
    """
    with open_video(path) as container:
        stream = container.streams.video[0]
        try:
            # AVI files have no time of display, only one of decoding. What was cut off on a phone is still in the file:
            # it is decoded, because later frames build on it, and never shown.
            shown = (packet for packet in container.demux(stream) if not packet.is_discard)
            stamps = [packet.dts if packet.pts is None else packet.pts for packet in shown]
        except av.FFmpegError as error:
            raise InputError(f"{path}: damaged ({error.strerror}); {COPY_AGAIN}") from None
        known = sorted(stamp for stamp in stamps if stamp is not None)  # the last packet only says that it is the last
        if not known or stream.time_base is None:
            raise InputError(f"{path}: has no frame; film or {COPY_AGAIN}")
        return (np.array(known) - known[0]) * float(stream.time_base)


def open_video(path: Path) -> "av.container.InputContainer":
    """Open a file that has a video stream.

    Raises:
        InputError: it is missing, damaged, or has none.
    """
    try:
        container = av.open(str(path))
    except av.FileNotFoundError:
        raise InputError(f"{path}: there is no such video; {COPY_AGAIN}") from None
    except av.FFmpegError as error:
        raise InputError(f"{path}: cannot be opened as a video ({error.strerror}); {COPY_AGAIN}") from None
    if not container.streams.video:
        container.close()
        raise InputError(f"{path}: has no video stream; {COPY_AGAIN}")
    return container


def square_around(
    low_px: Float[np.ndarray, " 2"], high_px: Float[np.ndarray, " 2"], margin: float
) -> tuple[int, int, int]:
    """Square (left, top, side) in whole pixels around a rectangle, larger than it by the share ``margin``."""
    side = max(1, round(float((high_px - low_px).max()) * (1 + margin)))
    left, top = np.rint((low_px + high_px - side) / 2).astype(int).tolist()
    return left, top, side


def crop_square(image: UInt8[np.ndarray, "rows columns 3"], box: tuple[int, int, int], size_px: int) -> bytes:
    """JPEG, ``size_px`` wide, of the square ``box`` (left, top, side); black where it leaves the image.

    Raises:
        ValueError: the box lies outside the image, or is so large that the person would be a dot.
    """
    height, width = image.shape[:2]
    left, top, side = box
    if side > LARGEST_SIDE * max(height, width):
        raise ValueError(f"the box (side {side}) is much larger than the image ({width} x {height})")
    rows, columns = slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise ValueError(f"the box (left {left}, top {top}, side {side}) lies outside the image ({width} x {height})")
    square = np.zeros((side, side, 3), dtype=np.uint8)
    square[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = image[rows, columns]
    shrinks = side > size_px
    resized = cv2.resize(square, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return simplejpeg.encode_jpeg(resized, quality=JPEG_QUALITY)
