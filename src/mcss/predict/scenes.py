"""What is predicted on: synchronous views of one person, each a row of crops over time."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from data_modules.crop import BOX_MARGIN, Square, cut_square, square_around
from data_modules.frames import ImageReader, read_image
from data_modules.sources.base import Clip, Source, VideoFrame
from data_modules.sources.file_names import is_video
from data_modules.store import Store
from mcss.errors import InputError

SeenCrop = tuple[UInt8[np.ndarray, "side side 3"], float]
"""Square RGB image around the person, and the share of it that lies within the camera's picture."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene(ABC):
    """One person, seen by one or more cameras at the same instants.

    Attributes:
        name: of the scene, for files and messages.
        cameras: names of the views.
        time_s: of each instant.
    """

    name: str
    cameras: tuple[str, ...]
    time_s: Float64[np.ndarray, " frames"]

    @abstractmethod
    def crops(self, view: int, start: int, largest_px: int) -> Iterator[SeenCrop | None]:
        """Crops of a view from frame ``start`` on, ``largest_px`` wide if they can be; None where nobody is seen.

        Raises:
            InputError: a picture cannot be read.
        """

    @abstractmethod
    def identity(self) -> Any:
        """Tell, as JSON has it, one state of the pictures from another."""

    @property
    def person(self) -> str:
        """Who is seen."""
        return self.name

    def true_pose_world(self) -> Float64[np.ndarray, "frames 17 3"] | None:
        """Labels, where there are some: world frame, mm, NaN where there is none."""
        return None


@dataclass(frozen=True, eq=False, kw_only=True)
class FilmedScene(Scene):
    """Videos, or folders of whole frames, in which the import has found the person.

    Attributes:
        files: of each view: the video, or the images of the folder.
        frame: index into the video or the images, -1 where nobody is seen.
        box_px: left, top, right, bottom of the person in the picture.
    """

    files: tuple[tuple[Path, ...], ...]
    frame: Int64[np.ndarray, "frames views"]
    box_px: Float64[np.ndarray, "frames views 4"]

    def crops(self, view: int, start: int, largest_px: int) -> Iterator[SeenCrop | None]:
        """See ``Scene``."""
        with ImageReader() as reader:
            for frame, box_px in zip(self.frame[start:, view].tolist(), self.box_px[start:, view], strict=True):
                yield None if frame < 0 else self._crop(reader, view, frame, box_px, largest_px)

    def _crop(
        self, reader: ImageReader, view: int, frame: int, box_px: Float64[np.ndarray, " 4"], size_px: int
    ) -> SeenCrop:
        files = self.files[view]
        image = reader.read(VideoFrame(files[0], frame) if is_video(files[0]) else files[frame])
        square = square_around(box_px[:2], box_px[2:], BOX_MARGIN)
        try:
            crop = cut_square(image, square, size_px)
        except ValueError as error:
            raise InputError(f"{files[0]}: frame {frame}: {error}; repair boxes.csv") from None
        return crop, _share_within(square, image.shape[1], image.shape[0])

    def identity(self) -> Any:
        """Name, size and time of change of each file."""
        states = [(str(path), path.stat()) for files in self.files for path in files]
        return [self.cameras, [(name, state.st_size, state.st_mtime_ns) for name, state in states]]


@dataclass(frozen=True, eq=False, kw_only=True)
class CropScene(Scene):
    """A folder of ready crops: square images around one person."""

    files: tuple[Path, ...]

    def crops(self, view: int, start: int, largest_px: int) -> Iterator[SeenCrop | None]:
        """See ``Scene``."""
        for path in self.files[start:]:
            yield read_image(path), 1.0

    def identity(self) -> Any:
        """Name, size and time of change of each file."""
        return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in self.files]


