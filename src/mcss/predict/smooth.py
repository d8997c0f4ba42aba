"""Smoothing of poses over time, robust against single wrong poses; and bridging of short gaps."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter

from mcss.predict.motion import Motion, stretches

SMOOTHING_S = 0.4
"""Length of the stretch of time that a smoothed pose is computed from."""
BRIDGED_S = 0.25
"""Longest time between two poses that is bridged."""
DEGREE = 2
MEDIAN_S = 0.2
"""Wrong poses of less than half of this are taken out before."""
OUTLIER_SCALES = 3.0
"""A coordinate is replaced where it is further than this many robust standard deviations from the running median."""
MAD_TO_STD = 1.4826
LEAST_SCALE_MM = 10.0
"""The running median itself is as far from the turning points of a fast movement."""


def bridge(motion: Motion, longest_s: float = BRIDGED_S) -> Motion:
    """Fill gaps between two poses at most ``longest_s`` apart with what lies between them, and mark these frames."""
    known = np.flatnonzero(motion.is_known)
    pose_mm, is_bridged = motion.pose_mm.copy(), motion.is_bridged.copy()
    # Times in files are rounded.
    short = (np.diff(known) > 1) & (np.diff(motion.time_s[known]) <= longest_s * (1 + 1e-6))
    for before, after in zip(known[:-1][short], known[1:][short], strict=True):
        gap = slice(before + 1, after)
        span_s = motion.time_s[after] - motion.time_s[before]
        share = ((motion.time_s[gap] - motion.time_s[before]) / span_s)[:, None, None]
        pose_mm[gap] = (1 - share) * pose_mm[before] + share * pose_mm[after]
        is_bridged[gap] = True
    return replace(motion, pose_mm=pose_mm, is_bridged=is_bridged)


def smooth(motion: Motion, window_s: float = SMOOTHING_S) -> Motion:
    """Replace outliers by the running median, then fit parabolas to every ``window_s`` (Savitzky and Golay, 1964).

    Each stretch of frames with poses is smoothed by itself; frames are taken to be equally far apart. Stretches of
    fewer frames than the window has, and windows of fewer than five frames, are left as they are.
    """
    window, short = (1 + 2 * round(span_s * motion.fps / 2) for span_s in (window_s, MEDIAN_S))
    pose_mm = motion.pose_mm.copy()
    for part in stretches(motion.is_known):
        if window > DEGREE + 2 and part.stop - part.start >= window:
            calm = without_outliers(pose_mm[part], short)
            pose_mm[part] = savgol_filter(calm, window, DEGREE, axis=0, mode="interp")
    return replace(motion, pose_mm=pose_mm)


def without_outliers(values: Float64[np.ndarray, "frames 17 3"], window: int) -> Float64[np.ndarray, "frames 17 3"]:
    """Values, with the running median over ``window`` frames in place of outliers (Hampel's identifier)."""
    middle = median_filter(values, size=(window, 1, 1), mode="nearest")
    distance = np.abs(values - middle)
    # One scale a coordinate, of the whole stretch: that of a window is 0 wherever the person stands still.
    scale = MAD_TO_STD * np.median(distance, axis=0)
    return np.where(distance > OUTLIER_SCALES * np.maximum(scale, LEAST_SCALE_MM), middle, values)
