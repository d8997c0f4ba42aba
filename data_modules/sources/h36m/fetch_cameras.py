"""What ``annot.h5`` of h36m-fetch says, and the cameras that it implies where the world poses are known.

``annot.h5`` has each pose as a camera sees it and the camera's focal length and centre. Where the official
``D3_Positions`` of the subject are there, the camera is the one rigid motion that takes a clip's world poses to these.
The clip's file is found by this, too: its name does not tell the subaction.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64
from scipy.spatial.transform import Rotation

from data_modules.sources.h5_files import numbers, open_h5
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m.original import read_cdf_poses
from data_modules.sources.poses import select_joints
from mcss.errors import InputError
from mcss.geometry.camera import Camera

FILE_STEMS = {"TakingPhoto": "(?:Taking)?Photo", "WalkingDog": "Walk(?:ing)?Dog", "WalkingTogether": "WalkTogether"}
"""Official actions whose files are called otherwise for some subjects."""
FIT_MM = 1.0
"""A camera takes the right world poses to those that it sees with a smaller error; both are rounded to less."""


@dataclass(frozen=True, eq=False)
class Annotation:
    """A row for each image, the cameras one after the other."""

    serials: Int64[np.ndarray, " rows"]
    frames: Int64[np.ndarray, " rows"]
    """Counted from 1."""
    poses_cam: Float64[np.ndarray, "rows 17 3"]
    """In the frame of the row's camera, mm, joint set h36m17."""
    intrinsics: dict[str, Float64[np.ndarray, " 4"]]
    """Focal length x, centre x, focal length y, centre y of each camera, pixels."""


def read_annotation(path: Path) -> Annotation:
    """Read ``annot.h5``.

    Raises:
        InputError: the file is missing or damaged, or has another number of joints.
    """
    with open_h5(path, "run h36m-fetch's process_all again") as file:
        serials, frames = (numbers(file, key).astype(np.int64).ravel() for key in ("camera", "frame"))
        points = numbers(file, "pose/3d").astype(np.float64)
        cameras = [f"intrinsics/{name}" for name in file.get("intrinsics", {})]
        intrinsics = {name.partition("/")[2]: numbers(file, name).astype(np.float64).ravel() for name in cameras}
    return Annotation(serials, frames, select_joints(points, h36m_names.OF_32_JOINTS, 32, str(path)), intrinsics)


@lru_cache(maxsize=1)
def fit_cameras(annotation_path: Path, world_poses: Path, action: str) -> dict[str, Camera]:
    """Cameras of a clip by name, from its annotation and the folder of the subject's world poses; Z up, mm.

    Raises:
        InputError: a file cannot be read, lacks the cameras' numbers, or no file has the world poses of the clip.
    """
    annotation = read_annotation(annotation_path)
    if missing := [name for name in h36m_names.CAMERAS if annotation.intrinsics.get(name, np.empty(0)).shape != (4,)]:
        raise InputError(f"{annotation_path}: no intrinsics/{missing[0]}; run h36m-fetch's process_all again")
    file_name = re.compile(rf"{FILE_STEMS.get(action, action)}(?: \d+)?\.cdf")
    for path in sorted(path for path in world_poses.glob("*.cdf") if file_name.fullmatch(path.name)):
        poses_world = read_cdf_poses(path)
        if len(poses_world) >= annotation.frames.max(initial=0):
            seen_by = [name for name in h36m_names.CAMERAS if int(name) in annotation.serials]
            fits = {name: _fit(annotation, poses_world, name) for name in seen_by}
            if all(error_mm < FIT_MM for _, error_mm in fits.values()):
                return {name: camera for name, (camera, _) in fits.items()}
    raise InputError(
        f"{world_poses}: no file of {action} has the poses of {annotation_path}; unpack the poses' archive again"
    )


def _fit(annotation: Annotation, poses_world: Float64[np.ndarray, "frames 17 3"], name: str) -> tuple[Camera, float]:
    """Camera ``name``, and the error of its fit: root mean square of the points' distances, mm."""
    rows = np.flatnonzero(annotation.serials == int(name))
    points_cam = annotation.poses_cam[rows].reshape(-1, 3)
    points_world = poses_world[annotation.frames[rows] - 1].reshape(-1, 3)
    middle_cam, middle_world = points_cam.mean(axis=0), points_world.mean(axis=0)
    rotation, distance = Rotation.align_vectors(points_cam - middle_cam, points_world - middle_world)
    rot_world_to_cam = rotation.as_matrix()
    fx, cx, fy, cy = annotation.intrinsics[name]
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    trans_mm = middle_cam - rot_world_to_cam @ middle_world
    return Camera(rot_world_to_cam, trans_mm, matrix, np.zeros(5), (0, 0)), distance / np.sqrt(len(points_cam))
