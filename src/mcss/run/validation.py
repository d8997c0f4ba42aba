"""Logs figures of the validation clips."""

import numpy as np
import pytorch_lightning as pl

from mcss.batch import EvalBatch, Prediction
from mcss.models.module import MCSSModule
from mcss.run.agreement import view_agreement
from mcss.run.camera_frame import in_camera_frame
from mcss.run.checkpoints import log_step_of_weights
from mcss.run.datamodule import datamodule_of
from mcss.run.predictions import batch_predictions, embedding_spread, gathered, prediction_errors


class ValidationFigures(pl.Callback):
    """Logs pose errors, spread of the embedding and agreement of views on the validation clips.

    These figures are for tuning and are never reported as results. Errors are over h36m16, averaged over labelled
    images (micro), in the network's pose frame. Those named ``val/tuning_...`` are of people whose labels are trained
    on (``MultiviewPoseDataModule.rows_tuning``): settings are chosen by them, since no other labels may be known.
    """

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
        """Compute the figures over the images of all ranks, and log them."""
        predictions, data = gathered(self.parts), datamodule_of(trainer)
        errors = prediction_errors(predictions)
        of_tuning = errors[np.isin(predictions["row"], data.rows_tuning)]
        figures = {
            **errors.mean().dropna(),  # NaN where no image has a pose
            **of_tuning.mean().dropna().add_prefix("tuning_"),
            **embedding_spread(predictions["embedding"]),
            **view_agreement(data.labelled_store, predictions, pl_module),
        }
        if (in_camera := in_camera_frame(predictions)) is not None:
            figures["mpjpe_camera_frame_mm"] = prediction_errors(in_camera)["mpjpe_mm"].mean()
            figures["yaw_error_deg"] = np.nanmean(np.abs(predictions["yaw_error_deg"]))
        log_step_of_weights(trainer, pl_module)
        for name, value in figures.items():
            pl_module.log(f"val/{name}", value, prog_bar=name == "n_mpjpe_mm", rank_zero_only=True)
