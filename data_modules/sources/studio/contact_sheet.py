"""A contact sheet: subjects x actions x views of a store on one picture, labels drawn on every second view."""

from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import simplejpeg
from jaxtyping import Float, Int, UInt8
from matplotlib.figure import Figure

from data_modules.store import Store, open_store
from mcss.geometry.camera import Camera
from mcss.skeleton import BONES, JOINTS

Item = TypeVar("Item")

TILE_PX = 112
LEFT_COLOR, MIDDLE_COLOR, RIGHT_COLOR = (60, 160, 255), (255, 255, 255), (255, 90, 60)
"""RGB of the bones by the side of the body they belong to."""


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
            tiles += [_tile(store, row, with_labels=bool(view % 2)) for view, row in enumerate(chosen)]
            tiles += [np.full((TILE_PX, TILE_PX, 3), 255, dtype=np.uint8)] * (views - len(chosen))
        rows.append(np.concatenate(tiles, axis=1))
    _save(np.concatenate(rows), subjects, names, image_path)


def project_to_crop(
    camera: Camera, pose_world_mm: Float[np.ndarray, "17 3"], box: Float[np.ndarray, " 3"], size_px: int
) -> Float[np.ndarray, "17 2"]:
    """Project joints into a crop of ``box`` that is ``size_px`` wide; pixels of the crop."""
    return (camera.project(pose_world_mm) - box[:2]) * size_px / box[2]


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


def _tile(store: Store, row: int, with_labels: bool) -> UInt8[np.ndarray, "_ _ 3"]:
    crop = simplejpeg.decode_jpeg(store.jpeg(row), colorspace="RGB")
    tile = cv2.resize(crop, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
    cameras, name = store.meta.calibration, str(store.camera[row])
    calibration = cameras.get(f"{store.subject[row]}/{name}", cameras.get(name))
    if with_labels and calibration is not None and store.has_pose[row]:
        pose = store.pose_world[row].astype(np.float64)
        _draw_skeleton(tile, project_to_crop(Camera.from_dict(calibration), pose, store.box[row], TILE_PX))
    return tile


def _draw_skeleton(image: UInt8[np.ndarray, "_ _ 3"], joints_px: Float[np.ndarray, "17 2"]) -> None:
    """Draw the bones onto ``image``, in place."""
    fraction_bits = 3
    points = np.round((joints_px - 0.5) * 2**fraction_bits).astype(int).tolist()
    colors = {"L": LEFT_COLOR, "R": RIGHT_COLOR}
    for parent, joint in BONES:
        color = colors.get(JOINTS[joint][0], MIDDLE_COLOR)
        cv2.line(image, points[parent], points[joint], color, 1, cv2.LINE_AA, fraction_bits)


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
