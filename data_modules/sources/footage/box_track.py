"""Boxes of one person through a recording from those frames in which somebody was found."""

import numpy as np
from jaxtyping import Float64, Int64
from scipy.ndimage import median_filter

from data_modules.sources.footage.recordings import Recording
from mcss.errors import InputError

LEAST_FOUND = 0.5
"""A person must be found in this share of the frames that were looked at."""
BRIDGED_S = 1.0
"""Longest time between two found boxes that is filled by what lies between them."""
SMOOTHING_S = 0.4


def box_track(
    recording: Recording, looked_at: Int64[np.ndarray, " looks"], boxes: Float64[np.ndarray, "looks 4"], what: str
) -> Float64[np.ndarray, "frames 4"]:
    """Left, top, right, bottom in every frame, pixels: found boxes interpolated, then their running median.

    Not a number where the person was last found, or will be found again, too long ago to tell: nobody may be there.

    Args:
        recording: whose boxes these are.
        looked_at: frames in which the person was looked for, ascending.
        boxes: what was found there; not a number where nothing was.
        what: was looked for, for the message.

    Raises:
        InputError: too little was found.
    """
    is_found = np.isfinite(boxes[:, 0])
    if is_found.sum() < LEAST_FOUND * len(looked_at):
        raise InputError(
            f"{recording.path}: {what} was found in {is_found.sum()} of {len(looked_at)} frames; give the boxes in "
            "boxes.csv"
        )
    found = looked_at[is_found]
    window = 1 + 2 * round(SMOOTHING_S * recording.fps / 2)
    track = np.full((len(recording.time_s), 4), np.nan)
    gaps = np.flatnonzero(np.diff(recording.time_s[found]) > BRIDGED_S) + 1
    for part, part_boxes in zip(np.split(found, gaps), np.split(boxes[is_found], gaps), strict=True):
        frames = np.arange(part[0], part[-1] + 1)
        filled = np.stack([np.interp(frames, part, side) for side in part_boxes.T], axis=1)
        track[frames] = median_filter(filled, size=(window, 1), mode="nearest")
    return track
