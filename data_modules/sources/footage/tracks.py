"""The box of the person in every picture of a recording, from the user's table, a detector or motion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64

from data_modules.sources.base import Box, Remark
from data_modules.sources.footage.box_track import box_track
from data_modules.sources.footage.motion_boxes import moving_regions
from data_modules.sources.footage.people import differ, follow
from data_modules.sources.footage.recordings import Recording, nearest_index, recording_name
from data_modules.sources.footage.tables import BOX_COLUMNS, finite
from mcss.errors import InputError

if TYPE_CHECKING:
    from data_modules.sources.footage.detector_boxes import Detector

STAYS = 0.7
"""Share of a recording's boxes that cover the centre of one of them, in the median: 0.2 to 0.5 of a walker."""
LARGEST_RISE = 0.5
"""Heights of the median box by which boxes of one person rise and fall; a hand does by more of its own height."""
CHECKED = 400
"""Pictures of which the boxes are compared with each box."""
GIVE_BOXES = "give boxes.csv, or find the person with --detector"


@dataclass(frozen=True, eq=False)
class Track:
    """One person's boxes in a recording; not a number where nobody is known to be."""

    boxes: Float64[np.ndarray, "pictures 4"]
    """Left, top, right, bottom, pixels."""
    remarks: tuple[Remark, ...] = ()
    clothes: Float64[np.ndarray, "2 2"] | None = None
    """Colours of the person's clothes, where the boxes were found (``people.Clothes``)."""

    def box(self, picture: int) -> Box | None:
        """Box in one picture; None where there is none."""
        if np.isnan(self.boxes[picture]).any():
            return None
        left, top, right, bottom = self.boxes[picture].tolist()
        return left, top, right, bottom


def written_track(recording: Recording, rows: Sequence[Mapping[str, str]], path: Path) -> Track:
    """Boxes of boxes.csv, whose frames count from 0 as the recording's own do.

    Raises:
        InputError: a row is no box, or a frame has two.
    """
    picture_of = {int(frame): picture for picture, frame in enumerate(recording.frames)}
    name = recording_name(recording.path)
    by_frame: dict[int, tuple[float, ...]] = {}
    for row in rows:
        frame, box = _written_box(row, name, path)
        if by_frame.setdefault(frame, box) != box:
            raise InputError(f"{path}: has two boxes of frame {frame} of {name}; keep those of the one who is meant")
    boxes = np.full((len(recording.time_s), 4), np.nan)
    for frame, (left, top, width, height) in by_frame.items():
        if frame in picture_of:
            boxes[picture_of[frame]] = left, top, left + width, top + height
    unused = [frame for frame in by_frame if frame not in picture_of]
    line = f"{path}: {len(unused)} of {len(by_frame)} boxes of {name} are of frames that it has not"
    if are_from_1 := 0 not in by_frame and unused == [len(recording.time_s)]:
        line += "; frames count from 0"
    return Track(boxes, (Remark(line, is_fault=are_from_1 or len(unused) == len(by_frame)),) if unused else ())


def _written_box(row: Mapping[str, str], name: str, path: Path) -> tuple[int, tuple[float, ...]]:
    """Frame, and left, top, width and height."""
    try:
        frame, *box = (finite(row.get(column) or "") for column in ("frame", *BOX_COLUMNS))
        if min(box[2:]) <= 0 or frame != round(frame):
            raise ValueError(f"frame {frame:g}, width {box[2]:g}, height {box[3]:g}")
    except ValueError as error:
        raise InputError(f"{path}: a row of {name} is no box ({error}); write numbers") from None
    if max(box[2:]) <= 1:
        raise InputError(f"{path}: a box of {name} is less than a pixel wide; write pixels, not shares of the picture")
    return int(frame), tuple(box)


def found_track(recording: Recording, detector: "Detector | None") -> Track:
    """Boxes of the one person in view, by a detector or else by motion; none where several people are in view.

    Two cameras could box two of several people. Boxes from motion hold for somebody who walks about: what stays in one
    place belongs to the background, and only the moving part, such as an arm, would be boxed.

    Raises:
        InputError: the recording cannot be read, nobody was found in it, or only a part of somebody was.
    """
    sightings = detector.sightings(recording) if detector else moving_regions(recording)
    followed = follow(sightings)
    boxes = followed.boxes
    if not np.isfinite(boxes).any():
        who = "a person" if detector else "a moving person"
        raise InputError(f"{recording.path}: {who} was found in 0 of {len(boxes)} frames; give the boxes in boxes.csv")
    crowded = sightings.are_crowded()
    remarks = []
    if not detector and _is_part_of_a_person(boxes):
        raise InputError(
            f"{recording.path}: {np.isfinite(boxes[:, 0]).sum()} of {len(boxes)} boxes from motion are not to be"
            f" trusted: the person stays in one place, and only a part, such as an arm, is seen to move; {GIVE_BOXES}"
        )
    if crowded.any():
        remarks.append(
            Remark(
                f"{recording.path}: more than one person, or other things that move, in {crowded.sum()} of"
                f" {len(boxes)} frames, which are left out; give boxes.csv with the one who is meant"
            )
        )
    if followed.are_others.any():
        remarks.append(
            Remark(
                f"{recording.path}: somebody in other clothes in {followed.are_others.sum()} of {len(boxes)} frames,"
                " which are left out; give boxes.csv with the one who is meant"
            )
        )
    boxes[crowded] = np.nan
    track = box_track(recording.time_s, sightings.looked_at, boxes)
    left_out = _between(sightings.looked_at[crowded], sightings.looked_at, len(track))
    track[left_out] = np.nan
    return Track(track, tuple(remarks), followed.clothes if np.isfinite(track).any() else None)


def require_one_person(tracks: Mapping[str, Track], clip: str) -> None:
    """Refuse cameras that show people in other clothes: each has found somebody else.

    Raises:
        InputError: two of the ``tracks``, by camera, do.
    """
    for (a, one), (b, other) in combinations(tracks.items(), 2):
        if one.clothes is not None and other.clothes is not None and differ(one.clothes, other.clothes):
            raise InputError(
                f"{clip}: {a} and {b} show people in clothes of other colours; give boxes.csv with the one who is meant"
            )


def _is_part_of_a_person(boxes: Float64[np.ndarray, "looks 4"]) -> bool:
    """Whether what moves stays in one place, or rises and falls as no whole person does."""
    seen = boxes[np.isfinite(boxes[:, 0])]
    seen = seen[np.unique(np.linspace(0, len(seen) - 1, min(CHECKED, len(seen))).round().astype(int))]
    centre = (seen[:, 2:] + seen[:, :2]) / 2
    covers = ((seen[None, :, :2] <= centre[:, None]) & (centre[:, None] <= seen[None, :, 2:])).all(axis=2)
    stays = float(np.median(covers.mean(axis=1))) >= STAYS
    lowest, highest = np.quantile(centre[:, 1], (0.05, 0.95))
    return stays or float(highest - lowest) > LARGEST_RISE * float(np.median(seen[:, 3] - seen[:, 1]))


def _between(left_out: np.ndarray, looked_at: np.ndarray, count: int) -> Bool[np.ndarray, " pictures"]:
    """Pictures nearer to a look that is left out than to another one."""
    if not len(left_out):
        return np.zeros(count, dtype=bool)
    return np.isin(looked_at[nearest_index(looked_at, np.arange(count))], left_out)
