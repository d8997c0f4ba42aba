"""How far the poses of a labelled scene are from its labels: by view, fused, and over time."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from mcss.predict.chunks import Predictions
from mcss.predict.motion import Motion
from mcss.predict.result import FusedViews
from mcss.skeleton import LEFT_HIP, PELVIS, VERTICAL_HIP, joint_indices

JOINT_SET = "h36m16"


class SceneErrors(NamedTuple):
    """Means over the frames with a label and joint set h36m16, in the frame that the network predicts."""

    frames: int
    mpjpe_views_mm: float
    """Of the single views' poses."""
    mpjpe_fused_mm: float
    mpjpe_mm: float
    """Of the motion as it is written."""
    acceleration_fused_mm: float
    """Mean length of the second difference, from frame to frame, of the error."""
    acceleration_mm: float
    """The same of the motion as it is written."""
    covered: float
    """Share of joints within their 90 % interval; NaN where there is none."""

    def as_json(self) -> dict[str, float | int | None]:
        """By name; None where there is no value."""
        return {name: value if np.isfinite(value) else None for name, value in self._asdict().items()}

    def line(self) -> str:
        """The errors in words."""
        text = (
            f"error over {self.frames} labelled frames (MPJPE, mm, {JOINT_SET}): single views"
            f" {self.mpjpe_views_mm:.1f}, fused {self.mpjpe_fused_mm:.1f}, as written {self.mpjpe_mm:.1f}; acceleration"
            f" error (mm a frame squared) {self.acceleration_fused_mm:.1f}, as written {self.acceleration_mm:.1f}"
        )
        return text if np.isnan(self.covered) else f"{text}; 90 % intervals hold {self.covered:.1%} of the joints"


def true_pose_mm(pose_world: Float64[np.ndarray, "frames 17 3"], frame: str) -> Float64[np.ndarray, "frames 17 3"]:
    """Labels in the frame that a network predicts, mm."""
    pose_root = pose_world - pose_world[:, [PELVIS]]
    if frame != "canonical":
        return pose_root
    # As mcss.geometry.canonical.to_canonical, without PyTorch. Hips one above the other have no yaw.
    x, y, z = np.moveaxis(pose_root[:, LEFT_HIP], -1, 0)
    level = np.hypot(x, y)
    is_degenerate = level <= VERTICAL_HIP * np.hypot(level, z)
    cos, sin = (np.where(is_degenerate, value, side / np.maximum(level, 1e-9)) for value, side in ((1.0, x), (0.0, -y)))
    zero, one = np.zeros_like(cos), np.ones_like(cos)
    turn = np.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], axis=-1).reshape(-1, 3, 3)
    return pose_root @ turn.swapaxes(1, 2)


def scene_errors(
    predictions: Predictions, fused: FusedViews, motion: Motion, true_mm: Float64[np.ndarray, "frames 17 3"]
) -> SceneErrors:
    """Compare a scene's poses with its labels."""
    joints = list(joint_indices(JOINT_SET))
    error_mm = joint_errors(motion.pose_mm, true_mm)
    with_interval = np.isfinite(motion.interval_mm) & np.isfinite(error_mm)
    held = (error_mm <= motion.interval_mm)[:, joints][with_interval[:, joints]]
    return SceneErrors(
        frames=int(np.isfinite(error_mm).any(axis=1).sum()),
        mpjpe_views_mm=_mean(joint_errors(predictions.pose_mm.astype(np.float64), true_mm)[..., joints]),
        mpjpe_fused_mm=_mean(joint_errors(fused.pose_mm, true_mm)[:, joints]),
        mpjpe_mm=_mean(error_mm[:, joints]),
        acceleration_fused_mm=_mean(_acceleration_error(fused.pose_mm, true_mm)[:, joints]),
        acceleration_mm=_mean(_acceleration_error(motion.pose_mm, true_mm)[:, joints]),
        covered=_mean(held.astype(np.float64)),
    )


def joint_errors(
    pose_mm: Float64[np.ndarray, "*views frames 17 3"], true_mm: Float64[np.ndarray, "frames 17 3"]
) -> Float64[np.ndarray, "*views frames 17"]:
    """Distance of each joint from the truth, mm; NaN where either is not known."""
    return np.linalg.norm(pose_mm - true_mm, axis=-1)


def _acceleration_error(
    pose_mm: Float64[np.ndarray, "frames 17 3"], true_mm: Float64[np.ndarray, "frames 17 3"]
) -> Float64[np.ndarray, "_ 17"]:
    return np.linalg.norm(np.diff(pose_mm - true_mm, n=2, axis=0), axis=-1)


def _mean(values: Float[np.ndarray, "..."]) -> float:
    """Mean of the known values; NaN where there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
