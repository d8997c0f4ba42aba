"""What every layout tells about itself: its clips, and for each clip its instants with views, boxes and pose."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

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
class View:
    """What one camera shows of an instant."""

    camera: str
    image: Path | VideoFrame
    """Image file of the whole frame, or frame of a video."""
    box: Box | Callable[[], Box] | None = None
    """Of the person, or how to read it; None: around the projected joints."""


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
    """Files of a data set under the folder ``source``, arranged in one of the ways that are in use.

    An instance holds no data, because it travels to every worker process: annotations are read where they are used.
    """

    name: ClassVar[str]
    data_set: ClassVar[DataSet]
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

    def annotation(self, clip: Clip) -> Path:
        """File or folder that an error in the instants of ``clip`` is to be looked for in."""
        return self.source

    def use_detector(self, weights: str) -> None:
        """Find the boxes that the source lacks by an object detector with ``weights``.

        Raises:
            InputError: the layout never looks for boxes, or the weights cannot be had.
        """
        raise InputError(f"--detector: layout {self.name!r} has its boxes from the data set; leave the option out")

    def options(self, clips: list[Clip]) -> dict[str, str]:
        """What else than the source and the settings decides what a store of ``clips`` holds."""
        return {}

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """Cameras by name as they stood for ``clip``, where the layout knows them; world with Z up, mm."""
        return {}
