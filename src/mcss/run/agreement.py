"""Measures, without labels, how well predictions from different views of an instant agree."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from data_modules.store import Store
from mcss.metrics.view_agreement import ViewAgreement
from mcss.models.module import MCSSModule
from mcss.run.predictions import Predictions

SHARED_FRAMES = ("canonical", "root")
"""Frames in which two views of an instant have one pose; elsewhere the views' poses are not compared."""
UNTRAINED_SEED = 0
AGREEMENT_FILE = "view_agreement.json"


def view_agreement(store: Store, predictions: Predictions, network: MCSSModule) -> dict[str, float]:
    """Figures of ``ViewAgreement`` for rows of a store; those of poses only where the network predicts poses.

    Poses are compared where the network was trained with labels and predicts in a frame that all views share.
    """
    rows = predictions["row"]
    camera = np.unique(store.camera, return_inverse=True)[1][rows]
    columns = (predictions["embedding"], predictions["pose_pred_mm"], store.clip[rows], camera, store.instant[rows])
    metric = ViewAgreement(sync_on_compute=False)  # the predictions are those of all ranks
    metric.update(*map(torch.from_numpy, (*columns, store.time_s[rows].astype(np.float64))))
    has_poses = network.pose_frame in SHARED_FRAMES and bool((network.pose_std_mm != 1).any())  # 1: never fitted
    return {name: value for name, value in metric.compute().items() if has_poses or not _is_of_poses(name)}


def agreement_of_test(
    store: Store,
    predictions: Predictions,
    untrained_embedding: Float[np.ndarray, "images dim"],
    network: MCSSModule,
) -> dict[str, dict[str, float]]:
    """Figures of the tested network, and of one with random weights, which has no poses to compare."""
    figures = view_agreement(store, predictions, network)
    untrained = view_agreement(store, {**predictions, "embedding": untrained_embedding}, network)
    return {
        "network": {name: round(value, 4) for name, value in figures.items()},
        "untrained": {name: round(value, 4) for name, value in untrained.items() if not _is_of_poses(name)},
    }


def _is_of_poses(name: str) -> bool:
    return not name.startswith("same_instant")


def untrained_copy(network: nn.Module) -> nn.Module:
    """Copy of ``network`` with random weights, as a reference without training."""
    copied = copy.deepcopy(network).cpu()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        for module in copied.modules():
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
    return copied.to(next(network.parameters()).device).eval()


def write_unlabelled(folder: Path, store: Store, figures: Mapping[str, Mapping[str, float]]) -> None:
    """Write and print the figures of test subjects without labels."""
    path = folder / AGREEMENT_FILE
    folder.mkdir(parents=True, exist_ok=True)
    content = {"test_store": str(store.path), "test_data_hash": store.content_hash, **figures}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    text = agreement_text(figures) or "no clip is seen by two cameras: nothing can be measured\n"
    print(f"{store.path}: no test subject has a 3D label, so there is no error in mm\n{text}\nwritten: {path}")


def agreement_text(figures: Mapping[str, Mapping[str, float]]) -> str:
    """A line for each figure of ``agreement_of_test``, the untrained network's beside."""
    lines = []
    for name, value in figures.get("network", {}).items():
        untrained = figures["untrained"].get(name)
        lines.append(f"{name}: {value:.3g}" + ("" if untrained is None else f" (untrained network {untrained:.3g})"))
    return "\n".join(["", "without labels, between views of one clip:", *lines, ""]) if lines else ""
