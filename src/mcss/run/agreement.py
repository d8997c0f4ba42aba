"""Measures without labels how alike a network sees one moment from several cameras, in validation and in the test."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from data_modules.store import Store
from mcss.batch import EvalBatch, Prediction
from mcss.metrics.view_agreement import ViewAgreement
from mcss.models.module import MCSSModule
from mcss.run.datamodule import datamodule_of

SHARED_FRAMES = ("canonical", "root")
"""Frames in which two views of an instant have one pose; elsewhere the views' poses are not compared."""
UNTRAINED_SEED = 0
AGREEMENT_FILE = "view_agreement.json"


class ViewAgreementWatch(pl.Callback):
    """Logs ``ViewAgreement`` of the validation clips, labelled or not."""

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Reset what was measured."""
        self.metric = ViewAgreement()

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: MCSSModule,
        outputs: Prediction,
        batch: EvalBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add a batch."""
        add_images(self.metric, datamodule_of(trainer).labelled_store, batch.row, outputs.embedding, outputs.pose)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Log the figures."""
        for name, value in reported(self.metric, pl_module).items():
            pl_module.log(f"val/{name}", value, rank_zero_only=True)


def add_images(
    metric: ViewAgreement,
    store: Store,
    row: Int[Tensor, " images"],
    embedding: Float[Tensor, "images dim"],
    pose: Float[Tensor, "images 17 3"],
) -> None:
    """Update the metric with what a network says of rows of a store."""
    rows = row.cpu().numpy()
    camera = np.searchsorted(np.sort(np.unique(store.camera)), store.camera[rows])
    columns = (store.clip[rows], camera, store.instant[rows], store.time_s[rows].astype(np.float64))
    metric.update(embedding.float(), pose.float(), *map(torch.from_numpy, columns))


def reported(metric: ViewAgreement, network: MCSSModule) -> dict[str, float]:
    """Figures that mean something for this network: those of poses only where it predicts them in a shared frame."""
    has_poses = network.pose_frame in SHARED_FRAMES and bool((network.pose_std_mm != 1).any())  # 1: never fitted
    figures = metric.compute()
    return {name: value for name, value in figures.items() if has_poses or not name.startswith("views_disagree")}


def agreement_of_test(
    store: Store,
    predictions: Mapping[str, np.ndarray],
    untrained_embedding: Float[np.ndarray, "images dim"],
    network: MCSSModule,
) -> dict[str, dict[str, float]]:
    """Figures of the tested network, and of one with random weights, which has no poses to compare."""
    row, pose = torch.from_numpy(predictions["row"]), torch.from_numpy(predictions["pose_pred_mm"])
    figures = {}
    for name, embedding in (("network", predictions["embedding"]), ("untrained", untrained_embedding)):
        metric = ViewAgreement()
        add_images(metric, store, row, torch.from_numpy(embedding), pose)
        found = reported(metric, network)
        figures[name] = {
            key: round(value, 4)
            for key, value in found.items()
            if name == "network" or not key.startswith("views_disagree")
        }
    return figures


def untrained_copy(network: nn.Module) -> nn.Module:
    """The same layers with weights drawn anew: what pictures tell without any training."""
    copied = copy.deepcopy(network).cpu()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        for module in copied.modules():
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
    return copied.to(next(network.parameters()).device).eval()


def write_unlabelled(folder: Path, store: Store, figures: Mapping[str, Mapping[str, float]]) -> None:
    """Write and print what is known of test subjects without any label."""
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
