"""What a store is: its columns, its description, the rules that every row keeps, and the hash of its content."""

import hashlib
import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import numpy as np
import pyarrow as pa
import simplejpeg
from jaxtyping import Float32

from data_modules.store.masks import mask_problem
from mcss.errors import InputError
from mcss.skeleton import JOINTS

SCHEMA_VERSION = 2
"""Of the stores that are written. Version 1 has no columns ``mask`` and ``joint_valid``, and is read as before."""
READABLE_VERSIONS = (1, SCHEMA_VERSION)

ARROW_FILE = "data-00000-of-00001.arrow"
STORE_FILE = "store.json"
POSE_VALUES = 3 * len(JOINTS)

SCHEMA = pa.schema(
    [
        pa.field("subject", pa.string()),
        pa.field("action", pa.string()),
        pa.field("subaction", pa.int32()),
        pa.field("frame", pa.int64()),
        pa.field("time_s", pa.float64()),
        pa.field("camera", pa.string()),
        # Large: the offsets of a plain binary column overflow at 2 GiB.
        pa.field("image", pa.large_binary()),
        pa.field("box", pa.list_(pa.float64(), 3)),
        # Flat: `datasets` has no nullable two-dimensional type.
        pa.field("pose_world", pa.list_(pa.float32(), POSE_VALUES)),
        # Null: all joints of the pose are known.
        pa.field("joint_valid", pa.list_(pa.bool_(), len(JOINTS))),
        # PNG of one bit a pixel; null: not known.
        pa.field("mask", pa.large_binary()),
    ]
)
SCHEMAS = {1: pa.schema([field for field in SCHEMA if field.name not in ("joint_valid", "mask")]), 2: SCHEMA}
"""By version."""
OPTIONAL = frozenset({"pose_world", "joint_valid", "mask"})
"""Columns that may have empty cells."""


class StoreError(InputError):
    """A store that cannot be written or read as asked; one line naming path, what is wrong and how to mend it."""


class Row(TypedDict):
    """One image and what is known about it."""

    subject: str
    action: str
    subaction: int
    frame: int
    """Index of the frame in its source."""
    time_s: float
    """Seconds since the start of the clip's source; the same for all views of an instant."""
    camera: str
    image: bytes | memoryview
    """JPEG of the square crop, RGB."""
    box: tuple[float, float, float]
    """Left, top and side of the crop in the source image, pixels."""
    pose_world: Float32[np.ndarray, "17 3"] | None
    """World frame, mm, joint set h36m17; of a joint that is not known NaN."""
    mask: NotRequired[bytes | memoryview | None]
    """PNG with one bit a pixel, as wide as the image: the pixels that show the person (``store.masks``)."""


@dataclass(frozen=True, kw_only=True)
class StoreMeta:
    """What holds for the whole store.

    Attributes:
        name: of the data set.
        joint_set: of ``pose_world``.
        crop_size_px: side of every JPEG.
        fps: frames of the source per second; where clips differ, of the first: ``Row.time_s`` is exact for all.
        cameras: names of all cameras.
        subjects_train: may be trained on; disjoint from ``subjects_test``.
        subjects_test: touched by ``mcss test`` alone.
        excluded: what was left out of the source or not checked, each with ``sequence`` and ``reason``.
        source: where the data come from.
        licence: under which terms.
        config: how the store was made; part of the content hash. JSON values only.
        calibration: parameters of each camera by its name, where known; by "subject/camera" where cameras were moved.
    """

    name: str
    joint_set: str
    crop_size_px: int
    fps: float
    cameras: tuple[str, ...]
    subjects_train: tuple[str, ...]
    subjects_test: tuple[str, ...]
    excluded: tuple[dict, ...]
    source: str
    licence: str
    config: dict
    calibration: dict[str, dict]

    def __post_init__(self) -> None:
        if self.joint_set != "h36m17":
            raise StoreError(f"joint set {self.joint_set!r}: a store holds h36m17")
        if self.crop_size_px <= 0 or self.fps <= 0:
            raise StoreError(f"crop size ({self.crop_size_px} px) and fps ({self.fps}) must be positive")
        subjects = self.subjects_train + self.subjects_test
        for kind, names in (("camera", self.cameras), ("subject", subjects)):
            if len(set(names)) != len(names):
                raise StoreError(f"a {kind} is listed twice among {', '.join(names)}")


def row_key(row: Row) -> tuple[str, str, int, int, str]:
    """Sort key of a row: strings by code point, so S1, S11, S5."""
    return row["subject"], row["action"], row["subaction"], row["frame"], row["camera"]


