"""The predictions of a test, image by image: ``test_predictions.npz``, errors, and figures with the images."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int, UInt8
from matplotlib.figure import Figure
from torch import Tensor

from data_modules.store import Store
from mcss.geometry.canonical import to_root
from mcss.metrics.pck import AUC3D, PCK3D
from mcss.metrics.pose_error import over_known_joints
from mcss.metrics.reported import METRICS
from mcss.skeleton import joint_indices
from mcss.visualization.poses import pose_figure

Predictions = Mapping[str, np.ndarray]
"""``row`` of the store, ``pose_pred_mm`` and ``pose_true_mm`` (h36m17, one frame), ``embedding``; sorted by row."""

SHOWN_QUANTILES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
"""Quantiles of the error at which the images of a figure are chosen."""
PCK_METRICS = {
    "pck_150mm_percent": (PCK3D, "joints nearer than 150 mm, both poses relative to their own pelvis"),
    "auc_percent": (AUC3D, "mean of the percentages of joints nearer than 0, 5, ..., 150 mm"),
}
"""By name in ``results.json``, with definitions."""
PCK_JOINT_SETS = ("mpi14", "h36m17")
_COLOURS = "left blue, right red, truth dashed"


def merged(parts: Iterable[Predictions]) -> dict[str, np.ndarray]:
    """Predictions of several batches, sorted by row."""
    parts = list(parts)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(joined["row"])
    return {name: values[order] for name, values in joined.items()}


def read_predictions(path: Path) -> dict[str, np.ndarray]:
    """Content of ``test_predictions.npz``."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def pose_errors(
    pose_pred: Float[Tensor, "poses 17 3"], pose_true: Float[Tensor, "poses 17 3"], joint_set: str = "h36m16"
) -> pd.DataFrame:
    """Each of ``METRICS`` in mm, a column each, for every pose over its known joints.

    NaN where too few joints are known. Both poses are in one frame.
    """
    joints = list(joint_indices(joint_set))
    pred, true = to_root(pose_pred)[:, joints], to_root(pose_true)[:, joints]
    errors = {name: over_known_joints(reported.metric.pose_error, pred, true)[0] for name, reported in METRICS.items()}
    return pd.DataFrame({name: error.numpy() for name, error in errors.items()})


def prediction_errors(predictions: Predictions, joint_set: str = "h36m16") -> pd.DataFrame:
    """``pose_errors`` of ``test_predictions.npz``."""
    pose_pred, pose_true = (torch.from_numpy(predictions[name]) for name in ("pose_pred_mm", "pose_true_mm"))
    return pose_errors(pose_pred, pose_true, joint_set)


def pck_results(predictions: Predictions, frame: str) -> list[dict[str, Any]]:
    """3D PCK and AUC of ``test_predictions.npz``: an entry for each metric and joint set, with all that defines it."""
    pose_pred, pose_true = (torch.from_numpy(predictions[name]) for name in ("pose_pred_mm", "pose_true_mm"))
    entries = []
    for joint_set in PCK_JOINT_SETS:
        for name, (metric_class, definition) in PCK_METRICS.items():
            metric = metric_class(joint_set)
            metric.update(pose_pred, pose_true)
            value = round(float(metric.compute()), 3)
            entries.append(
                {"metric": name, "value": value, "joint_set": joint_set, "frame": frame, "definition": definition}
            )
    return entries


def at_quantiles(error: Float[np.ndarray, " images"]) -> Int[np.ndarray, " chosen"]:
    """Index of the image at each of ``SHOWN_QUANTILES`` of ``error``."""
    places = np.round(np.array(SHOWN_QUANTILES) * (len(error) - 1)).astype(int)
    return np.argsort(error, kind="stable")[places]


def images_of_rows(store: Store, rows: Int[np.ndarray, " chosen"]) -> UInt8[np.ndarray, "chosen side side 3"]:
    """RGB images of these rows, at the size of the store."""
    return store.decode(rows, store.meta.crop_size_px).permute(0, 2, 3, 1).numpy()


def image_title(store: Store, row: int) -> str:
    """Subject, action and camera of an image."""
    return f"{store.subject[row]} {store.action[row]}\ncamera {store.camera[row]}"


def extreme_poses_figure(name: str, store: Store, frame: str, predictions: Predictions) -> Figure:
    """Best, median and worst three test images of a run, by MPJPE (h36m16), with the true and the predicted pose."""
    error = prediction_errors(predictions)["mpjpe_mm"].to_numpy()
    ranked = np.argsort(error)[: len(error) - np.isnan(error).sum()]
    middle = len(ranked) // 2
    chosen = {"best": ranked[:3], "median": ranked[middle - 1 : middle + 2], "worst": ranked[-3:]}
    labels = [f"{group}: {error[index]:.0f} mm" for group, indices in chosen.items() for index in indices]
    heading = f"{name}: test images, MPJPE (h36m16, {frame} frame); {_COLOURS}"
    return _poses_figure(store, {"prediction": predictions}, np.concatenate(list(chosen.values())), labels, heading)


def compared_poses_figure(store: Store, frame: str, runs: Mapping[str, Predictions]) -> Figure:
    """Test images at ``SHOWN_QUANTILES`` of the runs' mean MPJPE, with the truth and each run's prediction."""
    errors = {name: prediction_errors(content)["mpjpe_mm"].to_numpy() for name, content in runs.items()}
    chosen = at_quantiles(np.mean(list(errors.values()), axis=0))
    labels = [", ".join(f"{name} {error[index]:.0f}" for name, error in errors.items()) + " mm" for index in chosen]
    heading = (
        f"Test images at the {', '.join(f'{q:.0%}' for q in SHOWN_QUANTILES)} quantiles of the mean error;"
        f" MPJPE (h36m16, {frame} frame); {_COLOURS}"
    )
    return _poses_figure(store, runs, chosen, labels, heading)


def _poses_figure(
    store: Store,
    runs: Mapping[str, Predictions],
    chosen: Int[np.ndarray, " chosen"],
    labels: Sequence[str],
    heading: str,
) -> Figure:
    first = next(iter(runs.values()))
    rows = first["row"][chosen]
    titles = [f"{label}\n{image_title(store, row)}" for label, row in zip(labels, rows.tolist(), strict=True)]
    poses_pred = {name: content["pose_pred_mm"][chosen] for name, content in runs.items()}
    return pose_figure(images_of_rows(store, rows), first["pose_true_mm"][chosen], poses_pred, titles, heading)
