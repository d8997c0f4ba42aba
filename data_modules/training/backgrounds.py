"""Backgrounds of training images: kept, removed or substituted, so that a network cannot learn the room.

Which pixels show the person is known from the store's masks, or else found by the difference from background plates.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Int, UInt8
from torch import Tensor

from data_modules.store import Store
from data_modules.training.plates import Plates
from mcss.errors import InputError

BACKGROUND_STREAM = 6
"""Part of the random key, so that equal seeds do not correlate the streams."""
DIFFERENCE = 12
"""Between a crop and its plate in a channel of 0 to 255, where the person is: noise of cameras and JPEG is less."""
EDGE = 0.35
"""Of the person's median difference: less has a pixel at the edge, which shows more of the background."""
GAIN = (0.75, 1.15)
"""Brightness of a shaded or lit background relative to its plate."""
LARGEST_HOLE = 0.003
"""Of a crop, in a person."""
WIDTH = 0.15
"""Of the region in the middle of a crop where the person is, as a share of the side (standard deviation)."""
LEAST_PART = 0.1
"""Smallest part of a person that counts, of the area of the largest one."""
PERSON_SHARE = (0.02, 0.6)
"""What share of a crop a person covers on average, at least and at most; otherwise plates do not fit the crops."""
MID_GREY = 127


@dataclass(frozen=True)
class BackgroundSettings:
    """What training images show behind the person.

    Attributes:
        mode: ``keep`` the background, ``remove`` it (mid-grey), or ``substitute`` it.
        share: share of the images whose background is changed, labelled ones too.
        by: what it is substituted by: a random ``colour``, or the background of another ``image`` of the batch.
    """

    mode: Literal["keep", "remove", "substitute"] = "keep"
    share: float = 0.5
    by: Literal["colour", "image"] = "colour"

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InputError(f"background_share {self.share:g}: a share lies between 0 and 1")


