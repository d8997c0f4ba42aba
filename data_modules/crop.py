"""The square crop around a person: the one geometry of imports, the studio and predictions, and the cut from a frame.

A square is (left, top, side) in pixels of the frame, not rounded. Pixel (0, 0) covers the square from (0, 0) to (1, 1).
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import simplejpeg
from jaxtyping import Float, UInt8

Square = tuple[float, float, float]
"""Left, top and side, pixels of the frame."""

JPEG_QUALITY = 92
CROP_PX = 256
"""Width of the crops of imports unless another is asked for; networks see them resized."""
BOX_MARGIN = 0.1
"""Space around a box of the person, as a share of its longer side."""
JOINTS_MARGIN = 0.3
"""Space around projected joints, which lie inside the body: the head and the hands reach beyond them."""
LARGEST_SIDE = 4
"""A square with a longer side, in longer sides of the image, was mistyped: the person would be a dot."""


def square_around(
    low_px: Float[np.ndarray, " 2"],
    high_px: Float[np.ndarray, " 2"],
    margin: float,
    jitter: Sequence[float] | Float[np.ndarray, " 3"] = (0.0, 0.0, 0.0),
) -> Square:
    """Square around a rectangle, larger than its longer side by the share ``margin``; it may leave the frame.

    ``jitter`` counts in sides: two shifts and a relative change of size.

    >>> square_around(np.array([10.0, 20.0]), np.array([30.0, 60.0]), margin=0.5)
    (-10.0, 10.0, 60.0)
    """
    side = float((high_px - low_px).max()) * (1 + margin) * (1 + jitter[2])
    left, top = (low_px + high_px) / 2 - side / 2 + side * np.array(jitter[:2])
    return float(left), float(top), side


def crop_square(image: UInt8[np.ndarray, "rows columns 3"], square: Square, size_px: int) -> bytes:
    """JPEG, ``size_px`` wide, of ``cut_square``."""
    return simplejpeg.encode_jpeg(cut_square(image, square, size_px), quality=JPEG_QUALITY)


def cut_square(
    image: UInt8[np.ndarray, "rows columns 3"], square: Square, size_px: int
) -> UInt8[np.ndarray, "size_px size_px 3"]:
    """Cut out ``square``, ``size_px`` wide; black where it leaves the image.

    The visible part is first averaged to about the size of the crop, if it is larger, then sampled between its pixels
    at the square's own place and scale. So nothing is ever larger than the visible part.

    Raises:
        ValueError: the square lies outside the image, or is so large that the person would be a dot.
    """
    left, top, side = square
    height, width = image.shape[:2]
    if side > LARGEST_SIDE * max(height, width):
        raise ValueError(f"the box (side {side:.0f}) is much larger than the image ({width} x {height})")
    if min(left + side, top + side) <= 0 or left >= width or top >= height:
        raise ValueError(
            f"the box (left {left:.0f}, top {top:.0f}, side {side:.0f}) lies outside the image ({width} x {height})"
        )
    step = side / size_px  # of the crop's pixels, in those of the image
    beyond = 2 * math.ceil(max(step, 1.0))  # what the samples at the crop's edge average over
    first_column, last_column = _visible(left, side, beyond, width)
    first_row, last_row = _visible(top, side, beyond, height)
    part = image[first_row:last_row, first_column:last_column]
    small = [max(1, round(length / max(step, 1.0))) for length in (part.shape[1], part.shape[0])]
    per_pixel = np.array([part.shape[1], part.shape[0]]) / small  # pixels of the image in one of the small part
    shift = (np.array([left - first_column, top - first_row]) + step / 2) / per_pixel - 0.5
    to_part = np.column_stack([np.diag(step / per_pixel), shift])
    if step > 1:
        part = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    return cv2.warpAffine(part, to_part, (size_px, size_px), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _visible(start: float, side: float, beyond: int, length: int) -> tuple[int, int]:
    """First and last pixel, exclusive, of what a square shows along one axis of an image, and a few beyond."""
    return max(math.floor(start) - beyond, 0), min(math.ceil(start + side) + beyond, length)


def resize(
    image: UInt8[np.ndarray, "side side *channels"], size_px: int, into: np.ndarray | None = None
) -> UInt8[np.ndarray, "size_px size_px *channels"]:
    """Square image at ``size_px``: averaged over areas where it shrinks, interpolated where it grows.

    ``into`` is the memory for the result, if there is some.
    """
    shrinks = image.shape[0] > size_px
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (size_px, size_px), dst=into, interpolation=method)
