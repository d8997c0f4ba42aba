"""What every source tells about itself: its clips, and for each clip its instants with views, boxes and pose."""

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from mcss.errors import InputError
from mcss.geometry.camera import Camera

Clip = tuple[str, str, int]
"""Subject, official action, subaction from 1."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom of a person in a frame, pixels."""


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video file, by its index from 0 in the order of display."""

    path: Path
    index: int


@dataclass(frozen=True)
class Crop:
    """A crop that the source has made itself, as a renderer does: it is stored as it is."""

    jpeg: bytes
    """Of the square, RGB, as wide as the crops of the store."""
    square: tuple[float, float, float]
    """Left, top and side in the camera's frame, pixels."""
    mask: bytes | None = None
    """PNG with one bit a pixel, as wide as the crop: the pixels that show the person (``store.masks.encode_mask``)."""


@dataclass(frozen=True)
class View:
    """What one camera shows of an instant."""

    camera: str
    image: Path | VideoFrame | Crop
    """Image file of the whole frame, frame of a video, or a finished crop."""
    box: Box | Callable[[], Box] | None = None
    """Of the person, or how to read it; None: around the projected joints. A finished crop has none."""


@dataclass(frozen=True, eq=False)
class Instant:
    """What all cameras see at one frame."""

    frame: int
    """Index of the frame in the source, from 0."""
    time_s: float
    views: tuple[View, ...]
    pose_world: Float[np.ndarray, "17 3"] | None = None
    """World frame with Z up, mm, joint set h36m17."""
    views_apart_mm: float = 0.0
    """By how much the pose differs where the source has it in the frame of every view's camera."""


@dataclass(frozen=True)
class Remark:
    """What the user has to know about how a clip was read: a line "<where>: <what, with counts>; <what to do>"."""

    line: str
    is_fault: bool = True
    """Whether an import that is strict stops there."""


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """What holds for a data set in all of its layouts.

    Attributes:
        name: of the data set; also the key of its exclusions.
        subjects_test: touched by ``mcss test`` alone, unless the user chooses others.
        source: where the data come from.
        licence: under which terms.
        subjects: all that there are, where that is fixed; ``clips_per_subject``: how many clips each has.
    """

    name: str
    subjects_test: tuple[str, ...]
    source: str
    licence: str
    subjects: tuple[str, ...] = ()
    clips_per_subject: int = 0


