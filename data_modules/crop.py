"""The square crop around a person: its geometry, and the JPEG cut from a frame."""

import cv2
import numpy as np
import simplejpeg
from jaxtyping import Float, UInt8

JPEG_QUALITY = 92
BOX_MARGIN = 0.1
"""Space around a box of the person, as a share of its longer side."""
LARGEST_SIDE = 4
"""A square with a longer side, in longer sides of the image, was mistyped; it would take gigabytes."""


def square_around(
    low_px: Float[np.ndarray, " 2"], high_px: Float[np.ndarray, " 2"], margin: float
) -> tuple[int, int, int]:
    """Square (left, top, side) in whole pixels around a rectangle, larger than it by the share ``margin``."""
    side = max(1, round(float((high_px - low_px).max()) * (1 + margin)))
    left, top = np.rint((low_px + high_px - side) / 2).astype(int).tolist()
    return left, top, side


def crop_square(image: UInt8[np.ndarray, "rows columns 3"], box: tuple[int, int, int], size_px: int) -> bytes:
    """JPEG, ``size_px`` wide, of ``cut_square``."""
    return simplejpeg.encode_jpeg(cut_square(image, box, size_px), quality=JPEG_QUALITY)


def cut_square(
    image: UInt8[np.ndarray, "rows columns 3"], box: tuple[int, int, int], size_px: int
) -> UInt8[np.ndarray, "size_px size_px 3"]:
    """Cut out the square ``box`` (left, top, side), ``size_px`` wide; black where it leaves the image.

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
    return cv2.resize(square, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
