"""Folders of images of one clip whose numbers begin differently: whether they are one count or one each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from data_modules.sources.footage.recordings import Recording
from mcss.errors import InputError

OFFSETS = ("offset_s", "offset_frames")


def has_offset(row: Mapping[str, str]) -> bool:
    """Whether a row of sync.csv says by how much the clock of its recording is off."""
    return any((row.get(name) or "").strip() for name in OFFSETS)


def on_one_count(recordings: Sequence[Recording], rows: Sequence[Mapping[str, str]]) -> list[Recording]:
    """The ``recordings`` of a clip, with ``rows`` of sync.csv; folders that lack their first images begin later.

    Numbers are one count where all folders without an offset end with the same one. Where all begin with the same,
    nothing changes.

    Raises:
        InputError: folders without an offset neither begin nor end with one number.
    """
    folders = [one for one, row in zip(recordings, rows, strict=True) if one.images and not has_offset(row)]
    first = min(folders, key=lambda one: one.first_number, default=None)
    late = [one for one in folders if first and one.first_number > first.first_number]
    if first is None or not late:
        return list(recordings)
    if len({one.first_number + int(one.frames[-1]) for one in folders}) > 1:
        number = late[0].first_number
        raise InputError(
            f"{late[0].path}: its images begin with number {number}, those of {first.camera} with {first.first_number};"
            f" write in column offset_frames of sync.csv {first.first_number - number} if the numbers are one count, 0"
            " if both began at one moment"
        )
    return [_later(one, first) if one in late else one for one in recordings]


def _later(recording: Recording, first: Recording) -> Recording:
    missing = recording.first_number - first.first_number
    line = f"its images begin with number {recording.first_number}, {missing} later than those of {first.camera}"
    number_s = float(np.ptp(recording.time_s)) / max(int(recording.frames[-1]), 1)
    gap = "; ".join(filter(None, (recording.gap, line)))
    return replace(recording, time_s=recording.time_s + missing * number_s, gap=gap)
