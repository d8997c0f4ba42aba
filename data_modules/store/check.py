"""Whether a store keeps its promises, and what is in it."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import simplejpeg
import torch
from jaxtyping import Bool, Int64

from data_modules.store import Store, StoreError, open_store
from data_modules.store.format import ContentHash, PixelHash, neighbour_problems, row_problems
from data_modules.store.masks import decode_mask
from mcss.geometry.canonical import to_canonical, to_root
from mcss.metrics.functional import mpjpe
from mcss.skeleton import joint_indices

SHOWN_PER_COLUMN = 5
"""One broken column breaks in many rows; the first ones tell the story."""


def check_store(path: Path) -> list[str]:
    """Promises that the store at ``path`` breaks, a line each; every JPEG is decoded.

    A line names the row, the column and the reason. An intact store gives an empty list.
    """
    try:
        store = open_store(path)
    except StoreError as error:
        return [str(error)]
    found: defaultdict[str, list[str]] = defaultdict(list)
    content_hash, pixel_hash = ContentHash(store.meta.config), PixelHash()
    previous = None
    for number in range(len(store)):
        row = store.row(number)
        problems = list(row_problems(row, store.meta))
        if previous is not None:
            problems += neighbour_problems(previous, row)
        if not any(column == "image" for column, _ in problems):
            problems += [("image", reason) for reason in _decoding_problems(row["image"])]
        if row.get("mask") is not None and not any(column == "mask" for column, _ in problems):
            problems += [("mask", reason) for reason in _mask_problems(row["mask"], store.meta.crop_size_px)]
        for column, reason in problems:
            found[column].append(f"{path}: row {number}, {column}: {reason}")
        content_hash.update(row)
        pixel_hash.update(row)
        previous = row
    lines = _shorten(path, found)
    if content_hash.hexdigest() != store.content_hash:
        lines.append(f"{path}: the content is not what was written: its hash differs from store.json's")
    if store.pixel_hash and pixel_hash.hexdigest() != store.pixel_hash:
        lines.append(f"{path}: boxes, images or masks are not what was written: their hash differs from store.json's")
    counted = Counter(store.subject.tolist())
    lines += [
        f"{path}: store.json states {rows} rows of {subject}, there are {counted[subject]}"
        for subject, rows in store.rows_per_subject.items()
        if rows != counted[subject]
    ]
    return lines


def _decoding_problems(image: bytes | memoryview) -> list[str]:
    try:
        simplejpeg.decode_jpeg(image)
    except ValueError as error:
        return [f"cannot be decoded: {error}"]
    return []


def _mask_problems(mask: bytes | memoryview | None, size_px: int) -> list[str]:
    try:
        decode_mask(mask or b"", size_px)
    except ValueError as error:
        return [f"cannot be decoded: {error}"]
    return []


def _shorten(path: Path, found: dict[str, list[str]]) -> list[str]:
    lines = []
    for column, problems in found.items():
        lines += problems[:SHOWN_PER_COLUMN]
        if len(problems) > SHOWN_PER_COLUMN:
            lines.append(f"{path}: and {len(problems) - SHOWN_PER_COLUMN} more problems in column {column}")
    return lines


def store_statistics(path: Path) -> dict:
    """Summary of a store, its data card: JSON values only.

    ``spacing_s`` is the time between neighbouring instants of a clip, in seconds. ``mean_pose_mpjpe_mm`` is the error
    on the test subjects of always predicting the mean training pose, canonical frame, averaged over instants, by joint
    set; null without poses on both sides.

    Raises:
        StoreError: the store cannot be opened.
    """
    store = open_store(path)
    first = _first_rows(store)
    same_clip = np.diff(store.clip[first]) == 0
    spacing_s = np.diff(store.time_s[first])[same_clip]
    views = np.bincount(store.instant)
    return {
        "name": store.meta.name,
        "content_hash": store.content_hash,
        "pixel_hash": store.pixel_hash,
        "source": store.meta.source,
        "licence": store.meta.licence,
        "images": len(store),
        "crop_size_px": store.meta.crop_size_px,
        "cameras": list(store.meta.cameras),
        "actions": np.unique(store.action).tolist(),
        "joint_set": store.meta.joint_set,
        "fps": store.meta.fps,
        "spacing_s": _summary(spacing_s),
        "views_per_instant": _summary(views),
        "subjects": {subject: _subject_card(store, subject) for subject in np.unique(store.subject).tolist()},
        "excluded": list(store.meta.excluded),
        "mean_pose_mpjpe_mm": _mean_pose_mpjpe(store, first[store.has_pose[first]]),
    }


def _first_rows(store: Store) -> Int64[np.ndarray, " instants"]:
    """First row of every instant."""
    return np.unique(store.instant, return_index=True)[1]


def _subject_card(store: Store, subject: str) -> dict:
    rows = store.subject == subject
    return {
        "split": "train" if subject in store.meta.subjects_train else "test",
        "clips": _count(store.clip, rows),
        "instants": _count(store.instant, rows),
        "images": int(rows.sum()),
        "instants_with_pose": _count(store.instant, rows & store.has_pose),
    }


def _count(numbers: Int64[np.ndarray, " rows"], rows: Bool[np.ndarray, " rows"]) -> int:
    return len(np.unique(numbers[rows]))


def _summary(values: np.ndarray) -> dict | None:
    if not len(values):
        return None
    return {"min": values.min().item(), "median": float(np.median(values)), "max": values.max().item()}


def _mean_pose_mpjpe(store: Store, labelled: Int64[np.ndarray, " labelled"]) -> dict | None:
    pose_canonical, _ = to_canonical(to_root(torch.from_numpy(store.pose_world[labelled]).double()))
    is_train = torch.from_numpy(np.isin(store.subject[labelled], store.meta.subjects_train))
    train, test = pose_canonical[is_train], pose_canonical[~is_train]
    if not len(train) or not len(test):
        return None
    mean_pose = train.mean(dim=0).expand_as(test)
    sets = {name: list(joint_indices(name)) for name in ("h36m16", "h36m17")}
    return {name: mpjpe(mean_pose[:, joints], test[:, joints]).mean().item() for name, joints in sets.items()}
