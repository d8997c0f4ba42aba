"""The store: images, index and labels of a data set in one directory.

The directory opens with ``datasets.load_from_disk``. This module reads its Arrow file directly: a cell through
``datasets`` costs ten times the cell's buffer, and the hot path needs only buffers and numpy columns.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import simplejpeg
from jaxtyping import Bool, Float32, Float64, Int, UInt8

from data_modules.crop import resize
from data_modules.store.columns import BinaryColumn, strings, vectors
from data_modules.store.format import (
    ARROW_FILE,
    OPTIONAL,
    READABLE_VERSIONS,
    SCHEMAS,
    STORE_FILE,
    Row,
    StoreError,
    StoreMeta,
    config_hash,
)
from data_modules.store.index import Index
from data_modules.store.masks import decode_mask
from mcss.skeleton import JOINTS

NEEDED_JOINTS = [JOINTS.index(name) for name in ("Pelvis", "RHip", "LHip")]
"""Without which a pose is no label: the canonical frame follows from them."""


@dataclass(frozen=True, eq=False)
class Store(Index):
    """An open store: the index, the other columns as numpy arrays, and the images in a mapped file."""

    path: Path
    meta: StoreMeta
    content_hash: str
    """Of configuration, index and poses; equal for equal data whatever the type of CPU that rendered it."""
    pixel_hash: str
    """Of boxes, images and masks, bit by bit; empty in stores of schema 1."""
    rows_per_subject: dict[str, int]
    clips: dict[str, dict]
    """What a build remembers of each clip by its name; none in stores that were not built of clips."""
    source_path: str
    """Folder that the clips were read from; empty where there is none."""
    box: Float64[np.ndarray, "rows 3"]
    """Left, top and side of each crop in its source image, pixels."""
    pose_world: Float32[np.ndarray, "rows 17 3"]
    """World frame, mm, joint set h36m17; NaN where there is none, and at joints that are not known."""
    has_mask: Bool[np.ndarray, " rows"]
    _images: BinaryColumn
    _masks: BinaryColumn | None

    def __reduce__(self) -> tuple:
        # Another process maps the file itself instead of receiving a copy.
        return open_store, (self.path,)

    def jpeg(self, row: int) -> memoryview:
        """Bytes of a row's JPEG, a view of the mapped file.

        Raises:
            IndexError: there is no such row.
        """
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of a store of {len(self)} rows")
        return self._images[row]

    def decode(self, rows: Int[np.ndarray, " batch"], size_px: int) -> UInt8[np.ndarray, "batch size_px size_px 3"]:
        """Images of ``rows``, RGB, at ``size_px`` (``crop.resize``).

        Raises:
            StoreError: a JPEG cannot be decoded.
        """
        images = np.empty((len(rows), size_px, size_px, 3), dtype=np.uint8)
        stored_px = self.meta.crop_size_px
        for image, row in zip(images, rows.tolist(), strict=True):
            try:
                # Right into the batch where nothing is resized.
                into = image if size_px == stored_px else None
                crop = simplejpeg.decode_jpeg(self.jpeg(row), colorspace="RGB", buffer=into)
                if crop.shape[:2] != (stored_px, stored_px):
                    raise ValueError(f"{crop.shape[1]} x {crop.shape[0]} pixels, the store has {stored_px}")
            except ValueError as error:
                raise StoreError(
                    f"{self.path}: row {row} ({self.image_name(row)}): its image cannot be decoded ({error});"
                    f" run `mcss-data check {self.path}`, or train with --data.skip_corrupt_images true"
                ) from error
            if into is None:
                resize(crop, size_px, into=image)
        return images

    def mask(self, rows: Int[np.ndarray, " batch"], size_px: int) -> Bool[np.ndarray, "batch size_px size_px"] | None:
        """Pixels that show the person in the crops of ``rows``, at ``size_px``; None unless all of them have a mask.

        Raises:
            StoreError: a mask cannot be decoded.
        """
        if self._masks is None or not self.has_mask[rows].all():
            return None
        masks = np.empty((len(rows), size_px, size_px), dtype=bool)
        for mask, row in zip(masks, rows.tolist(), strict=True):
            try:
                mask[:] = decode_mask(self._masks[row], size_px)
            except ValueError as error:
                raise StoreError(
                    f"{self.path}: row {row} ({self.image_name(row)}): its mask cannot be decoded ({error});"
                    f" run `mcss-data check {self.path}`"
                ) from error
        return masks

    def row(self, row: int) -> Row:
        """All columns of one row."""
        return {
            "subject": str(self.subject[row]),
            "action": str(self.action[row]),
            "subaction": int(self.subaction[row]),
            "frame": int(self.frame[row]),
            "time_s": float(self.time_s[row]),
            "camera": str(self.camera[row]),
            "image": self.jpeg(row),
            "box": tuple(self.box[row].tolist()),
            "pose_world": None if np.isnan(self.pose_world[row]).all() else self.pose_world[row],
            "mask": self._masks[row] if self._masks and self.has_mask[row] else None,
        }


def joint_content_hash(stores: Sequence[Store]) -> str:
    """Content hash of the data of a run: that of its store, or one over those of all where there are several."""
    hashes = [store.content_hash for store in stores]
    return hashes[0] if len(set(hashes)) == 1 else config_hash({"stores": hashes})


def joint_pixel_hash(stores: Sequence[Store]) -> str:
    """As ``joint_content_hash``, of the pixel hashes; empty where a store has none."""
    hashes = [store.pixel_hash for store in stores]
    if not all(hashes):
        return ""
    return hashes[0] if len(set(hashes)) == 1 else config_hash({"stores": hashes})


def open_store(path: Path) -> Store:
    """Map the store at ``path``.

    Raises:
        StoreError: there is no store, it was written by another version, or a file of it is damaged.
    """
    description, meta = _read_description(path)
    table = _map_table(path, description["schema_version"], expected_rows=description["rows"])
    pose_world = vectors(table["pose_world"]).reshape(-1, 17, 3)
    has_mask, masks = np.zeros(len(table), dtype=bool), None
    if description["schema_version"] > 1:
        if table["joint_valid"].null_count < len(table):
            pose_world[~vectors(table["joint_valid"]).reshape(-1, 17)] = np.nan
        has_mask = table["mask"].is_valid().to_numpy()
        masks = BinaryColumn(table["mask"]) if has_mask.any() else None
    return Store(
        subject=strings(table["subject"]),
        action=strings(table["action"]),
        subaction=table["subaction"].to_numpy(),
        frame=table["frame"].to_numpy(),
        time_s=table["time_s"].to_numpy(),
        camera=strings(table["camera"]),
        has_pose=np.isfinite(pose_world[:, NEEDED_JOINTS]).all(axis=(1, 2)),
        subjects_train=meta.subjects_train,
        path=path,
        meta=meta,
        content_hash=description["content_hash"],
        pixel_hash=description.get("pixel_hash", ""),
        rows_per_subject=description["rows_per_subject"],
        clips=description.get("clips", {}),
        source_path=description.get("source_path", ""),
        box=vectors(table["box"]).reshape(-1, 3),
        pose_world=pose_world,
        has_mask=has_mask,
        _images=BinaryColumn(table["image"]),
        _masks=masks,
    )


def _read_description(path: Path) -> tuple[dict, StoreMeta]:
    """Content of ``store.json``, and the part of it that describes the data."""
    if not path.exists():
        raise StoreError(
            f"{path}: there is no store; make one with `mcss-data render --out {path}` or `mcss-data import`"
        )
    if not (path / STORE_FILE).exists():
        raise StoreError(f"{path}: not a store (it has no {STORE_FILE}); make one with `mcss-data render`")
    try:
        description = json.loads((path / STORE_FILE).read_text(encoding="utf-8"))
        version = description["schema_version"]
        if version in READABLE_VERSIONS:
            return description, _read_meta(description["meta"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path / STORE_FILE}: damaged ({error!r}); remove the store and make it again") from None
    raise StoreError(
        f"{path}: written in schema version {version}, this program reads {' and '.join(map(str, READABLE_VERSIONS))}; "
        "remove the store and make it again"
    )


def _map_table(path: Path, version: int, expected_rows: int) -> pa.Table:
    try:
        table = pa.ipc.open_stream(pa.memory_map(str(path / ARROW_FILE))).read_all()
    except (OSError, pa.ArrowInvalid) as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"{path / ARROW_FILE}: damaged ({reason}); remove the store and make it again") from None
    problem = None
    if table.schema != SCHEMAS[version]:
        problem = "the columns are not those of a store"
    elif len(table) != expected_rows:
        problem = f"{len(table)} rows, {expected_rows} were written"
    else:
        problem = next(
            (f"column {name} has an empty cell" for name in table.column_names if _has_gap(table, name)), None
        )
    if problem:
        raise StoreError(f"{path / ARROW_FILE}: damaged ({problem}); remove the store and make it again")
    return table


def _has_gap(table: pa.Table, name: str) -> bool:
    return name not in OPTIONAL and table[name].null_count > 0


def _read_meta(fields: dict) -> StoreMeta:
    tuples = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return StoreMeta(**{**fields, **tuples})
