"""Predictions of single images, ``test_predictions.npz``, and the errors computed from them."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from mcss import distributed
from mcss.batch import EvalBatch, Prediction
from mcss.errors import InputError
from mcss.geometry.canonical import to_root
from mcss.losses.contrastive import effective_rank
from mcss.metrics.pck import AUC3D, PCK3D
from mcss.metrics.pose_error import over_known_joints
from mcss.metrics.reported import METRICS
from mcss.models.module import MCSSModule
from mcss.run.camera_frame import camera_frame_predictions
from mcss.skeleton import joint_indices

Predictions = Mapping[str, np.ndarray]
"""``row`` of the store, ``pose_pred_mm`` and ``pose_true_mm`` (h36m17, one frame), ``embedding``; sorted by row."""

PCK_METRICS = {
    "pck_150mm_percent": (PCK3D, "joints nearer than 150 mm, both poses relative to their own pelvis"),
    "auc_percent": (AUC3D, "mean of the percentages of joints nearer than 0, 5, ..., 150 mm"),
}
"""Metric and definition by the name in ``results.json``."""
PCK_JOINT_SETS = ("mpi14", "h36m17")
_EMBEDDINGS = 1024


def batch_predictions(network: MCSSModule, batch: EvalBatch, outputs: Prediction) -> dict[str, np.ndarray]:
    """Predictions of the images of a batch, with the true poses in the network's frame.

    With those in the camera's frame where the network predicts it, see ``camera_frame_predictions``.
    """
    tensors = {
        "row": batch.row,
        "pose_pred_mm": outputs.pose.float(),
        "pose_true_mm": network.target(batch.pose_world, batch.geometry),
        "embedding": outputs.embedding.float(),
    }
    own_frame = {name: values.cpu().numpy() for name, values in tensors.items()}
    return own_frame | camera_frame_predictions(batch, outputs)


def gathered(parts: Sequence[Predictions]) -> dict[str, np.ndarray]:
    """Predictions of the batches of all ranks, sorted by row; on every rank."""
    parts = [part for of_rank in distributed.gather_objects(parts) for part in of_rank]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(joined["row"])
    return {name: values[order] for name, values in joined.items()}


def read_predictions(path: Path) -> dict[str, np.ndarray]:
    """Content of ``test_predictions.npz``.

    Raises:
        InputError: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{path}: damaged; test the run again") from None


def pose_errors(
    pose_pred: Float[Tensor, "poses 17 3"], pose_true: Float[Tensor, "poses 17 3"], joint_set: str = "h36m16"
) -> pd.DataFrame:
    """Errors in mm of each pose over its known joints, one column for each of ``METRICS``.

    NaN where too few joints are known. Predicted and true poses are in the same frame.
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
    """3D PCK and AUC of ``test_predictions.npz``: one entry for each metric and joint set, with its definition."""
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


def embedding_spread(embedding: Float32[np.ndarray, "images dim"]) -> dict[str, float]:
    """Mean distance and effective rank of the embeddings of at most 1,024 images, evenly spread; empty for one."""
    chosen = torch.from_numpy(embedding[:: -(-len(embedding) // _EMBEDDINGS)])
    if len(chosen) < 2:
        return {}
    return {"mean_distance": float(torch.pdist(chosen).mean()), "effective_rank": float(effective_rank(chosen))}