@dataclass(frozen=True, eq=False, kw_only=True)
class StoreScene(Scene):
    """A clip of a store; its crops are those of the import.

    Attributes:
        store: which it is from.
        rows: of each instant and view.
    """

    store: Store
    rows: Int64[np.ndarray, "frames views"]

    def crops(self, view: int, start: int, largest_px: int) -> Iterator[SeenCrop | None]:
        """See ``Scene``."""
        for row in self.rows[start:, view]:
            side_px = min(largest_px, self.store.meta.crop_size_px)
            yield self.store.decode(row[None], side_px)[0], 1.0

    def identity(self) -> Any:
        """Content of the store."""
        return self.store.content_hash

    @property
    def person(self) -> str:
        """Subject of the store."""
        return str(self.store.subject[self.rows[0, 0]])

    def true_pose_world(self) -> Float64[np.ndarray, "frames 17 3"] | None:
        """Labels of the store."""
        return self.store.pose_world[self.rows[:, 0]].astype(np.float64)


def filmed_scene(source: Source, clip: Clip, cameras: tuple[str, ...], name: str) -> FilmedScene:
    """Find the person in a clip by the code of the import, and print its remarks.

    Raises:
        InputError: a recording cannot be read, nobody is found, or the recordings have no time in common.
    """
    time_s, frame, box_px = [], [], []
    files: tuple[dict[Path, int], ...] = tuple({} for _ in cameras)
    for remark in source.remarks(clip, cameras):
        print(remark.line)
    for instant in source.instants(clip, cameras):  # one at a time: a long video has many
        frames, boxes = np.full(len(cameras), -1), np.full((len(cameras), 4), np.nan)
        for seen in instant.views:
            view = cameras.index(seen.camera)
            path = seen.image.path if isinstance(seen.image, VideoFrame) else seen.image
            if not isinstance(path, Path):
                raise TypeError(f"{source.name}: has finished crops; its store is what is predicted")
            index = files[view].setdefault(path, len(files[view]))
            box = seen.box() if callable(seen.box) else seen.box
            if box is not None:  # else nobody is seen there
                frames[view], boxes[view] = seen.image.index if isinstance(seen.image, VideoFrame) else index, box
        time_s.append(instant.time_s)
        frame.append(frames)
        box_px.append(boxes)
    return FilmedScene(
        name=name,
        cameras=cameras,
        time_s=np.array(time_s),
        files=tuple(tuple(paths) for paths in files),
        frame=np.array(frame),
        box_px=np.array(box_px),
    )


def store_scenes(
    store: Store, subjects: Sequence[str] | None = None, clips: Sequence[str] | None = None
) -> Iterator[StoreScene]:
    """Clips of a store, in its order; of these people and these clips alone, where some are named.

    Raises:
        InputError: one of them is not there, or a clip lacks a view somewhere.
    """
    for kind, named, there in (
        ("subject", subjects, np.unique(store.subject).tolist()),
        ("clip", clips, sorted(store.clip_names)),
    ):
        if unknown := sorted(set(named or ()) - set(there)):
            some = ", ".join(there[:10]) + (" ..." if len(there) > 10 else "")
            raise InputError(f"{store.path}: has no {kind} {', '.join(unknown)}; there are {some}")
    for clip in np.unique(store.clip):
        rows = np.flatnonzero(store.clip == clip)
        if (subjects and store.subject[rows[0]] not in subjects) or (clips and store.clip_names[clip] not in clips):
            continue
        cameras = tuple(np.unique(store.camera[rows]).tolist())
        frames, first = np.unique(store.frame[rows], return_index=True)
        if len(rows) != len(frames) * len(cameras):
            raise InputError(
                f"{store.path}: {store.clip_names[clip]}: not every camera has every instant; make the store again"
            )
        yield StoreScene(
            name=store.clip_names[clip].replace("/", "_"),
            cameras=cameras,
            time_s=store.time_s[rows[first]].astype(np.float64),
            store=store,
            rows=rows.reshape(len(frames), len(cameras)),
        )


def _share_within(square: Square, width: int, height: int) -> float:
    """Share of a square (left, top, side) that lies in a picture."""
    left, top, side = square
    wide, high = min(left + side, width) - max(left, 0), min(top + side, height) - max(top, 0)
    return max(0, wide) * max(0, high) / side**2
