"""Boxes of one person in every picture of a recording, from those in which the person was looked for."""

import numpy as np
from jaxtyping import Float64, Int64
from scipy.ndimage import median_filter

BRIDGED_S = 1.0
"""Longest time between two found boxes that is filled by what lies between them."""
SMOOTHING_S = 0.4


def box_track(
    time_s: Float64[np.ndarray, " pictures"],
    looked_at: Int64[np.ndarray, " looks"],
    boxes: Float64[np.ndarray, "looks 4"],
) -> Float64[np.ndarray, "pictures 4"]:
    """Left, top, right, bottom in every picture, pixels: found boxes interpolated, then their running median.

    Not a number where the person was last found, or will be found again, too long ago to tell: nobody may be there.

    Args:
        time_s: of every picture, ascending.
        looked_at: pictures in which the person was looked for, ascending.
        boxes: what was found there; not a number where nothing was.
    """
    found = looked_at[np.isfinite(boxes[:, 0])]
    track = np.full((len(time_s), 4), np.nan)
    if not len(found):
        return track
    rate = (len(time_s) - 1) / max(float(time_s[-1] - time_s[0]), 1e-9)
    window = 1 + 2 * round(SMOOTHING_S * rate / 2) if len(time_s) > 1 else 1
    gaps = np.flatnonzero(np.diff(time_s[found]) > BRIDGED_S) + 1
    for part, part_boxes in zip(np.split(found, gaps), np.split(boxes[np.isfinite(boxes[:, 0])], gaps), strict=True):
        pictures = np.arange(part[0], part[-1] + 1)
        filled = np.stack([np.interp(time_s[pictures], time_s[part], side) for side in part_boxes.T], axis=1)
        track[pictures] = median_filter(filled, size=(window, 1), mode="nearest")
    return track
