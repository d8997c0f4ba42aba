"""Human3.6M as mmpose's converter leaves it (https://github.com/open-mmlab/mmpose, preprocess_h36m.py).

``annotation_body3d/fps10/h36m_{train,test}.npz``, ``annotation_body3d/cameras.pkl`` and ``images/``, with the
``metadata.xml`` that the converter was given: image names carry the name of the video, not the subaction. In
``cameras.pkl`` R goes from camera to world and T is the camera's centre in metres.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_modules.sources.base import Clip, Instant, Remark
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m.labels import H36mLabels
from data_modules.sources.h36m.metadata import METADATA_FILE, read_metadata
from data_modules.sources.mmpose_annotation import (
    RUN_AGAIN,
    Annotation,
    Take,
    intrinsics,
    read_annotation,
    read_cameras,
)
from data_modules.sources.poses import MM_PER_M
from mcss.errors import InputError
from mcss.geometry.camera import Camera
from mcss.skeleton import JOINTS

IMAGES = r"(?P<subject>S\d+)/.+/(?P=subject)_(?P<take>.+)\.(?P<camera>\d{8})_(?P<frame>\d+)\.jpg"


class H36mMmpose(H36mLabels):
    """See the module."""

    name = "h36m-mmpose"
    images_name = "mmpose"
    step, step_test = h36m_names.STEP, h36m_names.STEP_TEST

    def clips(self) -> list[Clip]:
        """Clips of all images."""
        file_names = read_metadata(self._table).file_names
        clips = {(clip[0], name.replace(" ", "_")): clip for clip, name in file_names.items()}
        takes = [take for annotation in self._annotations() for take in annotation.rows]
        if unknown := sorted(set(takes) - set(clips)):
            raise InputError(
                f"{self._table}: has no file {' '.join(unknown[0])}, which images are named after; "
                "take the one that the converter was given"
            )
        return [clips[take] for take in takes]

    def shared(self, clip: Clip) -> dict[Path, str]:
        """The cameras, and the folder of all images."""
        return self.label_shared(clip) | {self.source / "images": RUN_AGAIN}

    def label_shared(self, clip: Clip) -> dict[Path, str]:
        """The cameras."""
        return {self._cameras_file: RUN_AGAIN}

    def files(self, clip: Clip) -> list[Path]:
        """The annotation, the table of names, the cameras, and the four folders of images."""
        subject, take = self._take(clip)
        names = [f"{subject}_{take}.{camera}" for camera in h36m_names.CAMERAS]
        folders = [self.source / "images" / subject / name for name in names]
        return [*self.label_files(clip), *folders]

    def label_files(self, clip: Clip) -> list[Path]:
        """The annotation, the table of names, and the cameras."""
        return [self.annotation(clip), self._table, self._cameras_file]

    def knows(self, clip: Clip) -> bool:
        """Whether the annotation has ``clip``."""
        return any(self._take(clip) in annotation.rows for annotation in self._annotations())

    @property
    def has_own_images(self) -> bool:
        """Whether there are folders named after videos."""
        return any((self.source / "images").glob("S*/S*_*.*"))

    def annotation(self, clip: Clip) -> Path:
        """The npz file with the clip."""
        return self._annotation(clip).path

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """Poses without an image."""
        return self._annotation(clip).remarks(self._take(clip), cameras)

    def boxes_are_of_joints(self, clip: Clip) -> bool:
        """Always: the converter makes its boxes of them."""
        return True

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of all frames of the clip."""
        return self.labelled(clip, cameras)

    def labelled(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """The same; images are not looked for."""
        seen_by = {name: camera for name, camera in self._cameras(clip).items() if name in cameras}
        joints = tuple(range(len(JOINTS)))
        return self._annotation(clip).instants(
            self._take(clip), self.source / "images", seen_by, joints, h36m_names.FPS
        )

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """Cameras as they stood for the subject."""
        return self._cameras(clip)

    def _annotations(self) -> list[Annotation]:
        folder = self.source / "annotation_body3d"
        for rate in ("fps10", "fps50"):
            if found := sorted((folder / rate).glob("h36m_t*.npz")):
                return [read_annotation(path, IMAGES) for path in found]
        raise InputError(f"{folder}: no fps10/h36m_train.npz or h36m_test.npz; {RUN_AGAIN}")

    def _annotation(self, clip: Clip) -> Annotation:
        return next(annotation for annotation in self._annotations() if self._take(clip) in annotation.rows)

    def _take(self, clip: Clip) -> Take:
        return clip[0], read_metadata(self._table).file_names[clip].replace(" ", "_")

    def _cameras(self, clip: Clip) -> dict[str, Camera]:
        values = read_cameras(self._cameras_file)
        try:
            return {name: _camera(values[clip[0], name]) for name in h36m_names.CAMERAS}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self._cameras_file}: unreadable calibration ({error!r}); {RUN_AGAIN}") from None

    @property
    def _table(self) -> Path:
        return self.source / METADATA_FILE

    @property
    def _cameras_file(self) -> Path:
        return self.source / "annotation_body3d/cameras.pkl"


def _camera(values: dict) -> Camera:
    rot = np.asarray(values["R"], dtype=np.float64).T
    center_mm = np.asarray(values["T"], dtype=np.float64).ravel() * MM_PER_M
    (k1, k2, k3), (p1, p2) = (np.asarray(values[key], dtype=np.float64).ravel() for key in ("k", "p"))
    return Camera(rot, -rot @ center_mm, intrinsics(values), np.array([k1, k2, p1, p2, k3]), (0, 0))
