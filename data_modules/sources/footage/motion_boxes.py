"""Boxes of what moves in front of a camera that stands still; no network, no weights.

A pixel moves where it differs from the median of the recording. Every connected region of such pixels is boxed.
"""

import tempfile

import cv2
import numpy as np
import simplejpeg
from jaxtyping import Bool, Float32

from data_modules.sources.footage.people import Boxes, Sightings, by_size, clothes
from data_modules.sources.footage.recordings import Recording, read_pictures
from mcss.errors import InputError

WORK_PX = 192
"""Longer side of the pictures that are compared: enough for a box, and it averages noise away."""
COPY_QUALITY = 95
"""Of the copies' JPEG: what it changes is less than a camera's noise."""
BACKGROUND_FRAMES = 25
LEAST_DIFFERENCE = 18.0
NOISE_FACTOR = 6.0
"""A difference counts above this many times the frame's median difference, and above ``LEAST_DIFFERENCE`` of 255."""
SHADOW_TINT, SHADOW_BRIGHTNESS = 0.12, 0.48
"""A shadow leaves this share of a pixel's value or more, the same in all three colours up to the tint: even in the sun
the sky gives a fifth of the light, and values are the 2.2nd root of it."""
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
    with SmallPictures(recording) as pictures:
        chosen = np.unique(np.linspace(0, len(pictures.numbers) - 1, BACKGROUND_FRAMES).astype(int))
        background = np.median([pictures[index] for index in chosen.tolist()], axis=0).astype(np.float32)
        boxes, worn, differences = [], [], []
        for index in range(len(pictures.numbers)):
            picture = pictures[index]
            difference = np.abs(picture - background).max(axis=2)
            differences.append(float(np.median(difference)))
            own = by_size(_regions(_moving(picture, background, difference)))
            worn.append(clothes(picture, own))
            boxes.append(own * pictures.scale)
    many = int((np.array(differences) > UNSTEADY).sum())
    if many > OFTEN * len(differences):
        raise InputError(
            f"{recording.path}: most of the picture changes in {many} of {len(differences)} frames: the camera or the"
            " light does not keep still; give boxes.csv, or find the person with --detector"
        )
    return Sightings(np.array(pictures.numbers, dtype=np.int64), tuple(boxes), tuple(worn))


class SmallPictures:
    """Small copies of a recording's pictures in a temporary file, because a video is decoded once and looked at twice.

    The crops are cut when the boxes of all pictures are known, from a second pass: decoding a picture of 1920 x 1080
    again takes 13 ms, to keep it as a JPEG and read that 70 ms.

    A context manager, which removes the file.

    Raises:
        InputError: the recording cannot be read, none of its pictures can be decoded, or they differ in size.
    """

    def __init__(self, recording: Recording) -> None:
        self.numbers: list[int] = []
        """Of the pictures that could be decoded, ascending."""
        self.scale = 1.0
        """Pixels of a picture in one of a copy."""
        self._ends = [0]
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        shape = None
        for number, image in read_pictures(recording, range(len(recording.time_s))):
            if image.shape != (shape or image.shape):
                self._file.close()
                raise InputError(
                    f"{recording.path}: its frames differ in size (frame {number}); cut the recording there"
                )
            shape = image.shape
            self.scale = max(1.0, max(shape[:2]) / WORK_PX)
            size = round(shape[1] / self.scale), round(shape[0] / self.scale)
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            self._file.write(simplejpeg.encode_jpeg(small, quality=COPY_QUALITY, colorsubsampling="444"))
            self._ends.append(self._file.tell())
            self.numbers.append(number)
        if not self.numbers:
            self._file.close()
            raise InputError(f"{recording.path}: none of its frames could be decoded; copy or download it again")

    def __enter__(self) -> "SmallPictures":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getitem__(self, index: int) -> Float32[np.ndarray, "rows columns 3"]:
        """Copy number ``index``, smoothed."""
        self._file.seek(self._ends[index])
        jpeg = self._file.read(self._ends[index + 1] - self._ends[index])
        return cv2.GaussianBlur(simplejpeg.decode_jpeg(jpeg), (3, 3), 0).astype(np.float32)


def _moving(
    picture: Float32[np.ndarray, "rows columns 3"],
    background: Float32[np.ndarray, "rows columns 3"],
    difference: Float32[np.ndarray, "rows columns"],
) -> Bool[np.ndarray, "rows columns"]:
    brightness = (picture + 1) / (background + 1)
    is_shadow = (np.ptp(brightness, axis=2) < SHADOW_TINT) & (brightness.mean(axis=2) > SHADOW_BRIGHTNESS)
    is_shadow &= brightness.mean(axis=2) < 1
    differs = difference > max(LEAST_DIFFERENCE, NOISE_FACTOR * float(np.median(difference)))
    return _without_gaps(differs & ~is_shadow, differs)


def _without_gaps(
    moving: Bool[np.ndarray, "rows columns"], differs: Bool[np.ndarray, "rows columns"]
) -> Bool[np.ndarray, "rows columns"]:
    """What moves, and what looks like a shadow between parts of it: above and below, without a gap in its column.

    Dark clothes in front of a grey wall have the colours of a shadow on it; a shadow lies beside a person or below.
    """
    above, below = moving.copy(), moving.copy()
    for row in range(1, len(moving)):
        above[row] |= differs[row] & above[row - 1]
        below[-1 - row] |= differs[-1 - row] & below[-row]
    return above & below


def _regions(moving: Bool[np.ndarray, "rows columns"]) -> Boxes:
    """Boxes of the groups of moving pixels that are large enough for a person."""
    pair = np.ones((2, 2), np.uint8)  # has no middle: what is taken away at one side is given back at the same
    clean = cv2.dilate(cv2.erode(moving.astype(np.uint8), pair, anchor=(0, 0)), pair, anchor=(1, 1))
    reach = 1 + 2 * round(JOIN_SHARE * max(moving.shape) / 2)
    _, labels = cv2.connectedComponents(cv2.dilate(clean, np.ones((reach, reach), np.uint8)))
    labels = labels * clean
    areas = np.bincount(labels.ravel())
    large = np.flatnonzero(areas >= LEAST_AREA * moving.size)
    found = [np.nonzero(labels == label) for label in large.tolist() if label]
    boxes = [(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) for rows, columns in found]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)
