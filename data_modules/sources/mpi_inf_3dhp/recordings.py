"""The frames of a training sequence: its videos, or the images that SPIN's script extracts from them."""

import re
from pathlib import Path

from data_modules.sources.base import VideoFrame
from data_modules.sources.video_lengths import frame_count
from mcss.errors import InputError

VIDEOS, IMAGES = "imageSequence", "imageFrames"
IMAGE_NAME = re.compile(r"frame_(\d+)\.(?:jpg|jpeg|png)")

Recording = dict[int, Path | VideoFrame]
"""Frames of one camera by the index of their pose, from 0."""


def recording_path(folder: Path, camera: str) -> Path:
    """Video of a camera, or its folder of images where the sequence's ``folder`` has images and no video."""
    if _has_images_alone(folder):
        return folder / IMAGES / f"video_{camera}"
    return folder / VIDEOS / f"video_{camera}.avi"


def recordings_folder(folder: Path) -> Path:
    """Where the recordings of all cameras are."""
    return folder / (IMAGES if _has_images_alone(folder) else VIDEOS)


def read_recordings(folder: Path, cameras: tuple[str, ...]) -> dict[str, Recording]:
    """Frames of ``cameras``.

    Images are ``imageFrames/video_0/frame_000001.jpg``. SPIN's script (datasets/preprocess/mpi_inf_3dhp.py in
    https://github.com/nkolot/SPIN) counts from 1, so that number 1 has the first pose. Where every camera has an image
    number 0, that one has it.

    Raises:
        InputError: a video is damaged, a folder has no image, or the cameras' images do not count from one number.
    """
    paths = {camera: recording_path(folder, camera) for camera in cameras}
    if not _has_images_alone(folder):
        return {camera: _of_video(path) for camera, path in paths.items()}
    numbered = {camera: _numbered_images(path) for camera, path in paths.items()}
    from_0 = [camera for camera, images in numbered.items() if 0 in images]
    if from_0 and len(from_0) < len(cameras):
        others = ", ".join(camera for camera in cameras if camera not in from_0)
        raise InputError(
            f"{folder / IMAGES}: images of camera {', '.join(from_0)} count from 0, those of camera {others} do not; "
            "extract all in one way"
        )
    first = 0 if from_0 else 1
    return {
        camera: {number - first: images[number] for number in sorted(images)} for camera, images in numbered.items()
    }


def _has_images_alone(folder: Path) -> bool:
    return (folder / IMAGES).is_dir() and not any((folder / VIDEOS).glob("video_*.avi"))


def _of_video(path: Path) -> Recording:
    return {index: VideoFrame(path, index) for index in range(frame_count(path))}


def _numbered_images(folder: Path) -> dict[int, Path]:
    matches = ((path, IMAGE_NAME.fullmatch(path.name)) for path in folder.glob("frame_*"))
    numbered = {int(match[1]): path for path, match in matches if match}
    if not numbered:
        raise InputError(f"{folder}: has no image such as frame_000001.jpg; extract the frames again")
    return numbered
