"""One clip of a source turned into rows of a store; what had to be skipped is counted with its reason."""

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from data_modules.crop import BOX_MARGIN, CROP_PX, JOINTS_MARGIN, Square, crop_square, square_around
from data_modules.frame_pictures import FramePictures
from data_modules.frames import ImageReader
from data_modules.skips import Skips
from data_modules.sources.base import Clip, Crop, Instant, Source, View
from data_modules.sources.exclusions import Exclusion, clip_name
from data_modules.sources.poses import require_agreement, require_credible
from data_modules.store.format import Row
from data_modules.video_files import CLOCK_TICK_S
from mcss.errors import InputError
from mcss.geometry.camera import Camera

MIN_BOX_PX = 4
"""A box whose longer side is shorter shows nobody."""


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """How the clips of a source become rows.

    Attributes:
        crop_size_px: side of the square image stored for a view.
        step: source frames of the training subjects from an imported one to the next, at least; ``step_test``: of the
            test subjects.
        every_s: instead of the steps, time from an imported instant to the next, at least, seconds.
        cameras: that must have seen an instant; None: those that the layout names.
        exclusions: clips and frames that are left out.
        subjects_test: touched by ``mcss test`` alone.
        strict: whatever would be skipped is an error instead.
    """

    crop_size_px: int = CROP_PX
    step: int
    step_test: int
    every_s: float | None = None
    cameras: tuple[str, ...] | None = None
    exclusions: tuple[Exclusion, ...] = ()
    subjects_test: tuple[str, ...] = ()
    strict: bool = False

    def step_of(self, clip: Clip) -> int:
        """Step in the frames of ``clip``."""
        return self.step_test if clip[0] in self.subjects_test else self.step

    def of_clip(self, clip: Clip) -> "BuildSettings":
        """The part of the settings that decides what ``clip`` becomes."""
        step = self.step_of(clip)
        exclusions = tuple(item for item in self.exclusions if item.clip == clip)
        return replace(self, step=step, step_test=step, exclusions=exclusions, subjects_test=())

    def excludes(self, clip: Clip, frame: int) -> bool:
        """Whether an instant is left out."""
        return any(
            item.clip == clip and item.frames is not None and item.frames[0] <= frame <= item.frames[1]
            for item in self.exclusions
        )


class StrictError(RuntimeError):
    """Something would have been skipped; carries the reason past the places that skip."""


