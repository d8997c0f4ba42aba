"""What is doubtful about the recordings of a clip: files that end early, gaps, clocks that nothing confirms."""

from collections.abc import Mapping, Sequence

import numpy as np

from data_modules.sources.base import Remark
from data_modules.sources.footage.chapters import require_no_successors
from data_modules.sources.footage.image_numbers import has_offset
from data_modules.sources.footage.recordings import Recording, read_recording, recording_name
from data_modules.sources.footage.sync_clip import differences, sync_clip

MOST_COMMON, MOST_LOST_S = 0.9, 0.5
"""Where all saw less than this share of the longest recording, and more than so many seconds are lost, it is said."""


def recording_remarks(recordings: Sequence[Recording], sync: Mapping[str, Mapping[str, str]]) -> list[Remark]:
    """A remark on each of these.

    Args:
        recordings: of one clip, on the shared clock; at least one.
        sync: rows of sync.csv by the names of the recordings.

    Raises:
        InputError: two are chapters of one recording, or one cannot be read.
    """
    require_no_successors([one.path for one in recordings if not one.images])
    own = [read_recording(one.path, {"fps": str(one.fps)}) for one in recordings]
    offsets = {
        alone.camera: float(alone.time_s[0] - shared.time_s[0]) for alone, shared in zip(own, recordings, strict=True)
    }
    clip = recording_name(recordings[0].path).rpartition("/")[0]
    found = sync_clip(own, sound_only=True)
    remarks = [Remark(line, is_fault=False) for line in differences(clip, found, own, offsets)]
    rows = [sync.get(recording_name(one.path), {}) for one in recordings]
    confirmed = {camera for pair, lag in found.pairs.items() if lag is not None for camera in pair}
    assumed = [one.camera for one in recordings if one.camera not in confirmed] if len(recordings) > 1 else []
    if assumed and not any(map(has_offset, rows)):
        remarks.append(
            Remark(
                f"{', '.join(assumed)}: taken to have started at one moment; not checked, because sync.csv has no"
                " offset and no sound tells it; mcss-data sync measures it",
                is_fault=False,
            )
        )
    remarks += [
        Remark(f"{one.path}: ends before {one.cut} that its header announces; copy or download it again")
        for one in recordings
        if one.cut
    ]
    remarks += _common_time_remarks(recordings)
    return remarks + [Remark(f"{one.path}: {one.gap}", is_fault=False) for one in recordings if one.gap]


def _common_time_remarks(recordings: Sequence[Recording]) -> list[Remark]:
    """A remark where one recording is much shorter than another, or begins much later: the clip is what all saw."""
    last_to_begin = max(recordings, key=lambda one: one.time_s[0])
    first_to_end = min(recordings, key=lambda one: one.time_s[-1])
    common_s = float(first_to_end.time_s[-1] - last_to_begin.time_s[0])
    longest_s = max(float(np.ptp(one.time_s)) for one in recordings)
    if common_s >= MOST_COMMON * longest_s or longest_s - common_s <= MOST_LOST_S:
        return []
    line = (
        f"{recordings[0].path.parent}: all cameras saw {max(common_s, 0):.2f} of {longest_s:.2f} s, to which the clip"
        f" is cut: {last_to_begin.camera} begins last, {first_to_end.camera} ends first"
    )
    return [Remark(line, is_fault=False)]
