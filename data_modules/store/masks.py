"""Masks of the person in a crop, as the store keeps them: PNG with one bit a pixel."""

import io
import struct

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from data_modules.crop import resize

PNG_START = b"\x89PNG\r\n\x1a\n"


def encode_mask(mask: Bool[np.ndarray, "rows columns"]) -> bytes:
    """PNG with one bit a pixel, set where the pixel shows the person."""
    buffer = io.BytesIO()
    Image.fromarray(mask).convert("1").save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def decode_mask(png: bytes | memoryview, size_px: int) -> Bool[np.ndarray, "size_px size_px"]:
    """Pixels that show the person at ``size_px``; of a pixel that covers several of the mask's, at least half of it.

    Raises:
        ValueError: the PNG cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(png)) as image:
            mask: UInt8[np.ndarray, "_ _"] = np.asarray(image.convert("L"))
    except (OSError, SyntaxError) as error:
        raise ValueError(str(error)) from None
    return (mask if len(mask) == size_px else resize(mask, size_px)) >= 128


def mask_problem(png: bytes | memoryview, size_px: int) -> str | None:
    """What is wrong with a mask by its header; its pixels are not read.

    >>> mask_problem(encode_mask(np.ones((8, 8), bool)), 8)
    >>> mask_problem(encode_mask(np.ones((8, 8), bool)), 16)
    '8 x 8 with 1 bit(s) a pixel, expected 16 x 16 with 1'
    """
    head = bytes(png[:25])
    if len(head) < 25 or not head.startswith(PNG_START):
        return "not a PNG"
    width, height, bits = struct.unpack(">IIB", head[16:25])
    if (width, height, bits) == (size_px, size_px, 1):
        return None
    return f"{height} x {width} with {bits} bit(s) a pixel, expected {size_px} x {size_px} with 1"
