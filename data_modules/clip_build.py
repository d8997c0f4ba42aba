"""One clip of a layout turned into rows of a store; what had to be skipped is counted with its reason."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from data_modules.crop import BOX_MARGIN, crop_square, square_around
from data_modules.frames import ImageReader
from data_modules.skips import Skips, write_skips
from data_modules.sources.base import Clip, Instant, Source, View
from data_modules.sources.exclusions import Exclusion, clip_name
from data_modules.sources.poses import require_agreement, require_credible
from data_modules.store.format import Row
from data_modules.store.writer import write_rows
from mcss.errors import InputError
from mcss.geometry.camera import Camera

JOINTS_MARGIN = 0.3
"""Space around projected joints, which lie inside the body: the head and the hands reach beyond them."""

MIN_BOX_PX = 4
"""A box whose longer side is shorter shows nobody."""


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """How a layout is imported.

    Attributes:
        crop_size_px: side of the square image stored for a view.
        step: source frames of the training subjects from an imported one to the next, at least; ``step_test``: of the
            test subjects.
        cameras: that must have seen an instant; None: those that the layout names.
        exclusions: clips and frames that are left out.
        subjects_test: touched by ``mcss test`` alone.
        strict: whatever would be skipped is an error instead.
    """

    crop_size_px: int = 256
    step: int
    step_test: int
    cameras: tuple[str, ...] | None = None
    exclusions: tuple[Exclusion, ...] = ()
    subjects_test: tuple[str, ...] = ()
    strict: bool = False

    def step_of(self, clip: Clip) -> int:
        """Step in the frames of ``clip``."""
        return self.step_test if clip[0] in self.subjects_test else self.step

    def excludes(self, clip: Clip, frame: int) -> bool:
        """Whether an instant is left out."""
        return any(
            item.clip == clip and item.frames is not None and item.frames[0] <= frame <= item.frames[1]
            for item in self.exclusions
        )


def import_clip(layout: Source, clip: Clip, settings: ImportSettings, path: Path) -> None:
    """Write the rows of ``clip`` to the Arrow file ``path``, and beside it what was skipped (``read_skips``).

    The Arrow file appears last and whole. Rows stream through, so memory does not grow with the clip.

    Raises:
        InputError: the settings are strict and something would be skipped.
    """
    cv2.setNumThreads(1)  # the clips are what runs in parallel
    path.parent.mkdir(parents=True, exist_ok=True)
    skips = Skips()
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        write_rows(temporary, _ClipRows(layout, clip, settings, skips))
        write_skips(path, skips, layout, clip)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class StrictError(RuntimeError):
    """Something would have been skipped; carries the reason past the places that skip."""


class _ClipRows:
    """Iterates over the rows of a clip, in the store's order."""

    def __init__(self, layout: Source, clip: Clip, settings: ImportSettings, skips: Skips) -> None:
        self.layout = layout
        self.clip = clip
        self.settings = settings
        self.skips = skips

    def __iter__(self) -> Iterator[Row]:
        try:
            cameras = self.settings.cameras or self.layout.cameras(self.clip)
            calibration = self.layout.calibration(self.clip)
            for remark in self.layout.remarks(self.clip, cameras):
                if self.settings.strict and remark.is_fault:
                    raise StrictError(f"{clip_name(self.clip)}: {remark.line}")
                self.skips.note(remark.line)
            with ImageReader() as reader:
                for instant, last_frame in self._due(self.layout.instants(self.clip, cameras)):
                    try:
                        self._require_sound(instant, cameras, last_frame)
                        rows = [self._row(instant, view, calibration, reader) for view in _by_camera(instant)]
                    except InputError as error:
                        self._skip(f"{error}", f" frame {instant.frame}")
                    else:
                        yield from rows
        except InputError as error:
            self._skip(f"{error}")

    def _due(self, instants: Iterable[Instant]) -> Iterator[tuple[Instant, int]]:
        """Instants that are a step or more behind the last one, and its frame.

        Some sources have every 5th frame only, so that multiples of the step would be few. Whether an instant can be
        imported does not change which ones follow. One that is not behind the last at all is for others to refuse.
        """
        last_frame, step = -1, self.settings.step_of(self.clip)
        for instant in instants:
            if 0 <= last_frame < instant.frame < last_frame + step:
                continue
            if not self.settings.excludes(self.clip, instant.frame):
                yield instant, last_frame
            last_frame = max(last_frame, instant.frame)

    def _skip(self, reason: str, place: str = "") -> None:
        if self.settings.strict:
            raise StrictError(f"{clip_name(self.clip)}{place}: {reason}")
        self.skips.add(reason)

    def _require_sound(self, instant: Instant, cameras: tuple[str, ...], last_frame: int) -> None:
        """Refuse an instant that is out of order, lacks a view or has no credible pose.

        Raises:
            InputError: it is one.
        """
        where = self.layout.annotation(self.clip)
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

    def _row(self, instant: Instant, view: View, calibration: dict[str, Camera], reader: ImageReader) -> Row:
        box = self._box(view, instant, calibration.get(view.camera))
        frame = reader.read(view.image)
        subject, action, subaction = self.clip
        try:
            image = crop_square(frame, box, self.settings.crop_size_px)
        except ValueError as error:
            raise InputError(f"{self.layout.annotation(self.clip)}: {error}; repair it") from None
        return Row(
            subject=subject, action=action, subaction=subaction, frame=instant.frame, time_s=instant.time_s,
            camera=view.camera, image=image, box=(float(box[0]), float(box[1]), float(box[2])),
            pose_world=None if instant.pose_world is None else instant.pose_world.astype(np.float32),
        )  # fmt: skip

    def _box(self, view: View, instant: Instant, camera: Camera | None) -> tuple[int, int, int]:
        """Square to cut out of the view."""
        where = self.layout.annotation(self.clip)
        if view.box is not None:
            sides = view.box() if callable(view.box) else view.box
            corners, margin = np.array(sides, dtype=np.float64).reshape(2, 2), BOX_MARGIN
        elif camera is not None and instant.pose_world is not None:
            corners, margin = camera.project(instant.pose_world), JOINTS_MARGIN
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
