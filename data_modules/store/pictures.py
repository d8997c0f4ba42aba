"""Pictures of a store's rows: crops with the projected skeleton, and skeletons seen from two sides."""

from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from data_modules.crop import resize
from data_modules.store.reader import Store
from mcss.geometry.camera import Camera
from mcss.geometry.canonical import to_canonical, to_root
from mcss.skeleton import BONES, JOINTS

LEFT_COLOR, MIDDLE_COLOR, RIGHT_COLOR = (60, 160, 255), (255, 255, 255), (255, 90, 60)
"""RGB of the bones by the side of the body that they belong to."""
BACKGROUND = 45
SEEN_MM = 2200.0
"""Height and width of what the picture of a skeleton shows."""
FRACTION_BITS = 3
FRAMES_FOLDER = "frames"
"""Folder of a store with small pictures of whole frames, the crop's square drawn in."""


def calibration(store: Store, row: int) -> Camera | None:
    """Camera of a row, where the store knows it."""
    cameras, name = store.meta.calibration, str(store.camera[row])
    values = cameras.get(f"{store.subject[row]}/{name}", cameras.get(name))
    return None if values is None else Camera.from_dict(values)


def project_to_crop(
    camera: Camera, pose_world_mm: Float[np.ndarray, "17 3"], box: Float[np.ndarray, " 3"], size_px: int
) -> Float[np.ndarray, "17 2"]:
    """Project joints into a crop of ``box`` that is ``size_px`` wide; pixels of the crop."""
    return (camera.project(pose_world_mm) - box[:2]) * size_px / box[2]


def crop_picture(store: Store, row: int, size_px: int, with_skeleton: bool) -> UInt8[np.ndarray, "size_px size_px 3"]:
    """Crop of a row; with the pose drawn in where pose and calibration are known."""
    images = store.decode(np.array([row]), store.meta.crop_size_px)
    picture = np.ascontiguousarray(resize(images[0], size_px))
    camera = calibration(store, row)
    if with_skeleton and camera is not None and store.has_pose[row]:
        joints_px = project_to_crop(camera, store.pose_world[row].astype(np.float64), store.box[row], size_px)
        draw_skeleton(picture, joints_px)
    return picture


def skeleton_pictures(
    pose_world: Float[np.ndarray, "17 3"], size_px: int
) -> tuple[UInt8[np.ndarray, "size_px size_px 3"], UInt8[np.ndarray, "size_px size_px 3"]]:
    """The pose as seen by somebody who faces the person, and from the person's left; up is the world's Z."""
    pose_canonical, _ = to_canonical(to_root(torch.from_numpy(pose_world[None].astype(np.float64))))
    pictures = []
    for across in (pose_canonical[0, :, 0], pose_canonical[0, :, 1]):
        picture = np.full((size_px, size_px, 3), BACKGROUND, dtype=np.uint8)
        points = torch.stack([across, -pose_canonical[0, :, 2]], dim=1).numpy() * size_px / SEEN_MM + size_px / 2
        draw_skeleton(picture, points)
        pictures.append(picture)
    return pictures[0], pictures[1]


def draw_skeleton(image: UInt8[np.ndarray, "_ _ 3"], joints_px: Float[np.ndarray, "17 2"]) -> None:
    """Draw the bones onto ``image``, in place; none to a joint that is not known (NaN)."""
    is_known = np.isfinite(joints_px).all(axis=1)
    points = np.round((np.nan_to_num(joints_px) - 0.5) * 2**FRACTION_BITS).clip(-(2**20), 2**20).astype(int).tolist()
    colors = {"L": LEFT_COLOR, "R": RIGHT_COLOR}
    for parent, joint in BONES:
        if is_known[parent] and is_known[joint]:
            color = colors.get(JOINTS[joint][0], MIDDLE_COLOR)
            cv2.line(image, points[parent], points[joint], color, 1, cv2.LINE_AA, FRACTION_BITS)


def frame_path(store_path: Path, clip_name: str, frame: int, camera: str) -> Path:
    """Small picture of a whole frame in a store."""
    return store_path / FRAMES_FOLDER / clip_name / f"{frame}_{camera}.jpg"