class ClipRows:
    """Iterates over the rows of a clip, in the store's order; memory does not grow with the clip.

    Args:
        source: of the clip.
        clip: which one.
        settings: crops, step, cameras, exclusions.
        skips: counts what is skipped meanwhile.
        pictures: keeps some of the frames; None: none is kept.
        threads: that read the views of an instant; each video is read by one at a time.

    Raises:
        StrictError: the settings are strict and something would be skipped (while iterating).
    """

    def __init__(
        self,
        source: Source,
        clip: Clip,
        settings: BuildSettings,
        skips: Skips,
        pictures: FramePictures | None = None,
        threads: int = 1,
    ) -> None:
        self.source = source
        self.clip = clip
        self.settings = settings
        self.skips = skips
        self.pictures = pictures
        self.threads = threads
        self._shown: dict[str, tuple[UInt8[np.ndarray, "rows columns 3"], Square]] = {}
        """Frame and square of each view of the instant at hand, where they are from frames."""
        self._sizes: dict[str, tuple[int, ...]] = {}
        """Of the first frame of each camera."""

    def __iter__(self) -> Iterator[Row]:
        try:
            self.source.files(self.clip)  # which refuses what cannot be a clip
            cameras = self.settings.cameras or self.source.cameras(self.clip)
            calibration = self.source.calibration(self.clip)
            for remark in self.source.remarks(self.clip, cameras):
                if self.settings.strict and remark.is_fault:
                    raise StrictError(f"{clip_name(self.clip)}: {remark.line}")
                self.skips.note(remark.line, remark.is_fault)
            with ImageReader() as reader, ThreadPoolExecutor(self.threads) as pool:
                number = 0
                for instant, last_frame in self._due(self.source.instants(self.clip, cameras)):
                    self._shown.clear()
                    try:
                        self._require_sound(instant, cameras, last_frame)
                        views = _by_camera(instant)
                        squares = [self._square(view, instant, calibration.get(view.camera)) for view in views]
                        crops = list(pool.map(self._crop, views, squares, [reader] * len(views)))
                    except InputError as error:
                        self._skip(f"{error}", f" frame {instant.frame}")
                    else:
                        if self.pictures and self._shown:
                            self.pictures.add(number, instant.frame, self._shown)
                        number += 1
                        for view, crop in zip(views, crops, strict=True):
                            yield self._row(instant, view, crop)
        except InputError as error:
            self._skip(f"{error}")

    def _due(self, instants: Iterable[Instant]) -> Iterator[tuple[Instant, int]]:
        """Instants that are a step or more behind the last one, and its frame.

        Some sources have every 5th frame only, so that multiples of the step would be few. Whether an instant can be
        imported does not change which ones follow. One that is not behind the last at all is for others to refuse.
        """
        last_frame, last_time_s = -1, -math.inf
        for instant in instants:
            if instant.frame > last_frame >= 0 and not self._is_due(instant, last_frame, last_time_s):
                continue
            if not self.settings.excludes(self.clip, instant.frame):
                yield instant, last_frame
            if instant.frame > last_frame:
                last_frame, last_time_s = instant.frame, instant.time_s
        if last_frame < 0:
            cameras = ", ".join(self.settings.cameras or self.source.cameras(self.clip))
            raise InputError(
                f"{self.source.annotation(self.clip)}: no instant that any of the cameras ({cameras}) saw; choose by "
                "--cameras some that the clip has"
            )

    def _is_due(self, instant: Instant, last_frame: int, last_time_s: float) -> bool:
        if self.settings.every_s is not None:
            return instant.time_s >= last_time_s + self.settings.every_s - CLOCK_TICK_S
        return instant.frame >= last_frame + self.settings.step_of(self.clip)

    def _skip(self, reason: str, place: str = "") -> None:
        if self.settings.strict:
            raise StrictError(f"{clip_name(self.clip)}{place}: {reason}")
        self.skips.add(reason)

    def _require_sound(self, instant: Instant, cameras: tuple[str, ...], last_frame: int) -> None:
        """Refuse an instant that is out of order, lacks a view or has no credible pose.

        Raises:
            InputError: it is one.
        """
        where = self.source.annotation(self.clip)
        if instant.frame <= last_frame:
            raise InputError(f"{where}: the frame occurs twice or out of order; repair the annotation")
        seen = [view.camera for view in instant.views]
        if missing := sorted(set(cameras) - set(seen)):
            raise InputError(
                f"{where}: no view of camera {', '.join(missing)}; only instants that all cameras saw are imported, "
                "choose them by --cameras"
            )
        if len(seen) > len(set(seen)):
            raise InputError(f"{where}: two views of one camera; remove one from the annotation")
        if instant.pose_world is not None:
            require_credible(instant.pose_world, str(where))
            require_agreement(instant.views_apart_mm, str(where))

    def _row(self, instant: Instant, view: View, crop: Crop) -> Row:
        subject, action, subaction = self.clip
        return Row(
            subject=subject, action=action, subaction=subaction, frame=instant.frame, time_s=instant.time_s,
            camera=view.camera, image=crop.jpeg, box=crop.square,
            pose_world=None if instant.pose_world is None else instant.pose_world.astype(np.float32), mask=crop.mask,
        )  # fmt: skip

    def _crop(self, view: View, square: Square | None, reader: ImageReader) -> Crop:
        """What the view shows in ``square``; a finished crop has none."""
        if isinstance(view.image, Crop):
            return view.image
        assert square is not None
        frame = reader.read(view.image)
        size = self._sizes.setdefault(view.camera, frame.shape)
        if frame.shape != size:
            raise InputError(
                f"{self.source.annotation(self.clip)}: frames of camera {view.camera} differ in size"
                f" ({size[1]} x {size[0]}, {frame.shape[1]} x {frame.shape[0]}); make recordings of one size of them"
            )
        crop = self._cut(frame, square)
        self._shown[view.camera] = frame, square
        return crop

    def _cut(self, frame: UInt8[np.ndarray, "rows columns 3"], square: Square) -> Crop:
        try:
            jpeg = crop_square(frame, square, self.settings.crop_size_px)
        except ValueError as error:
            raise InputError(f"{self.source.annotation(self.clip)}: {error}; repair it") from None
        return Crop(jpeg, square)

    def _square(self, view: View, instant: Instant, camera: Camera | None) -> Square | None:
        """Square to cut out of the view; None where it is cut out already."""
        if isinstance(view.image, Crop):
            return None
        where = self.source.annotation(self.clip)
        if view.box is not None:
            sides = view.box() if callable(view.box) else view.box
            corners, margin = np.array(sides, dtype=np.float64).reshape(2, 2), BOX_MARGIN
        elif camera is not None and instant.pose_world is not None:
            known = instant.pose_world[np.isfinite(instant.pose_world).all(axis=1)]
            corners, margin = camera.project(known), JOINTS_MARGIN
        else:
            raise InputError(f"{where}: no box of the person for camera {view.camera}, nor pose and camera; add one")
        low, high = corners.min(axis=0), corners.max(axis=0)
        if not np.isfinite(corners).all() or (high - low).max() < MIN_BOX_PX:
            raise InputError(
                f"{where}: the box of the person for camera {view.camera} is empty or not finite; repair it"
            )
        return square_around(low, high, margin)


def _by_camera(instant: Instant) -> list[View]:
    return sorted(instant.views, key=lambda view: view.camera)
