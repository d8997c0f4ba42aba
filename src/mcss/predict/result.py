"""From the predictions of the views to one motion."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from mcss.predict.calibration import Calibration
from mcss.predict.chunks import Predictions
from mcss.predict.fuse import fuse
from mcss.predict.motion import Motion, motion
from mcss.predict.smooth import bridge, smooth


@dataclass(frozen=True)
class TimeSettings:
    """How poses are treated over time.

    Attributes:
        smoothing_s: stretch of time that a smoothed pose is computed from; 0 switches smoothing off.
        bridged_s: longest time between two poses that is bridged; 0 bridges nothing.
    """

    smoothing_s: float
    bridged_s: float


@dataclass(frozen=True, eq=False)
class FusedViews:
    """One pose a frame, of all views that have one."""

    pose_mm: Float64[np.ndarray, "frames 17 3"]
    spread_mm: Float64[np.ndarray, "frames 17"]
    """Of the views; NaN with fewer than two."""
    views: Float64[np.ndarray, " frames"]
    """How many views have a pose."""


def fuse_predictions(predictions: Predictions) -> FusedViews:
    """Fuse the views, each weighted by its confidence."""
    pose_mm, confidence = predictions.pose_mm.astype(np.float64), predictions.confidence.astype(np.float64)
    fused, spread = fuse(pose_mm, confidence)
    return FusedViews(fused, spread, (confidence > 0).sum(axis=0).astype(np.float64))


def make_motion(
    fused: FusedViews,
    time_s: Float64[np.ndarray, " frames"],
    frame: str,
    settings: TimeSettings,
    calibration: Calibration | None,
) -> Motion:
    """Bridge short gaps, smooth, and state the uncertainty where there is a calibration."""
    made = motion(time_s, fused.pose_mm, frame)
    if calibration is not None:
        made = replace(made, interval_mm=calibration.interval_mm(fused.spread_mm, fused.views))
    if settings.bridged_s > 0:
        made = bridge(made, settings.bridged_s)
    return smooth(made, settings.smoothing_s) if settings.smoothing_s > 0 else made
