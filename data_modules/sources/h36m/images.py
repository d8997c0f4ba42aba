"""Where frames of Human3.6M are, whatever their poses come from: the readers of images by name.

All are whole frames of the same videos, so any of them goes with any labels.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from data_modules.sources.base import Clip, VideoFrame
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m.fetch import processed_clips, processed_folder, processed_frames, processed_image
from data_modules.sources.h36m.metadata import METADATA_FILE, read_metadata
from data_modules.sources.h36m.mks0601 import image_clips, image_folder
from data_modules.sources.h36m.original import VIDEOS, H36mOriginal, has_videos
from data_modules.sources.video_lengths import frame_count
from mcss.errors import InputError


class Images(ABC):
    """Frames of clips, counted from 0, under the folder ``source``."""

    name: ClassVar[str]
    roots: ClassVar[tuple[str, ...]]
    """Patterns of the folders that hold them."""
    are_chosen: ClassVar[bool] = False
    """Whether somebody has chosen the frames, so that all of them are taken for training."""

    def __init__(self, source: Path) -> None:
        self.source = source

    @property
    def are_there(self) -> bool:
        """Whether there are some."""
        return any(any(self.source.glob(root)) for root in self.roots)

    @abstractmethod
    def clips(self) -> list[Clip]:
        """Clips of which there are some.

        Raises:
            InputError: there is none, or the table of names is missing.
        """

    @abstractmethod
    def path(self, clip: Clip, camera: str) -> Path:
        """Video, or folder of images."""

    def tables(self) -> list[Path]:
        """Files that tell which names the clips have."""
        return []

    @abstractmethod
    def frames(self, clip: Clip, camera: str) -> Collection[int]:
        """Which frames there are.

        Raises:
            InputError: the video is missing or damaged.
        """

    @abstractmethod
    def image(self, clip: Clip, camera: str, frame: int) -> Path | VideoFrame:
        """Where a frame is read."""


class OfficialVideos(Images):
    """``S1/Videos`` as unpacked from the official archives, or by h36m-fetch to ``extracted/S1/Videos``."""

    name = "videos"
    roots = (f"S*/{VIDEOS}", f"extracted/S*/{VIDEOS}")

    def __init__(self, source: Path) -> None:
        super().__init__(source)
        self._original = H36mOriginal(source)

    @property
    def are_there(self) -> bool:
        """Whether those of some subject are."""
        return has_videos(self.source)

    def clips(self) -> list[Clip]:
        """Clips of the subjects whose folders are there."""
        return self._original.clips()

    def tables(self) -> list[Path]:
        """The table of names."""
        return [self.source / METADATA_FILE]

    def path(self, clip: Clip, camera: str) -> Path:
        """The video."""
        return self._original.file(clip, VIDEOS, f".{camera}.mp4")

    def frames(self, clip: Clip, camera: str) -> range:
        """All of the video."""
        return range(frame_count(self.path(clip, camera)))

    def image(self, clip: Clip, camera: str, frame: int) -> VideoFrame:
        """A frame of the video."""
        return VideoFrame(self.path(clip, camera), frame)


class ProcessedImages(Images):
    """``processed/S1/Directions-1/imageSequence/54138969/img_000001.jpg`` of h36m-fetch, which chose by movement."""

    name = "processed"
    roots = ("processed/S*",)
    are_chosen = True

    def clips(self) -> list[Clip]:
        """Clips that have a folder."""
        return processed_clips(self.source)

    def path(self, clip: Clip, camera: str) -> Path:
        """Folder of the camera."""
        return processed_folder(self.source, clip) / "imageSequence" / camera

    def frames(self, clip: Clip, camera: str) -> set[int]:
        """By the names, which count from 1."""
        return processed_frames(self.source, clip, camera)

    def image(self, clip: Clip, camera: str, frame: int) -> Path:
        """An image."""
        return processed_image(self.source, clip, camera, frame)


class FoldersOfImages(Images):
    """Folders whose images are called after them and the frame, counted from 1."""

    def frames(self, clip: Clip, camera: str) -> set[int]:
        """By the names."""
        folder = self.path(clip, camera)
        numbers = (path.stem.removeprefix(f"{folder.name}_") for path in folder.glob(f"{folder.name}_*.jpg"))
        return {int(number) - 1 for number in numbers if number.isdigit()}

    def image(self, clip: Clip, camera: str, frame: int) -> Path:
        """An image; mmpose's documentation has five digits, its code six."""
        folder = self.path(clip, camera)
        return folder / f"{folder.name}_{frame + 1:06d}.jpg"


class Mks0601Images(FoldersOfImages):
    """``images/s_01_act_02_subact_01_ca_01/s_01_act_02_subact_01_ca_01_000001.jpg``."""

    name = "mks0601"
    roots = ("images/s_*_act_*",)

    def clips(self) -> list[Clip]:
        """Clips that have a folder."""
        return image_clips(self.source)

    def path(self, clip: Clip, camera: str) -> Path:
        """Folder of the camera."""
        return image_folder(self.source, clip, 1 + h36m_names.CAMERAS.index(camera))


class MmposeImages(FoldersOfImages):
    """``images/S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg``, named after the videos."""

    name = "mmpose"
    roots = ("images/S*/S*_*.*",)

    def clips(self) -> list[Clip]:
        """Clips of which some camera has a folder."""
        names = read_metadata(self.source / METADATA_FILE).file_names
        found = [clip for clip in names if any(self.path(clip, camera).is_dir() for camera in h36m_names.CAMERAS)]
        if not found:
            raise InputError(f"{self.source / 'images'}: no folders such as S1/S1_Directions_1.54138969")
        return found

    def tables(self) -> list[Path]:
        """The table of names."""
        return [self.source / METADATA_FILE]

    def path(self, clip: Clip, camera: str) -> Path:
        """Folder of the camera."""
        file_name = read_metadata(self.source / METADATA_FILE).file_names[clip].replace(" ", "_")
        return self.source / "images" / clip[0] / f"{clip[0]}_{file_name}.{camera}"


READERS: tuple[type[Images], ...] = (OfficialVideos, ProcessedImages, Mks0601Images, MmposeImages)
"""In the order in which they are taken where nobody chose."""


def choose_images(source: Path, name: str | None) -> Images | None:
    """Images by their ``name``, or the first that are there; None where there are none.

    Raises:
        InputError: there are no images of that name.
    """
    there = [reader for reader in (one(source) for one in READERS) if reader.are_there]
    chosen = [reader for reader in there if name in (None, reader.name)]
    if name is not None and not chosen:
        names = ", ".join(reader.name for reader in there) or "none"
        raise InputError(f"--images {name}: there are no such images of Human3.6M under {source}; there are {names}")
    return chosen[0] if chosen else None
