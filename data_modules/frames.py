"""Whole frames from image files and videos: the one reader for import, labels and prediction."""

import struct
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from PIL import Image, ImageOps, UnidentifiedImageError

from data_modules.sources.base import VideoFrame
from data_modules.video_files import COPY_AGAIN, Picture, VideoReader
from mcss.errors import InputError

MAX_8_BIT, MAX_12_BIT, MAX_16_BIT = 255, 4095, 65535
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for a file that is damaged or absurd."""


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

    def read(self, image: Path | VideoFrame) -> Picture:
        """Read one frame.

        Raises:
            InputError: the file is missing or damaged, or the frame cannot be decoded.
        """
        if isinstance(image, Path):
            return read_image(image)
        if image.path not in self._videos:
            self._videos[image.path] = self._open.enter_context(VideoReader(image.path))
        return self._videos[image.path].read(image.index)


def read_image(path: Path) -> Picture:
    """Read an image file as RGB, turned and mirrored by its EXIF orientation.

    16 bits become 8 by their range; what is transparent lies before black.

    Raises:
        InputError: the file is missing or damaged, or its numbers have no known range.
    """
    try:
        with Image.open(path) as file:
            is_deep = any("16" in str(tile.args) for tile in file.tile)  # Pillow keeps the upper 8 bits of colours
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith("I") or image.mode == "F":
                return _rgb_of_numbers(np.asarray(image, dtype=np.float64), image.mode)
            if image.has_transparency_data:
                shown = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", shown.size, (0, 0, 0, MAX_8_BIT)), shown)
            picture = np.asarray(image.convert("RGB"))
            if is_deep:
                _require_16_bits(float(picture.max()) * (MAX_16_BIT / MAX_8_BIT))
            return picture
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such image; {COPY_AGAIN}") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a whole image of a known kind; {COPY_AGAIN}, or save it as a PNG") from None
    except DAMAGE as error:
        raise InputError(f"{path}: not a whole image ({error}); {COPY_AGAIN}") from None


def _rgb_of_numbers(values: Float64[np.ndarray, "rows columns"], mode: str) -> Picture:
    """Grey picture from integers of 16 bits, or from floats that end at 1 or at 255.

    Raises:
        ValueError: the numbers lie outside these ranges, or are those of 12 bits.
    """
    highest = MAX_16_BIT if mode.startswith("I") else 1 if values.max() <= 1 else MAX_8_BIT
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= highest):
        raise ValueError(f"its numbers go from {values.min():g} to {values.max():g}, save it with 8 bits")
    if highest == MAX_16_BIT:
        _require_16_bits(float(values.max()))
    grey = np.rint(values * (MAX_8_BIT / highest)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _require_16_bits(highest: float) -> None:
    """Refuse pictures of cameras that write 10 or 12 bits into the lower ones of 16: they would be black.

    Raises:
        ValueError: ``highest`` of the numbers is one of 12 bits.
    """
    if highest <= MAX_12_BIT:
        raise ValueError(
            f"its numbers end at {highest:.0f} of {MAX_16_BIT}, as of 12 bits or fewer; save it with 8 bits"
        )