def row_problems(row: Row, meta: StoreMeta) -> Iterator[tuple[str, str]]:
    """Rules that ``row`` breaks by itself: (column, reason). The JPEG's header is read, its pixels are not."""
    if row["subject"] not in meta.subjects_train + meta.subjects_test:
        yield "subject", f"{row['subject']!r} is neither a train nor a test subject of the store"
    if row["camera"] not in meta.cameras:
        yield "camera", f"{row['camera']!r} is not among the store's cameras ({', '.join(meta.cameras)})"
    if not math.isfinite(row["time_s"]):
        yield "time_s", f"{row['time_s']} is not finite"
    if not np.isfinite(row["box"]).all() or row["box"][2] <= 0:
        yield "box", f"{tuple(row['box'])} is not a square with a positive side"
    yield from _pose_problems(row["pose_world"])
    if (mask := row.get("mask")) is not None and (problem := mask_problem(mask, meta.crop_size_px)):
        yield "mask", problem
    try:
        height, width, colorspace, _ = simplejpeg.decode_jpeg_header(row["image"])
    except ValueError as error:
        yield "image", f"not a JPEG: {error}"
    else:
        side = meta.crop_size_px
        if (height, width) != (side, side) or colorspace == "Gray":
            yield "image", f"{height} x {width} {colorspace}, expected {side} x {side} in colour"


def _pose_problems(pose_world: Float32[np.ndarray, "17 3"] | None) -> Iterator[tuple[str, str]]:
    if pose_world is None:
        return
    is_nan = np.isnan(pose_world)
    if np.isinf(pose_world).any() or (is_nan.any(axis=1) != is_nan.all(axis=1)).any():
        yield "pose_world", "has a value that is not finite; a joint that is not known is NaN in all coordinates"
    elif is_nan.all():
        yield "pose_world", "knows no joint; such a row has no pose"


def neighbour_problems(previous: Row, row: Row) -> Iterator[tuple[str, str]]:
    """Rules that ``row`` breaks beside the row before it: (column, reason)."""
    if row_key(row) <= row_key(previous):
        yield "camera", f"rows are not sorted: {row_key(row)} comes after {row_key(previous)}"
        return
    if row_key(row)[:3] != row_key(previous)[:3]:
        return
    if row["frame"] != previous["frame"]:
        if row["time_s"] <= previous["time_s"]:
            yield "time_s", f"{row['time_s']} s is not after the clip's frame before it ({previous['time_s']} s)"
        return
    if row["time_s"] != previous["time_s"]:
        yield "time_s", f"{row['time_s']} s differs from the same instant's other views ({previous['time_s']} s)"
    if not _same_pose(row["pose_world"], previous["pose_world"]):
        yield "pose_world", "differs from the same instant's other views"


def _same_pose(pose: np.ndarray | None, other: np.ndarray | None) -> bool:
    if pose is None or other is None:
        return pose is other
    return np.array_equal(pose, other, equal_nan=True)


def config_hash(config: Mapping) -> str:
    """SHA-256 of how a store was made, the same before and after a trip through JSON."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class ContentHash:
    """SHA-256 over configuration, index columns and poses, fed row by row: what the data are.

    Poses count at 0.01 mm and times at 1 microsecond. Boxes and pixels do not count, because their last bits differ
    between types of CPU: the same data made on two machines have one content hash. ``PixelHash`` covers the rest.
    """

    def __init__(self, config: Mapping) -> None:
        self._sha = hashlib.sha256(config_hash(config).encode())

    def update(self, row: Row) -> None:
        """Add the next row."""
        subject, action, subaction, frame, camera = row_key(row)
        names = json.dumps([subject, action, camera], ensure_ascii=False).encode()
        self._sha.update(names + struct.pack("<qq", subaction, frame) + _rounded(row["time_s"], 1e6))
        if row["pose_world"] is not None:
            self._sha.update(_rounded(np.nan_to_num(row["pose_world"]), 100.0))
            if (is_missing := np.isnan(row["pose_world"]).any(axis=1)).any():
                self._sha.update(np.packbits(is_missing).tobytes())

    def hexdigest(self) -> str:
        """Hash of everything so far."""
        return self._sha.hexdigest()


class PixelHash:
    """SHA-256 over boxes, images and masks, bit by bit, fed row by row: the very bytes that a network sees.

    Equal on one machine for equal data; another type of CPU may encode or render last bits otherwise.
    """

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def update(self, row: Row) -> None:
        """Add the next row."""
        cells = (np.asarray(row["box"], dtype="<f8").tobytes(), row["image"], row.get("mask") or b"")
        for cell in cells:
            self._sha.update(struct.pack("<q", len(cell)))
            self._sha.update(cell)

    def hexdigest(self) -> str:
        """Hash of everything so far."""
        return self._sha.hexdigest()


def _rounded(values: float | np.ndarray, per_unit: float) -> bytes:
    """Bytes of the values as whole numbers of 1 / ``per_unit``."""
    # Floats, because a damaged store may hold NaN. Adding 0 turns -0 into 0.
    return (np.rint(np.asarray(values, dtype="<f8") * per_unit) + 0.0).tobytes()
