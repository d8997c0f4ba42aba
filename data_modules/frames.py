"""Whole frames from image files and videos: one reader for import and prediction."""

from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image, ImageOps

from data_modules.sources.base import VideoFrame
from mcss.errors import InputError

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
