"""Human3.6M in the layout of https://github.com/mks0601/3DMPPE_POSENET_RELEASE and its many descendants.

``annotations/Human36M_subject1_{data,camera,joint_3d}.json`` and ``images/s_01_act_02_subact_01_ca_01/...jpg``; world
poses in mm, Z up, already in the order of h36m17; cameras without lens distortion.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.sources.base import Clip, Instant, View
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m.labels import H36mLabels
from data_modules.sources.poses import select_joints
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.skeleton import JOINTS

FOLDER = re.compile(r"s_(\d\d)_act_(0[2-9]|1[0-6])_subact_(\d\d)_ca_\d\d")
KINDS = ("data", "camera", "joint_3d")
"""Annotation files of a subject."""
NUMBERS = {name: number for number, name in h36m_names.ACTIONS.items()}


class H36mMks0601(H36mLabels):
    """See the module."""

    name = "h36m-mks0601"
    images_name = "mks0601"
    step, step_test = h36m_names.STEP, h36m_names.STEP_TEST

    def clips(self) -> list[Clip]:
        """Clips that have a folder of images."""
        return image_clips(self.source)

    def shared(self, clip: Clip) -> dict[Path, str]:
        """The subject's annotations."""
        return self.label_shared(clip)

    def label_shared(self, clip: Clip) -> dict[Path, str]:
        """The same."""
        return {_annotation(self.source, clip[0], kind): "unpack annotations.zip there" for kind in KINDS}

    def files(self, clip: Clip) -> list[Path]:
        """The subject's annotations and the clip's four folders of images."""
        return [*self.label_files(clip), *(image_folder(self.source, clip, number) for number in range(1, 5))]

    def label_files(self, clip: Clip) -> list[Path]:
        """The subject's annotations."""
        return [_annotation(self.source, clip[0], kind) for kind in KINDS]

    @property
    def has_own_images(self) -> bool:
        """Whether there are folders of images."""
        return any(FOLDER.fullmatch(path.name) for path in (self.source / "images").glob("s_*"))

    def boxes_are_of_joints(self, clip: Clip) -> bool:
        """Always: the annotation's boxes were made of them."""
        return True

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of every frame that has joints."""
        return self.labelled(clip, cameras)

    def labelled(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """The same; images are not looked for."""
        subject, action, subaction = clip
        number, path = NUMBERS[action], self.annotation(clip)
        of_subject = _poses(path)
        try:
            poses = of_subject[str(number)][str(subaction)]
            frames = sorted(map(int, poses))
        except (KeyError, ValueError):
            raise InputError(f"{path}: has no poses of {action} {subaction}; unpack annotations.zip again") from None
        people = _people(_annotation(self.source, subject, "data"))
        people = people[(people["clip"] == (number, subaction)).all(axis=1)]
        for frame in frames:
            points = poses[str(frame)][None]
            pose = select_joints(points, tuple(range(len(JOINTS))), len(JOINTS), f"{path}, {action} {subaction}")[0]
            seen = people[slice(*np.searchsorted(people["frame"], (frame, frame + 1)))]
            views = (self._view(person) for person in seen)
            chosen = tuple(view for view in views if view.camera in cameras)
            yield Instant(frame, frame / h36m_names.FPS, chosen, pose)

    def _view(self, person: np.void) -> View:
        left, top, width, height = person["box"].tolist()
        image = self.source / "images" / person["image"].decode()
        return View(h36m_names.CAMERAS[person["camera"] - 1], image, (left, top, left + width, top + height))

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


def image_clips(source: Path) -> list[Clip]:
    """Clips that have a folder of images.

    Raises:
        InputError: there is none.
    """
    folders = [FOLDER.fullmatch(path.name) for path in (source / "images").glob("s_*")]
    numbers = {tuple(map(int, match.groups())) for match in folders if match}
    if not numbers:
        raise InputError(f"{source / 'images'}: no folders such as s_01_act_02_subact_01_ca_01; unpack the images")
    return [(f"S{s}", h36m_names.ACTIONS[action], subaction) for s, action, subaction in numbers]


def image_folder(source: Path, clip: Clip, camera: int) -> Path:
    """Folder of the images of a camera, counted from 1."""
    subject, action, subaction = clip
    name = f"s_{int(subject[1:]):02d}_act_{NUMBERS[action]:02d}_subact_{subaction:02d}_ca_{camera:02d}"
    return source / "images" / name


def _annotation(source: Path, subject: str, kind: str) -> Path:
    return source / "annotations" / f"Human36M_subject{subject[1:]}_{kind}.json"


def _parse(path: Path, hook: Callable[[dict], Any] | None = None) -> Any:
    """Content of a file; ``hook`` makes something smaller of its innermost objects while they are read."""
    try:
        return json.loads(path.read_text(), object_hook=hook)
    except KeyError as error:
        raise InputError(f"{path}: an entry has no {error}; unpack annotations.zip again") from None
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: not whole ({error}); unpack annotations.zip again") from None


@lru_cache(maxsize=1)  # of the subject that a worker is at
def _poses(path: Path) -> dict[str, Any]:
    """Arrays (joints, 3), mm, by action, subaction and frame."""
    return _parse(path, _with_arrays)


def _with_arrays(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: np.array(value, dtype=np.float32) if isinstance(value, list) else value for key, value in values.items()
    }


@lru_cache(maxsize=1)
def _people(path: Path) -> np.ndarray:
    """Row for each image of a person: clip (action, subaction), frame, camera from 1, box (x, y, w, h), image's name.

    By ascending frame; a plain array, because a subject has a quarter of a million.
    """
    data = _parse(path, _without_keys)
    try:
        images = dict(data["images"])
        rows = [(*images[image], box) for image, box in data["annotations"]]
        longest = max(len(row[0]) for row in rows)
        columns = [("image", f"S{longest}"), ("clip", "i4", 2), ("frame", "i4"), ("camera", "i4"), ("box", "f8", 4)]
        people = np.array(rows, dtype=columns)
        if not ((people["camera"] >= 1) & (people["camera"] <= len(h36m_names.CAMERAS))).all():
            raise ValueError("cam_idx is not 1 to 4")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: unreadable entry ({error!r}); unpack annotations.zip again") from None
    return people[np.argsort(people["frame"], kind="stable")]


def _without_keys(values: dict[str, Any]) -> Any:
    if "bbox" in values:
        return values["image_id"], tuple(map(float, values["bbox"]))
    if "file_name" in values:
        clip = values["action_idx"], values["subaction_idx"]
        return values["id"], (values["file_name"].encode(), clip, values["frame_idx"], values["cam_idx"])
    return values


def _camera(values: dict[str, Any]) -> Camera:
    rot, trans = np.array(values["R"], dtype=np.float64), np.array(values["t"], dtype=np.float64).reshape(3)
    (fx, fy), (cx, cy) = values["f"], values["c"]
    intrinsics = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    if rot.shape != (3, 3) or not np.allclose(rot @ rot.T, np.eye(3), atol=1e-3):
        raise ValueError("R is not a rotation")
    return Camera(rot, trans, intrinsics, np.zeros(5), (0, 0))