class Source(ABC):
    """Where clips come from: files of a data set under the folder ``source``, or a renderer.

    An instance holds no data, because it travels to every worker process: annotations are read where they are used.
    """

    name: ClassVar[str]
    """Of the layout: how the files of the data set are arranged."""
    data_set: DataSet
    has_files: ClassVar[bool] = True
    """Whether there is a folder of files; a renderer has none."""
    arrangement: ClassVar[str] = ""
    """Where a recording has to lie, if that is the user's to arrange; what lies elsewhere stops a strict import."""
    tables: ClassVar[tuple[str, ...]] = ()
    """Files that are about several clips and are not among their ``files``, relative to the source."""
    not_read: ClassVar[tuple[str, ...]] = ()
    """Patterns of what a data set comes with and this layout does not need; it is not worth naming."""
    images_name: str = ""
    """Which images are read, where the same labels go with several (``h36m.images``)."""
    step: int = 1
    """Source frames of the training subjects from an imported one to the next, at least, unless asked otherwise."""
    step_test: int = 1
    """The same for the test subjects."""

    def __init__(self, source: Path) -> None:
        self.source = source

    @abstractmethod
    def clips(self) -> list[Clip]:
        """Name all clips that are there, whole or not.

        Raises:
            InputError: there is none, or the file that names them is missing or unreadable.
        """

    def shared(self, clip: Clip) -> dict[Path, str]:
        """Files and folders that ``clip`` shares with others, each with what to do where it is missing.

        Without one of them none of these clips can be imported, and nothing is: it is one archive that was forgotten.
        """
        return {}

    @abstractmethod
    def files(self, clip: Clip) -> list[Path]:
        """Files and folders that ``clip`` is read from, all of which must be there; without one it is skipped.

        Raises:
            InputError: what is there cannot be a clip.
        """

    def unread(self, clip: Clip) -> list[Path]:
        """Files and folders among those of ``clip`` that no importer reads."""
        return []

    @abstractmethod
    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """Name the cameras that must have seen an instant of ``clip``, unless the user chooses others."""

    @abstractmethod
    def fps(self, clip: Clip) -> float:
        """Frames of ``clip`` per second."""

    @abstractmethod
    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of ``clip`` by ascending frame, with the views of ``cameras`` that are there.

        Raises:
            InputError: the clip cannot be read.
        """

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """What was found doubtful, or could not be used, where ``cameras`` recorded ``clip``.

        Raises:
            InputError: the clip cannot be read.
        """
        return []

    def boxes_are_of_joints(self, clip: Clip) -> bool:
        """Whether the crops of ``clip`` follow its projected joints, so that they miss where the poses are wrong."""
        return False

    def annotation(self, clip: Clip) -> Path:
        """File or folder that an error in the instants of ``clip`` is to be looked for in."""
        return self.source

    def use_detector(self, weights: str) -> None:
        """Find the boxes that the source lacks by an object detector with ``weights``.

        Raises:
            InputError: the layout never looks for boxes, or the weights cannot be had.
        """
        raise InputError(f"--detector: layout {self.name!r} has its boxes from the data set; leave the option out")

    def prefer_detector(self, clips: list[Clip]) -> str | None:
        """Choose how to find the boxes that ``clips`` lack, and say so in a line; None where nothing is to be found."""
        return None

    def notes(self, clips: list[Clip]) -> list[str]:
        """What has to be known of all ``clips`` together, such as what was not checked, a line each."""
        return []

    def options(self) -> dict[str, str]:
        """What else than files and settings decides what every clip becomes, such as the weights of a detector."""
        return {}

    def config(self, settings: dict[str, Any], clips: list[Clip]) -> dict[str, Any]:
        """How a store of ``clips`` is made, as ``store.json`` records it; JSON values only."""
        return settings | {"layout": self.name, "clips": clips} | self.options()

    def fingerprint(self, clip: Clip) -> str:
        """Hash of all that ``clip`` is read from; where it is the same, so are the rows of the clip.

        Of the files it takes names, sizes and times of change, which costs no reading; of tables about several clips
        the rows about this one (``table_rows``), so that an entry for another clip changes nothing.
        """
        digest = hashlib.sha256(json.dumps(self.table_rows(clip), sort_keys=True, default=str).encode())
        try:
            for path in self.files(clip):
                digest.update(f"{path.relative_to(self.source)} {_state(path, self.file_prefix(clip))}\n".encode())
        except InputError as error:
            digest.update(str(error).encode())
        return digest.hexdigest()

    def file_prefix(self, clip: Clip) -> str:
        """How the names of the clip's files begin in a folder that it shares with other clips."""
        return ""

    def table_rows(self, clip: Clip) -> Any:
        """What tables about several clips, which are not among its ``files``, say about ``clip``; JSON values only."""
        return None

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """Cameras by name as they stood for ``clip``, where the layout knows them; world with Z up, mm."""
        return {}


def _state(path: Path, prefix: str) -> str:
    """Size and time of change of a file, or of everything in a folder whose name begins with ``prefix``."""
    if not path.exists():
        return "missing"
    if not path.is_dir():
        return _size_and_time(path.stat())
    entries = sorted((entry.name, entry) for entry in os.scandir(path) if entry.name.startswith(prefix))
    digest = hashlib.sha256()
    for name, entry in entries:
        digest.update(f"{name} {_size_and_time(entry.stat())}\n".encode())
    return digest.hexdigest()


def _size_and_time(values: os.stat_result) -> str:
    return f"{values.st_size} {values.st_mtime_ns}"
