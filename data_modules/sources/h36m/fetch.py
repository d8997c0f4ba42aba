"""Human3.6M as https://github.com/anibali/h36m-fetch leaves it: ``processed/`` beside its ``metadata.xml``.

Without ``metadata.xml`` the official world poses, ``extracted/S1/Poses_D3_Positions`` or
``S1/MyPoseFeatures/D3_Positions``, ... beside ``processed/``, tell the cameras.

``processed/S1/Directions-1/annot.h5`` has a row for each image: ``camera``, ``frame`` (from 1) and ``pose/3d`` (camera
frame, mm, 32 joints); ``imageSequence/54138969/img_000001.jpg`` are the images. Training frames were chosen where some
joint had moved, for each camera apart, so "every 5th frame" is not to be had and views are joined by their frame.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_modules.sources.base import Clip, Instant, Source, View
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m.fetch_cameras import fit_cameras, read_annotation
from data_modules.sources.h36m.metadata import METADATA_FILE, read_metadata
from data_modules.sources.h36m.original import POSES, H36mOriginal, unpacked
from data_modules.sources.poses import views_apart_mm
from mcss.errors import InputError
from mcss.geometry.camera import Camera


class H36mFetch(Source):
    """See the module."""

    name = "h36m-fetch"
    not_read = ("archives", "extracted")
    data_set = h36m_names.H36M
    step_test = h36m_names.STEP_TEST

    def clips(self) -> list[Clip]:
        """Clips that have a folder in ``processed``."""
        return processed_clips(self.source)

    def shared(self, clip: Clip) -> dict[Path, str]:
        """Where the cameras are from."""
        if self._has_metadata():
            return {}
        archive = H36mOriginal.archives[POSES].format(clip[0])
        remedy = f"unpack {archive}, or copy {METADATA_FILE} from h36m-fetch to {self.source}"
        return {unpacked(self.source, clip[0], POSES): remedy}

    def files(self, clip: Clip) -> list[Path]:
        """The annotation, the four folders of images, and the cameras' file if that is read."""
        metadata = [self.source / METADATA_FILE] if self._has_metadata() else []
        return [self.annotation(clip), *processed_images(self.source, clip), *metadata]

    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """All four."""
        return h36m_names.CAMERAS

    def fps(self, clip: Clip) -> float:
        """Of the videos."""
        return h36m_names.FPS

    def annotation(self, clip: Clip) -> Path:
        """The clip's poses."""
        return processed_folder(self.source, clip) / "annot.h5"

    def boxes_are_of_joints(self, clip: Clip) -> bool:
        """Always: ``annot.h5`` has no boxes."""
        return True

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of the frames that some camera has."""
        annotation = read_annotation(self.annotation(clip))
        serials, frames, poses = annotation.serials, annotation.frames, annotation.poses_cam
        calibration = self.calibration(clip)
        for frame in np.unique(frames).tolist():
            rows = [row for row in np.flatnonzero(frames == frame).tolist() if str(serials[row]) in cameras]
            if not rows:
                continue
            views = tuple(
                View(str(serials[row]), processed_image(self.source, clip, str(serials[row]), frame - 1))
                for row in rows
            )
            poses_world = [calibration[str(serials[row])].to_world(poses[row]) for row in rows]
            time_s = (frame - 1) / h36m_names.FPS
            yield Instant(frame - 1, time_s, views, poses_world[0], views_apart_mm(poses_world))

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """Cameras as they stood for the subject."""
        if not self._has_metadata():
            return fit_cameras(self.annotation(clip), unpacked(self.source, clip[0], POSES), clip[1])
        cameras = read_metadata(self.source / METADATA_FILE).cameras
        return {name: cameras[clip[0], name] for name in h36m_names.CAMERAS}

    def _has_metadata(self) -> bool:
        return (self.source / METADATA_FILE).exists()


def processed_clips(source: Path) -> list[Clip]:
    """Clips that have a folder ``processed/S1/Directions-1``.

    Raises:
        InputError: there is none.
    """
    actions = set(h36m_names.ACTIONS.values())
    names = [(path.parent.name, *path.name.rpartition("-")[::2]) for path in (source / "processed").glob("S*/*-*")]
    found = [
        (subject, action, int(number))
        for subject, action, number in names
        if subject in h36m_names.SUBJECTS and action in actions and number in ("1", "2")
    ]
    if not found:
        raise InputError(f"{source / 'processed'}: no folders such as S1/Directions-1; run h36m-fetch's process_all")
    return found


def processed_folder(source: Path, clip: Clip) -> Path:
    """Folder of a clip's annotation and images."""
    subject, action, subaction = clip
    return source / "processed" / subject / f"{action}-{subaction}"


def processed_images(source: Path, clip: Clip) -> list[Path]:
    """Folder of images of each camera."""
    return [processed_image(source, clip, camera, 0).parent for camera in h36m_names.CAMERAS]


def processed_image(source: Path, clip: Clip, camera: str, frame: int) -> Path:
    """Image of a frame that is counted from 0; the files count from 1."""
    return processed_folder(source, clip) / "imageSequence" / camera / f"img_{frame + 1:06d}.jpg"


def processed_frames(source: Path, clip: Clip, camera: str) -> set[int]:
    """Frames, counted from 0, of which there is an image."""
    names = (path.stem.removeprefix("img_") for path in processed_image(source, clip, camera, 0).parent.glob("img_*"))
    return {int(name) - 1 for name in names if name.isdigit()}
