"""What is logged of the validation clips, and a warning where the embedding collapses."""

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.utilities import rank_zero_warn

from mcss.batch import EvalBatch, Prediction
from mcss.models.module import MCSSModule
from mcss.run.agreement import view_agreement
from mcss.run.datamodule import datamodule_of
from mcss.run.predictions import batch_predictions, embedding_spread, gathered, prediction_errors


class ValidationFigures(pl.Callback):
    """Logs pose errors, spread of the embedding and agreement of views on the validation clips.

    These figures are for tuning, never results. Errors are over h36m16, averaged over labelled images (micro), in the
    network's pose frame. A warning is given where all images have nearly the same embedding, so that the contrastive
    loss teaches nothing.

    Args:
        min_mean_distance: smallest mean distance of embeddings without a warning; random unit vectors are 1.41 apart.
        min_rank: smallest effective rank of the embeddings without a warning.
    """

    def __init__(self, min_mean_distance: float = 0.1, min_rank: float = 3.0) -> None:
        self.min_mean_distance = min_mean_distance
        self.min_rank = min_rank

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Start without predictions."""
        self.parts: list[dict[str, np.ndarray]] = []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: MCSSModule,
        outputs: Prediction,
        batch: EvalBatch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the predictions of a batch."""
        self.parts.append(batch_predictions(pl_module, batch, outputs))

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Log the figures of the images of all ranks; warn if the spread is below a limit."""
        predictions = gathered(self.parts)
        spread = embedding_spread(predictions["embedding"])
        figures = {
            **prediction_errors(predictions).mean().dropna(),  # NaN where no image has a pose
            **spread,
            **view_agreement(datamodule_of(trainer).labelled_store, predictions, pl_module),
        }
        for name, value in figures.items():
            pl_module.log(f"val/{name}", value, prog_bar=name == "n_mpjpe_mm", rank_zero_only=True)
        if spread and not trainer.sanity_checking:
            self._warn_of_collapse(trainer.global_step, **spread)

    def _warn_of_collapse(self, step: int, mean_distance: float, effective_rank: float) -> None:
        if mean_distance < self.min_mean_distance or effective_rank < self.min_rank:
            rank_zero_warn(
                f"COLLAPSED EMBEDDING at step {step}: mean distance {mean_distance:.3f}"
                f" (expected >= {self.min_mean_distance}), effective rank {effective_rank:.1f}"
                f" (expected >= {self.min_rank})."
                " Lower model.contrastive.threshold, or lengthen model.contrastive.warmup_steps."
            )
