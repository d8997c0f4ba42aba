"""One pose from synchronous views, the uncertainty that their disagreement tells, and its calibration.

Poses of all views are in one frame (canonical: the person's own), so that they can be averaged without any camera.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from mcss.errors import InputError
from mcss.skeleton import JOINTS

COVERAGE = 0.9
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


class JointScales(NamedTuple):
    """How large the errors of joints are, with one number of views; 17 values each."""

    typical_mm: tuple[float, ...]
    """Median error of a joint."""
    scale: tuple[float, ...]
    """Radius that holds the truth in ``COVERAGE`` of the frames, over ``error_scale_mm``."""


@dataclass(frozen=True)
class Calibration:
    """What the errors of labelled clips say about the uncertainty of joints, by the number of views."""

    by_views: dict[int, JointScales]

    def interval_mm(
        self, spread_mm: Float64[np.ndarray, "frames 17"], views: Float64[np.ndarray, " frames"]
    ) -> Float64[np.ndarray, "frames 17"]:
        """Radius around each joint that holds the true one with the probability ``COVERAGE``; NaN where not known."""
        interval = np.full(spread_mm.shape, np.nan)
        for count, (typical_mm, scale) in self.by_views.items():
            frames = views == count
            interval[frames] = np.array(scale) * error_scale_mm(spread_mm[frames], np.array(typical_mm))
        return interval

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        by_views = {count: scales._asdict() for count, scales in self.by_views.items()}
        content = {"coverage": COVERAGE, "joints": JOINTS, "by_views": by_views}
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def error_scale_mm(
    spread_mm: Float64[np.ndarray, "frames 17"], typical_mm: Float64[np.ndarray, " 17"]
) -> Float64[np.ndarray, "frames 17"]:
    """Expected size of errors: what all views have wrong alike, and what they disagree in (nothing, of one view)."""
    return np.maximum(np.hypot(np.nan_to_num(spread_mm), typical_mm), 1.0)


def calibrate(
    error_mm: Float64[np.ndarray, "frames 17"],
    spread_mm: Float64[np.ndarray, "frames 17"],
    views: Float64[np.ndarray, " frames"],
) -> Calibration:
    """Choose the scales so that ``COVERAGE`` of these errors lie within the interval (split conformal prediction).

    It holds for new frames as far as they are like these: take people that the network was not trained on, and several.

    Args:
        error_mm: distance of each joint from the truth; NaN where it is not known.
        spread_mm: of the views, see ``fuse``.
        views: number of views that each frame has a pose from.
    """
    by_views = {}
    for count in np.unique(views[views > 0]).astype(int).tolist():
        frames = (views == count) & np.isfinite(error_mm).all(axis=1)
        if frames.any():
            typical_mm = np.median(error_mm[frames], axis=0)
            ratio = error_mm[frames] / error_scale_mm(spread_mm[frames], typical_mm)
            level = min(1.0, np.ceil(COVERAGE * (len(ratio) + 1)) / len(ratio))
            scale = np.quantile(ratio, level, axis=0, method="higher")
            by_views[count] = JointScales(tuple(typical_mm.tolist()), tuple(scale.tolist()))
    return Calibration(by_views)


def read_calibration(path: Path) -> Calibration:
    """Read what ``Calibration.save`` wrote.

    Raises:
        InputError: it is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))["by_views"]
        found = {int(views): JointScales(**{name: _joints(v) for name, v in s.items()}) for views, s in content.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a calibration ({error}); make one with mcss predict --calibrate") from None
    return Calibration(found)


def _joints(values: Sequence[float]) -> tuple[float, ...]:
    if len(values) != len(JOINTS):
        raise ValueError("not one number a joint")
    return tuple(float(value) for value in values)