class People:
    """Where the crops of a store show the person, and what they would show without.

    Args:
        store: the store.
        rows: rows that may be asked for.
        size_px: side of masks and backgrounds.
        needed_by: who needs them, for messages.
        with_plates: make plates also where the store has masks.
        cached: keep every mask that was asked for.

    Attributes:
        plates: background plates; None where masks are stored and nobody asked for plates.

    Raises:
        InputError: there are neither masks nor enough crops, or what differs from the plates are no people.
    """

    def __init__(
        self,
        store: Store,
        rows: Int[np.ndarray, " rows"],
        size_px: int,
        needed_by: str,
        with_plates: bool = False,
        cached: bool = False,
    ) -> None:
        self._store, self._size_px, self._cached = store, size_px, cached
        self._has_masks = bool(store.has_mask[rows].all())
        self._known: dict[int, UInt8[np.ndarray, " bytes"]] = {}
        self.plates = Plates(store, rows, needed_by) if with_plates or not self._has_masks else None
        share = float(self.masks(rows[:: -(-len(rows) // 100)]).mean())
        if not self._has_masks and not PERSON_SHARE[0] <= share <= PERSON_SHARE[1]:
            raise InputError(
                f"{store.path}: {needed_by} needs masks, and {share:.0%} of the crops differ from the median"
                " background, which is no person: the cameras moved, or the person did not"
            )

    def masks(self, rows: Int[np.ndarray, " batch"]) -> Bool[np.ndarray, "batch size_px size_px"]:
        """Pixels that show the person."""
        if not self._cached:
            return self._make(rows)
        if len(unknown := np.array([row for row in rows.tolist() if row not in self._known], dtype=np.int64)):
            packed = np.packbits(self._make(unknown).reshape(len(unknown), -1), axis=1)
            self._known |= zip(unknown.tolist(), packed, strict=True)
        bits = np.stack([self._known[row] for row in rows.tolist()])
        return np.unpackbits(bits, axis=1, count=self._size_px**2).reshape(-1, *2 * [self._size_px]).astype(bool)

    def backgrounds(self, rows: Int[np.ndarray, " batch"]) -> UInt8[Tensor, "batch 3 size_px size_px"]:
        """What the crops would show without the person.

        Raises:
            ValueError: there are no plates.
        """
        if self.plates is None:
            raise ValueError("no plates were made")
        return torch.from_numpy(self.plates.crops(rows, self._size_px)).permute(0, 3, 1, 2)

    def _make(self, rows: Int[np.ndarray, " batch"]) -> Bool[np.ndarray, "batch size_px size_px"]:
        if self.plates is None or self._has_masks:
            return self._store.mask(rows, self._size_px)  # type: ignore[return-value]  # all rows have one
        crops = self._store.decode(rows, self._size_px)
        backgrounds = self.plates.crops(rows, self._size_px)
        return np.stack([difference_mask(*both) for both in zip(crops, backgrounds, strict=True)])


class Backgrounds:
    """Changes the backgrounds of a stream's images, as a function of (seed, step, rank) and the images' place."""

    def __init__(self, settings: BackgroundSettings, people: People, seed: int, rank: int) -> None:
        self.settings, self.people, self.seed, self.rank = settings, people, seed, rank

    def __call__(
        self, images: UInt8[Tensor, "batch 3 side side"], rows: Int[np.ndarray, " batch"], step: int, part: int
    ) -> UInt8[Tensor, "batch 3 side side"]:
        """Change the share of ``images`` that the settings ask for.

        Args:
            images: RGB, of ``rows``.
            rows: rows of the store.
            step: global step of training.
            part: which part of the step's batch these images are; parts are drawn independently.
        """
        rng = np.random.default_rng([self.seed, BACKGROUND_STREAM, step, self.rank, part])
        is_changed = rng.random(len(rows)) < self.settings.share
        colours = rng.integers(0, 256, (len(rows), 3, 1, 1), dtype=np.uint8)
        others = (np.arange(len(rows)) + rng.integers(1, max(len(rows), 2), len(rows))) % len(rows)
        behind = torch.from_numpy(colours)
        if self.settings.mode == "remove":
            behind.fill_(MID_GREY)
        elif self.settings.by == "image":
            behind = self.people.backgrounds(rows[others])
        is_behind = torch.from_numpy(~self.people.masks(rows) & is_changed[:, None, None])
        return torch.where(is_behind[:, None], behind, images)


def difference_mask(
    crop: UInt8[np.ndarray, "side side 3"], background: UInt8[np.ndarray, "side side 3"]
) -> Bool[np.ndarray, "side side"]:
    """Pixels in which a crop differs from the background, without shadows, specks, small holes and things at the side.

    A pixel that is the background in a little more or less light is no person (Horprasert, Harwood and Davis, 1999).
    """
    seen = cv2.GaussianBlur(crop.astype(np.float32), (3, 3), 0.6)
    plate = background.astype(np.float32) + 1
    gain = (seen * plate).sum(axis=2) / np.square(plate).sum(axis=2)
    difference = np.abs(seen - gain.clip(*GAIN)[..., None] * plate).max(axis=2)
    large = difference[difference > DIFFERENCE]
    threshold = max(DIFFERENCE, EDGE * float(np.median(large))) if len(large) else DIFFERENCE
    differs = cv2.morphologyEx((difference > threshold).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, hole, sizes, _ = cv2.connectedComponentsWithStats(1 - differs, connectivity=4)
    differs[(sizes[:, cv2.CC_STAT_AREA] < LARGEST_HOLE * differs.size)[hole]] = 1
    _, part = cv2.connectedComponents(differs, connectivity=8)
    from_centre = (np.arange(len(part)) + 0.5) / len(part) - 0.5
    weight = np.broadcast_to(np.exp(-np.square(from_centre / WIDTH) / 2), part.shape) * differs
    weights = np.bincount(part.ravel(), weight.ravel())
    return (weights >= max(LEAST_PART * weights.max(), 1e-9))[part]
