"""MPI-INF-3DHP's training subjects as delivered (Mehta et al., 3DV 2017; http://gvv.mpi-inf.mpg.de/3dhp-dataset).

``S1/Seq1/annot.mat`` (MATLAB v5; poses in each camera's frame, mm), ``camera.calibration`` (world to camera, mm, Y up)
and ``imageSequence/video_0.avi``, or, where no video is there, ``imageFrames/video_0/frame_000001.jpg``
(``recordings``). Poses are ``annot3``, never ``univ_annot3``, which is scaled to one height. S7 and S8 are for the
test; the data set's own test set, which has one view an instant, is another layout (``test_set``).
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from data_modules.sources.base import Clip, DataSet, Instant, Remark, Source, View
from data_modules.sources.mpi_inf_3dhp.mat_cells import read_mat_cells
from data_modules.sources.mpi_inf_3dhp.recordings import (
    Recording,
    read_recordings,
    recording_path,
    recordings_folder,
)
from data_modules.sources.poses import Y_UP_TO_Z_UP, select_joints
from data_modules.sources.video_lengths import short_recordings
from mcss.errors import InputError
from mcss.geometry.camera import Camera

MPI_INF_3DHP = DataSet(
    name="mpi-inf-3dhp",
    subjects_test=("S7", "S8"),
    source="MPI-INF-3DHP, http://gvv.mpi-inf.mpg.de/3dhp-dataset; poses annot3",
    licence="MPI-INF-3DHP licence: research use only, not to be passed on",
    subjects=tuple(f"S{number}" for number in range(1, 9)),
    clips_per_subject=2,
)
CHEST_CAMERAS = ("0", "2", "4", "7", "8")
"""The five at chest height (``mm3d_chest`` of the data set's mpii_get_camera_set.m), which the paper trains on."""
FRAMES_FPS = {
    "S1/Seq1": (6416, 25), "S1/Seq2": (12430, 50), "S2/Seq1": (6502, 25), "S2/Seq2": (6081, 25),
    "S3/Seq1": (12488, 50), "S3/Seq2": (12283, 50), "S4/Seq1": (6171, 25), "S4/Seq2": (6675, 25),
    "S5/Seq1": (12820, 50), "S5/Seq2": (12312, 50), "S6/Seq1": (6188, 25), "S6/Seq2": (6145, 25),
    "S7/Seq1": (6239, 25), "S7/Seq2": (6320, 25), "S8/Seq1": (6468, 25), "S8/Seq2": (6054, 25),
}  # fmt: skip
"""Annotated frames and frame rate of each sequence (the data set's mpii_get_sequence_info.m)."""
OF_28_JOINTS = (4, 23, 24, 25, 18, 19, 20, 3, 5, 6, 7, 9, 10, 11, 14, 15, 16)
"""Pelvis, r_hip, r_knee, r_ankle, l_hip, l_knee, l_ankle, spine, neck, head, head_top, l_shoulder, ..., r_wrist."""
SHORTER_BY = 2
"""A recording may lack this many of the annotated frames; more is a fault."""
KNOWN_SHORT = {"S6/Seq2": ("2",)}
"""Cameras whose video ends early in every copy of the data set: a line says so, and no import stops there."""


class MpiInf3dhp(Source):
    """See the module."""

    name = "mpi-inf-3dhp"
    not_read = ("S*/Seq*/*",)
    data_set = MPI_INF_3DHP
    step, step_test = 5, 5

    def clips(self) -> list[Clip]:
        """Sequences whose folders are there."""
        there = [name for name in FRAMES_FPS if (self.source / name).is_dir()]
        if not there:
            raise InputError(f"{self.source}: no S1/Seq1, ... in it; download the training subjects there")
        return [(*name.split("/"), 1) for name in there]  # type: ignore[misc]

    def shared(self, clip: Clip) -> dict[Path, str]:
        """What the sequence's download consists of."""
        folder = self.annotation(clip).parent
        paths = (folder / "annot.mat", folder / "camera.calibration", recordings_folder(folder))
        return dict.fromkeys(paths, f"download {clip[0]}/{clip[1]} again")

    def files(self, clip: Clip) -> list[Path]:
        """Poses, cameras, and the videos or images of the default cameras."""
        folder = self.annotation(clip).parent
        recordings = [recording_path(folder, camera) for camera in CHEST_CAMERAS]
        return [folder / "annot.mat", folder / "camera.calibration", *recordings]

    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """Those at chest height."""
        return CHEST_CAMERAS

    def fps(self, clip: Clip) -> float:
        """25 or 50, by sequence."""
        return float(FRAMES_FPS[f"{clip[0]}/{clip[1]}"][1])

    def annotation(self, clip: Clip) -> Path:
        """The clip's poses."""
        return self.source / clip[0] / clip[1] / "annot.mat"

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of the annotated frames, up to the end of the shortest recording."""
        poses = self._poses(clip, cameras[0])
        recordings = self._recordings(clip, cameras)
        end = min(len(poses), *map(_length, recordings.values()))
        for frame in sorted(set().union(*recordings.values())):
            if frame < end:
                views = tuple(View(camera, own[frame]) for camera, own in recordings.items() if frame in own)
                yield Instant(frame, frame / self.fps(clip), views, poses[frame])

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """Recordings that end before the poses do, as the video of camera 2 of S6/Seq2 does."""
        folder = self.annotation(clip).parent
        counts = {
            recording_path(folder, camera): _length(own) for camera, own in self._recordings(clip, cameras).items()
        }
        poses = len(self._poses(clip, cameras[0]))
        remedy = "download vnect_cameras.zip again if the data set has more"
        known = {recording_path(folder, camera) for camera in KNOWN_SHORT.get(f"{clip[0]}/{clip[1]}", ())}
        return short_recordings(counts, poses, SHORTER_BY, remedy, known)

    def _poses(self, clip: Clip, camera: str) -> Float64[np.ndarray, "frames 17 3"]:
        """World poses of the annotated frames."""
        poses = read_world_poses(self.annotation(clip), self.calibration(clip), camera)
        return poses[: FRAMES_FPS[f"{clip[0]}/{clip[1]}"][0]]

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """All cameras of the sequence."""
        return read_calibration(self.annotation(clip).with_name("camera.calibration"))

    def _recordings(self, clip: Clip, cameras: tuple[str, ...]) -> dict[str, Recording]:
        return read_recordings(self.annotation(clip).parent, cameras)


def _length(recording: Recording) -> int:
    return max(recording) + 1


def read_calibration(path: Path) -> dict[str, Camera]:
    """Read a "Skeletool Camera Calibration File V1.0"; the cameras' world is turned to Z up.

    Raises:
        InputError: the file is unreadable, or a camera has lens distortion, which no camera of the data set has.
    """
    cameras, name, size, matrix = {}, "", (0, 0), np.eye(4)
    try:
        for line in path.read_text().splitlines()[1:]:
            key, *words = line.split() or [""]
            if key == "name":
                name = words[0]
            elif key == "size":
                size = (int(words[0]), int(words[1]))
            elif key == "intrinsic":
                matrix = np.array(words, dtype=np.float64).reshape(4, 4)
            elif key == "extrinsic":
                world_to_cam = np.array(words, dtype=np.float64).reshape(4, 4)
                rot = world_to_cam[:3, :3] @ Y_UP_TO_Z_UP.T
                if not np.allclose(rot @ rot.T, np.eye(3), atol=1e-3):
                    raise ValueError(f"the extrinsic matrix of camera {name} is no rotation")
                cameras[name] = Camera(rot, world_to_cam[:3, 3], matrix[:3, :3], np.zeros(5), size)
            elif key == "radial" and any(float(word) for word in words):
                raise ValueError(f"camera {name} has lens distortion")
        if not cameras:
            raise ValueError("no camera in it")
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path}: unreadable calibration ({error}); download it again") from None
    return cameras


def read_world_poses(path: Path, cameras: dict[str, Camera], camera: str) -> Float64[np.ndarray, "frames 17 3"]:
    """World poses, mm, Z up, from the poses in the frame of one camera in ``annot.mat``.

    Raises:
        InputError: the file is damaged or has another number of joints, or the camera is unknown.
    """
    if camera not in cameras:
        raise InputError(f"{path}: there is no camera {camera}; there are {', '.join(cameras)}")
    try:
        points = read_mat_cells(path, "annot3")[int(camera)]
        points = points.reshape(len(points), -1, 3)
    except (OSError, ValueError, IndexError, TypeError, zlib.error, StopIteration) as error:
        raise InputError(f"{path}: not a whole annotation ({error!r}); download it again") from None
    return cameras[camera].to_world(select_joints(points, OF_28_JOINTS, 28, str(path)))
