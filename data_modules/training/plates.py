"""Background plates: what each still camera sees without the person, put together from a store's crops.

A crop moves with the person, so that the background behind one instant's person is seen at others. The crops of a
subject and camera are laid where their boxes lie in the camera's frame; the median of what lies at a place is the
background there. Plates are of one subject each: light and furniture differ between people.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float64, Int, UInt8

from data_modules.store import Store
from mcss.errors import InputError

PLATE_CROPS = 200
"""Crops that a plate is made of, evenly spread; more add time and no detail."""
FEWEST_CROPS = 12
"""With fewer the person may stand at a place in half of them, and is then part of the plate."""
CROP_PX = 64
"""Side of the crops that plates are made of, at most."""


class Plate(NamedTuple):
    """The background of one subject and camera."""

    image: UInt8[np.ndarray, "rows columns 3"]
    origin_px: Float64[np.ndarray, " 2"]
    """Left and top in the camera's frame."""
    step_px: float
    """Pixels of the camera's frame to one of ``image``."""

    def crop(self, box: Float64[np.ndarray, " 3"], size_px: int) -> UInt8[np.ndarray, "size_px size_px 3"]:
        """Cut out the square ``box`` (left, top, side in the frame), ``size_px`` wide; beyond the plate it repeats."""
        to_plate = _between_grids(box[:2], box[2] / size_px, self.origin_px, self.step_px)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(self.image, to_plate, (size_px, size_px), flags=flags, borderMode=cv2.BORDER_REPLICATE)


class Plates:
    """Plates of all subjects and cameras of some rows of a store.

    Args:
        store: the store; its masks, where it has them, keep the person out.
        rows: rows that plates are made for and from.
        needed_by: who needs them, for messages.

    Raises:
        InputError: a subject and camera has too few crops.
    """

    def __init__(self, store: Store, rows: Int[np.ndarray, " rows"], needed_by: str) -> None:
        self._store = store
        subject, camera = store.subject[rows], store.camera[rows]
        self._plates: dict[tuple[str, str], Plate] = {}
        for name in sorted({*zip(subject.tolist(), camera.tolist(), strict=True)}):
            own = rows[(subject == name[0]) & (camera == name[1])]
            if len(own) < FEWEST_CROPS:
                raise InputError(
                    f"{store.path}: {needed_by} needs the background of {name[0]} in camera {name[1]}, which "
                    f"{len(own)} crops do not show: import {FEWEST_CROPS} or more, or a store with masks"
                )
            self._plates[name] = _make_plate(store, own[:: -(-len(own) // PLATE_CROPS)])

    def crops(self, rows: Int[np.ndarray, " batch"], size_px: int) -> UInt8[np.ndarray, "batch size_px size_px 3"]:
        """What the crops of ``rows`` would show without the person."""
        store = self._store
        return np.stack(
            [
                self._plates[str(store.subject[row]), str(store.camera[row])].crop(store.box[row], size_px)
                for row in rows.tolist()
            ]
        )


def _make_plate(store: Store, rows: Int[np.ndarray, " rows"]) -> Plate:
    """Put the crops of one subject and camera together."""
    crop_px = min(CROP_PX, store.meta.crop_size_px)
    crops = store.decode(rows, crop_px)
    masks, boxes = store.mask(rows, crop_px), store.box[rows]
    step_px = float(np.median(boxes[:, 2])) / crop_px
    origin_px = boxes[:, :2].min(axis=0)
    columns, lines = np.ceil(((boxes[:, :2] + boxes[:, 2:]).max(axis=0) - origin_px) / step_px).astype(int)
    laid = np.full((len(rows), lines, columns, 3), UNSEEN, dtype=np.uint16)
    for place, (crop, box) in enumerate(zip(crops, boxes, strict=True)):
        shown = np.ones(crop.shape[:2], dtype=bool) if masks is None else ~_grown(masks[place])
        to_crop = _between_grids(origin_px, step_px, box[:2], box[2] / crop_px)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        there = cv2.warpAffine(shown.astype(np.uint8), to_crop, (columns, lines), flags=cv2.WARP_INVERSE_MAP)
        laid[place][there > 0] = cv2.warpAffine(crop, to_crop, (columns, lines), flags=flags)[there > 0]
    laid.sort(axis=0)
    seen = (laid[..., 0] != UNSEEN).sum(axis=0)
    middle = np.take_along_axis(laid, np.maximum(seen - 1, 0)[None, ..., None] // 2, axis=0)[0]
    unseen = (seen == 0).astype(np.uint8)
    return Plate(cv2.inpaint(middle.astype(np.uint8), unseen, 3, cv2.INPAINT_TELEA), origin_px, step_px)


UNSEEN = 2**16 - 1
"""Larger than any colour, so that it comes last in an order."""


def _grown(mask: Bool[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """One pixel more on each side: colours at the person's edge are mixed."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _between_grids(
    origin_px: Float64[np.ndarray, " 2"],
    step_px: float,
    other_origin_px: Float64[np.ndarray, " 2"],
    other_step_px: float,
) -> Float64[np.ndarray, "2 3"]:
    """From indices of one grid of pixels to those of another; pixel 0 covers the square that begins at the origin."""
    scale = step_px / other_step_px
    shift = (origin_px - other_origin_px) / other_step_px + scale / 2 - 0.5
    return np.column_stack([np.eye(2) * scale, shift])
