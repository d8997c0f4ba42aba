"""A contact sheet: subjects x actions x views of a store on one picture, labels drawn on every second view."""

from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Int, UInt8
from matplotlib.figure import Figure

from data_modules.store import Store, open_store
from data_modules.store.pictures import crop_picture

Item = TypeVar("Item")

TILE_PX = 112


def write_contact_sheet(store_path: Path, image_path: Path, actions: int = 8, views: int = 2) -> None:
    """Write a picture of the store: a row a subject, ``views`` cameras of one instant of each of ``actions`` actions.

    Every second view shows the labels: the pose projected by the camera's calibration into the crop's box. The format
    follows the suffix of ``image_path``.

    Raises:
        StoreError: there is no store at ``store_path``, or it is damaged.
    """
    store = open_store(store_path)
    subjects = store.meta.subjects_train + store.meta.subjects_test
    names = _evenly(sorted(set(store.action.tolist())), actions)
    rows = []
    for number, subject in enumerate(subjects):
        tiles = []
        for action in names:
            instant = _instant_rows(store, subject, action, share=(number + 0.5) / len(subjects))
            chosen = _evenly(instant.tolist(), views) if len(instant) else []
            tiles += [
                crop_picture(store, row, TILE_PX, with_skeleton=bool(view % 2)) for view, row in enumerate(chosen)
            ]
            tiles += [np.full((TILE_PX, TILE_PX, 3), 255, dtype=np.uint8)] * (views - len(chosen))
        rows.append(np.concatenate(tiles, axis=1))
    _save(np.concatenate(rows), subjects, names, image_path)


def _evenly(items: list[Item], count: int) -> list[Item]:
    """Take at most ``count`` of ``items``, spread evenly."""
    chosen = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[index] for index in chosen]


def _instant_rows(store: Store, subject: str, action: str, share: float) -> Int[np.ndarray, " rows"]:
    """Rows of all views of one instant, ``share`` of the way through what the subject does of the action."""
    rows = np.flatnonzero((store.subject == subject) & (store.action == action))
    if not len(rows):
        return rows
    row = rows[int(share * len(rows))]
    same = (store.subaction[rows] == store.subaction[row]) & (store.frame[rows] == store.frame[row])
    return rows[same]


def _save(sheet: UInt8[np.ndarray, "_ _ 3"], subjects: tuple[str, ...], actions: list[str], path: Path) -> None:
    height, width = sheet.shape[:2]
    dpi = 100
    figure = Figure(figsize=((width + 60) / dpi, (height + 30) / dpi), dpi=dpi)
    axes = figure.add_axes((45 / (width + 60), 5 / (height + 30), width / (width + 60), height / (height + 30)))
    axes.imshow(sheet, interpolation="none", aspect="auto")
    group = width / len(actions)
    axes.set_xticks((np.arange(len(actions)) + 0.5) * group, actions)
    axes.set_yticks((np.arange(len(subjects)) + 0.5) * TILE_PX, subjects)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for edge in np.arange(1, len(actions)) * group - 0.5:
        axes.axvline(edge, color="white", linewidth=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, pil_kwargs={"quality": 85} if path.suffix.lower() in {".jpg", ".jpeg"} else None)
