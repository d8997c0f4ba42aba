"""One pose from synchronous views, and how far they disagree.

Poses of all views are in one frame (canonical: the person's own), so that they can be averaged without any camera.
"""

import numpy as np
from jaxtyping import Float64

ROUNDS = 20
HUBER = 1.5
"""Median distances beyond which a view counts less."""
LEAST_SPREAD_MM = 10.0
"""Views that agree within this are all believed alike, and never taken for better than that."""


def fuse(
    pose_mm: Float64[np.ndarray, "views frames 17 3"], confidence: Float64[np.ndarray, "views frames"]
) -> tuple[Float64[np.ndarray, "frames 17 3"], Float64[np.ndarray, "frames 17"]]:
    r"""Fuse the poses of the views that have one (not NaN, confidence above 0).

    Joint by joint, the mean with weights :math:`w_v = c_v \min(1, k s / d_v)`, where :math:`c_v` is the view's
    confidence, :math:`d_v` its distance from the mean and :math:`s` the median distance: a view that contradicts all
    others counts little, and views that do not are averaged (Huber, 1964, by iteratively reweighted least squares).

    Returns:
        The pose, NaN where no view has one; and the spread of a joint, mm: the root of the weighted mean squared
        distance of the views from it, at least ``LEAST_SPREAD_MM``; NaN where fewer than two views have a pose.
    """
    seen = np.isfinite(pose_mm).all(axis=(2, 3)) & (confidence > 0)
    points = np.where(seen[..., None, None], pose_mm, 0.0)
    base = np.where(seen, confidence, 0.0)[..., None]  # views, frames, 1
    weight = np.broadcast_to(base, points.shape[:3])
    views = seen.sum(axis=0)
    counts = (seen | (views == 0))[..., None]  # where no view has a pose, any value will do: it is NaN in the end
    for _ in range(ROUNDS):
        total = np.maximum(weight.sum(axis=0), 1e-12)
        fused = (weight[..., None] * points).sum(axis=0) / total[..., None]
        distance = np.linalg.norm(points - fused, axis=-1)
        middle = np.nanmedian(np.where(counts, distance, np.nan), axis=0)
        weight = base * np.minimum(1, HUBER * np.maximum(middle, LEAST_SPREAD_MM) / np.maximum(distance, 1e-9))
    mean_square = (base * distance**2).sum(axis=0) / np.maximum(base.sum(axis=0), 1e-12)
    spread = np.maximum(np.sqrt(mean_square), LEAST_SPREAD_MM)
    fused[views == 0], spread[views < 2] = np.nan, np.nan
    return fused, spread
