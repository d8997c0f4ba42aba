"""Errors in the axes of each image's camera, of networks that predict where the person faces.

They stand beside the errors in the canonical frame, and in tables of their own: the two are not comparable.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mcss.batch import EvalBatch, Prediction
from mcss.geometry.canonical import rotate, to_root
from mcss.geometry.direction import angle_deg, standard_deviation_deg
from mcss.models.facing import rotation_to_view, true_facing

FRAME = "camera"
"""Pelvis at 0, axes of the virtual camera through the centre of the image's box."""
WITHIN_STD = 1.645
"""Standard deviations within which 90 % of normally distributed errors lie."""


def camera_frame_predictions(batch: EvalBatch, outputs: Prediction) -> dict[str, np.ndarray]:
    """Predicted and true poses in the camera's frame, and the yaw's error and uncertainty; nothing without a head.

    NaN where the camera, or the yaw of the label, is not known.
    """
    if outputs.facing is None or batch.geometry is None:
        return {}
    true = true_facing(batch.pose_world, batch.geometry)
    concentrated, direction = (values.float().cpu().numpy() for values in (outputs.facing.concentrated, true.direction))
    error_deg = (angle_deg(concentrated) - angle_deg(direction) + 180) % 360 - 180
    tensors = {
        "pose_camera_pred_mm": rotate(outputs.pose.float(), rotation_to_view(*outputs.facing)),
        "pose_camera_true_mm": rotate(to_root(batch.pose_world), batch.geometry.rot_world_to_view),
    }
    return {name: values.float().cpu().numpy() for name, values in tensors.items()} | {
        "yaw_error_deg": np.where(true.is_known.cpu().numpy(), error_deg, np.nan),
        "yaw_std_deg": standard_deviation_deg(concentrated),
    }


def in_camera_frame(predictions: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """``predictions`` with the poses in the camera's frame; None without such poses, or where no camera is known."""
    if "pose_camera_pred_mm" not in predictions or np.isnan(predictions["pose_camera_true_mm"]).all():
        return None
    poses = {name: predictions[name.replace("pose", "pose_camera")] for name in ("pose_pred_mm", "pose_true_mm")}
    return {**predictions, **poses}


def yaw_figures(predictions: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Number of images with a known yaw, and the error of the predicted one, degrees.

    ``within_90_percent`` is the share of errors within ``WITHIN_STD`` standard deviations, as predicted: 0.9 where the
    uncertainty is right.
    """
    is_known = np.isfinite(predictions["yaw_error_deg"])
    error_deg, std_deg = np.abs(predictions["yaw_error_deg"][is_known]), predictions["yaw_std_deg"][is_known]
    return {
        "images": int(is_known.sum()),
        "median_deg": round(float(np.median(error_deg)), 3),
        "mean_deg": round(float(error_deg.mean()), 3),
        "within_90_percent": round(float((error_deg <= WITHIN_STD * std_deg).mean()), 4),
    }


def yaw_text(figures: Mapping[str, Any]) -> str:
    """What is printed of ``yaw_figures``."""
    return (
        f"yaw of the person relative to the camera: error {figures['median_deg']:.1f} degrees (median),"
        f" {figures['mean_deg']:.1f} (mean) over {figures['images']} images; {figures['within_90_percent']:.1%} within"
        " the predicted 90 % range\n"
    )
