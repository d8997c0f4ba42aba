"""Callbacks of a training: errors on the validation clips, and a warning where the embedding collapses."""

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_warn

from mcss import distributed
from mcss.batch import EvalBatch, Prediction
from mcss.losses.contrastive import effective_rank
from mcss.metrics.reported import METRICS
from mcss.models.module import MCSSModule
from mcss.skeleton import LEFT_HIP


class ValidationErrors(pl.Callback):
    """Pose errors on the validation clips, for tuning, never for results: h36m16, micro, the network's pose frame."""

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Reset what was measured."""
        self.metrics = {
            f"val/{name}": reported.metric("h36m16", dist_sync_fn=distributed.gather_states)
            for name, reported in METRICS.items()
        }

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: MCSSModule,
        outputs: Prediction,
        batch: EvalBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add the errors of a batch's labelled poses."""
        pose_true, pose_pred = pl_module.target(batch.pose_world).cpu(), outputs.pose.float().cpu()
        labelled = pose_true[:, LEFT_HIP].isfinite().all(dim=1)  # other joints may be missing
        for metric in self.metrics.values():
            metric.update(pose_pred[labelled], pose_true[labelled])

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Log them, where any rank has a pose: computing them is a collective."""
        poses = sum(distributed.gather_objects(int(self.metrics["val/mpjpe_mm"].pose_count.sum())))
        for name, metric in self.metrics.items():
            if poses:
                pl_module.log(name, metric.compute().float(), prog_bar=name == "val/n_mpjpe_mm", rank_zero_only=True)


class CollapseWatch(pl.Callback):
    """Warns when all images have (nearly) the same embedding: the contrastive loss then teaches nothing.

    Measured on the validation images: mean distance of embeddings of different images, and their effective rank.

    Args:
        min_mean_distance: smallest mean distance without a warning; random unit vectors are 1.41 apart.
        min_rank: smallest effective rank without a warning.
        max_images: largest number of validation images that are compared.
    """

    def __init__(self, min_mean_distance: float = 0.1, min_rank: float = 3.0, max_images: int = 1024) -> None:
        self.min_mean_distance = min_mean_distance
        self.min_rank = min_rank
        self.max_images = max_images

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Reset what was measured."""
        self.parts: list[tuple[torch.Tensor, torch.Tensor]] = []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: MCSSModule,
        outputs: Prediction,
        batch: EvalBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the batch's rows and embeddings."""
        self.parts.append((batch.row.cpu(), outputs.embedding.float().cpu()))

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Log both figures; warn if they are below their limits."""
        parts = [part for share in distributed.gather_objects(self.parts) for part in share]
        row, embedding = (torch.cat(column) for column in zip(*parts, strict=True))
        embedding = embedding[row.argsort()]
        # Evenly spread over the clips, which follow one another.
        embedding = embedding[:: -(-len(embedding) // self.max_images)]
        if len(embedding) < 2:
            return
        mean_distance = torch.pdist(embedding).mean()
        rank = effective_rank(embedding)
        pl_module.log("val/mean_distance", mean_distance, rank_zero_only=True)
        pl_module.log("val/effective_rank", rank, rank_zero_only=True)
        if not trainer.sanity_checking and (mean_distance < self.min_mean_distance or rank < self.min_rank):
            rank_zero_warn(
                f"COLLAPSED EMBEDDING at step {trainer.global_step}: mean distance {mean_distance:.3f}"
                f" (expected >= {self.min_mean_distance}), effective rank {rank:.1f} (expected >= {self.min_rank})."
                " Lower model.contrastive.threshold, or lengthen model.contrastive.warmup_steps."
            )
