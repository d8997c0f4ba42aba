"""Boxes of what moves in front of a camera that stands still; no network, no weights.

A pixel moves where it differs from the median of the recording. Every connected region of such pixels is boxed.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from data_modules.sources.footage.people import Boxes, Sightings, by_size, clothes
from data_modules.sources.footage.recordings import Recording, read_pictures
from mcss.errors import InputError

WORK_PX = 192
"""Longer side of the pictures that are compared: enough for a box, and it averages noise away."""
BACKGROUND_FRAMES = 25
LEAST_DIFFERENCE = 18.0
NOISE_FACTOR = 6.0
"""A difference counts above this many times the frame's median difference, and above ``LEAST_DIFFERENCE`` of 255."""
SHADOW_TINT, SHADOW_BRIGHTNESS = 0.12, 0.4
"""A shadow leaves this share of the light or more, the same in all three colours up to the tint."""
LEAST_AREA = 0.002
"""Smaller regions, as a share of the picture, are no person."""
UNSTEADY, OFTEN = 9.0, 0.2
"""The camera itself moves where half of the pixels differ from the background by more than the first of these, of 255,
in more than the second, a share of the pictures."""
JOIN_SHARE = 0.04
"""Regions nearer than this share of the picture are one: clothes may look like the wall behind them."""


def moving_regions(recording: Recording) -> Sightings:
    """Boxes of what moves in every picture, pixels of the picture.

    Raises:
        InputError: the recording cannot be read, its pictures differ in size, or the camera moves.
    """
    background, scale = _background(recording)
    looked_at, boxes, worn, differences = [], [], [], []
    for number, image in read_pictures(recording, range(len(recording.time_s))):
        picture, _ = _small(image)
        if picture.shape != background.shape:
            raise InputError(f"{recording.path}: its frames differ in size (frame {number}); cut the recording there")
        difference = np.abs(picture - background).max(axis=2)
        looked_at.append(number)
        differences.append(float(np.median(difference)))
        own = by_size(_regions(_moving(picture, background, difference)))
        worn.append(clothes(picture, own))
        boxes.append(own * scale)
    many = int((np.array(differences) > UNSTEADY).sum())
    if many > OFTEN * len(differences):
        raise InputError(
            f"{recording.path}: most of the picture changes in {many} of {len(differences)} frames: the camera or the"
            " light does not keep still; give boxes.csv, or find the person with --detector"
        )
    return Sightings(np.array(looked_at, dtype=np.int64), tuple(boxes), tuple(worn))


def _background(recording: Recording) -> tuple[Float32[np.ndarray, "rows columns 3"], float]:
    """Median picture, and how many pixels of a frame one of its pixels is."""
    count = len(recording.time_s)
    chosen = np.unique(np.linspace(0, count - 1, min(BACKGROUND_FRAMES, count)).astype(int))
    pictures = [_small(image) for _, image in read_pictures(recording, chosen.tolist())]
    if not pictures:
        raise InputError(f"{recording.path}: none of {len(chosen)} frames could be decoded; copy or download it again")
    if len({picture.shape for picture, _ in pictures}) > 1:
        raise InputError(f"{recording.path}: its frames differ in size; cut the recording where the size changes")
    return np.median([picture for picture, _ in pictures], axis=0).astype(np.float32), pictures[0][1]


def _small(image: np.ndarray) -> tuple[Float32[np.ndarray, "rows columns 3"], float]:
    height, width = image.shape[:2]
    scale = max(1.0, max(height, width) / WORK_PX)
    size = round(width / scale), round(height / scale)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (3, 3), 0).astype(np.float32), scale


def _moving(
    picture: Float32[np.ndarray, "rows columns 3"],
    background: Float32[np.ndarray, "rows columns 3"],
    difference: Float32[np.ndarray, "rows columns"],
) -> Bool[np.ndarray, "rows columns"]:
    brightness = (picture + 1) / (background + 1)
    is_shadow = (np.ptp(brightness, axis=2) < SHADOW_TINT) & (brightness.mean(axis=2) > SHADOW_BRIGHTNESS)
    is_shadow &= brightness.mean(axis=2) < 1
    return (difference > max(LEAST_DIFFERENCE, NOISE_FACTOR * float(np.median(difference)))) & ~is_shadow


def _regions(moving: Bool[np.ndarray, "rows columns"]) -> Boxes:
    """Boxes of the groups of moving pixels that are large enough for a person."""
    clean = cv2.morphologyEx(moving.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    reach = 1 + 2 * round(JOIN_SHARE * max(moving.shape) / 2)
    _, labels = cv2.connectedComponents(cv2.dilate(clean, np.ones((reach, reach), np.uint8)))
    labels = labels * clean
    areas = np.bincount(labels.ravel())
    large = np.flatnonzero(areas >= LEAST_AREA * moving.size)
    found = [np.nonzero(labels == label) for label in large.tolist() if label]
    boxes = [(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) for rows, columns in found]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)
