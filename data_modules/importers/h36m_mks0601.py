"""Human3.6M in the layout of https://github.com/mks0601/3DMPPE_POSENET_RELEASE and its many descendants.

``annotations/Human36M_subject1_{data,camera,joint_3d}.json`` and ``images/s_01_act_02_subact_01_ca_01/...jpg``; world
poses in mm, Z up, already in the order of h36m17; cameras without lens distortion.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.importers import h36m_names
from data_modules.importers.layout import Clip, Instant, Layout, View
from data_modules.importers.poses import select_joints
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.skeleton import JOINTS

FOLDER = re.compile(r"s_(\d\d)_act_(0[2-9]|1[0-6])_subact_(\d\d)_ca_\d\d")
KINDS = ("data", "camera", "joint_3d")
"""Annotation files of a subject."""
NUMBERS = {name: number for number, name in h36m_names.ACTIONS.items()}


class H36mMks0601(Layout):
    """See the module."""

    name = "h36m-mks0601"
    data_set = h36m_names.H36M
    step, step_test = h36m_names.STEP, h36m_names.STEP_TEST

    def clips(self) -> list[Clip]:
        """Clips that have a folder of images."""
        folders = [FOLDER.fullmatch(path.name) for path in (self.source / "images").glob("s_*")]
        numbers = {tuple(map(int, match.groups())) for match in folders if match}
        if not numbers:
            raise InputError(
                f"{self.source / 'images'}: no folders such as s_01_act_02_subact_01_ca_01; unpack the images"
            )
        return [(f"S{s}", h36m_names.ACTIONS[action], subaction) for s, action, subaction in numbers]

    def shared(self, clip: Clip) -> dict[Path, str]:
        """The subject's annotations."""
        return {_annotation(self.source, clip[0], kind): "unpack annotations.zip there" for kind in KINDS}

    def files(self, clip: Clip) -> list[Path]:
        """The subject's annotations and the clip's four folders of images."""
        subject, action, subaction = clip
        name = f"s_{int(subject[1:]):02d}_act_{NUMBERS[action]:02d}_subact_{subaction:02d}_ca_"
        folders = [self.source / "images" / f"{name}{camera:02d}" for camera in range(1, 5)]
        return [*(_annotation(self.source, subject, kind) for kind in KINDS), *folders]

    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """All four."""
        return h36m_names.CAMERAS

    def fps(self, clip: Clip) -> float:
        """Of all videos."""
        return h36m_names.FPS

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of every frame that has joints."""
        subject, action, subaction = clip
        number = str(NUMBERS[action])
        path = self.annotation(clip)
        try:
            poses = _poses(path)[number][str(subaction)]
        except KeyError:
            raise InputError(f"{path}: has no poses of {action} {subaction}; unpack annotations.zip again") from None
        views = _views(_annotation(self.source, subject, "data"), self.source / "images").get(
            (int(number), subaction), {}
        )
        for frame in sorted(map(int, poses)):
            points = np.array(poses[str(frame)], dtype=np.float64).reshape(1, -1, 3)
            pose = select_joints(points, tuple(range(len(JOINTS))), len(JOINTS), f"{path}, {action} {subaction}")[0]
            chosen = tuple(view for view in views.get(frame, ()) if view.camera in cameras)
            yield Instant(frame, frame / h36m_names.FPS, chosen, pose)

    def annotation(self, clip: Clip) -> Path:
        """The subject's joints."""
        return _annotation(self.source, clip[0], "joint_3d")

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """Cameras of the subject; the size of the frame is not part of the layout and stays 0."""
        path = _annotation(self.source, clip[0], "camera")
        values = _parse(path)
        try:
            return {name: _camera(values[str(number)]) for number, name in enumerate(h36m_names.CAMERAS, start=1)}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: unreadable calibration ({error!r}); unpack annotations.zip again") from None


def _annotation(source: Path, subject: str, kind: str) -> Path:
    return source / "annotations" / f"Human36M_subject{subject[1:]}_{kind}.json"


def _parse(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path}: not whole ({error}); unpack annotations.zip again") from None


@lru_cache(maxsize=1)  # of the subject that a worker is at
def _poses(path: Path) -> dict[str, Any]:
    return _parse(path)


@lru_cache(maxsize=1)
def _views(path: Path, images: Path) -> dict[tuple[int, int], dict[int, list[View]]]:
    """Views of a subject by (action, subaction), then by frame."""
    data = _parse(path)
    views: dict[tuple[int, int], dict[int, list[View]]] = defaultdict(lambda: defaultdict(list))
    try:
        by_id = {image["id"]: image for image in data["images"]}
        for person in data["annotations"]:
            image = by_id[person["image_id"]]
            left, top, width, height = map(float, person["bbox"])
            view = View(
                camera=h36m_names.CAMERAS[image["cam_idx"] - 1],
                image=images / image["file_name"],
                box=(left, top, left + width, top + height),
            )
            views[image["action_idx"], image["subaction_idx"]][image["frame_idx"]].append(view)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path}: unreadable entry ({error!r}); unpack annotations.zip again") from None
    return views


def _camera(values: dict[str, Any]) -> Camera:
    rot, trans = np.array(values["R"], dtype=np.float64), np.array(values["t"], dtype=np.float64).reshape(3)
    (fx, fy), (cx, cy) = values["f"], values["c"]
    intrinsics = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    if rot.shape != (3, 3) or not np.allclose(rot @ rot.T, np.eye(3), atol=1e-3):
        raise ValueError("R is not a rotation")
    return Camera(rot, trans, intrinsics, np.zeros(5), (0, 0))
