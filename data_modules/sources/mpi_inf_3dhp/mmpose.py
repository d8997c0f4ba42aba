"""MPI-INF-3DHP as mmpose's converter leaves it (https://github.com/open-mmlab/mmpose, preprocess_mpi_inf_3dhp.py).

``annotations/mpi_inf_3dhp_train.npz``, ``annotations/cameras_train.pkl`` and ``images/S1_Seq1_Cam0_000001.jpg``. In
``cameras_train.pkl`` R and T go from world to camera, the other way round than in its file of Human3.6M, in metres; the
world has Y up.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_modules.sources.base import Clip, Instant, Remark, Source
from data_modules.sources.mmpose_annotation import RUN_AGAIN, Annotation, intrinsics, read_annotation, read_cameras
from data_modules.sources.mpi_inf_3dhp.raw import CHEST_CAMERAS, FRAMES_FPS, MPI_INF_3DHP
from data_modules.sources.poses import MM_PER_M, Y_UP_TO_Z_UP
from mcss.errors import InputError
from mcss.geometry.camera import Camera

IMAGES = r"(?P<subject>S\d)_(?P<take>Seq\d)_Cam(?P<camera>\d+)_(?P<frame>\d+)\.jpg"
OF_17_RELEVANT = (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
"""h36m17 among head_top, neck, right arm, left arm, right leg, left leg (from the trunk on), pelvis, spine, head."""


class MpiInf3dhpMmpose(Source):
    """See the module."""

    name = "mpi-inf-3dhp-mmpose"
    data_set = MPI_INF_3DHP
    step, step_test = 5, 5

    def clips(self) -> list[Clip]:
        """Sequences of all images."""
        return [(subject, take, 1) for subject, take in self._annotation().rows]

    def shared(self, clip: Clip) -> dict[Path, str]:
        """All of the files."""
        return dict.fromkeys(self.files(clip), RUN_AGAIN)

    def files(self, clip: Clip) -> list[Path]:
        """The annotation, the cameras, and the one folder of all images."""
        return [self.annotation(clip), self._cameras_file, self.source / "images"]

    def file_prefix(self, clip: Clip) -> str:
        """All clips share one folder of images."""
        return f"{clip[0]}_{clip[1]}_"

    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """Those at chest height."""
        return CHEST_CAMERAS

    def fps(self, clip: Clip) -> float:
        """25 or 50, by sequence."""
        return float(FRAMES_FPS[f"{clip[0]}/{clip[1]}"][1])

    def annotation(self, clip: Clip) -> Path:
        """The npz file."""
        return self.source / "annotations/mpi_inf_3dhp_train.npz"

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """Poses without an image, as of camera 2 of S6/Seq2."""
        return self._annotation().remarks((clip[0], clip[1]), cameras)

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of all frames of the sequence."""
        seen_by = {name: camera for name, camera in self.calibration(clip).items() if name in cameras}
        images = self.source / "images"
        return self._annotation().instants((clip[0], clip[1]), images, seen_by, OF_17_RELEVANT, self.fps(clip))

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """All cameras of the sequence."""
        values = read_cameras(self._cameras_file)
        prefix = f"{clip[0]}_{clip[1]}_Cam"
        try:
            cameras = {
                key.removeprefix(prefix): _camera(camera) for key, camera in values.items() if key.startswith(prefix)
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{self._cameras_file}: unreadable calibration ({error!r}); {RUN_AGAIN}") from None
        if not cameras:
            raise InputError(f"{self._cameras_file}: has no camera {prefix}0, ...; {RUN_AGAIN}")
        return cameras

    @property
    def _cameras_file(self) -> Path:
        return self.source / "annotations/cameras_train.pkl"

    def _annotation(self) -> Annotation:
        return read_annotation(self.source / "annotations/mpi_inf_3dhp_train.npz", IMAGES)


def _camera(values: dict) -> Camera:
    rot = np.asarray(values["R"], dtype=np.float64) @ Y_UP_TO_Z_UP.T
    trans_mm = np.asarray(values["T"], dtype=np.float64).ravel() * MM_PER_M
    return Camera(rot, trans_mm, intrinsics(values), np.zeros(5), (0, 0))
