"""``mcss predict``: poses and embeddings of a folder of images, written to files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from mcss.batch import Prediction
from mcss.models.module import MCSSModule
from mcss.skeleton import JOINTS

PREDICTIONS_FILE = "predictions.npz"


class PredictionWriter(pl.Callback):
    """Writes ``predictions.npz`` into the run's folder.

    ``image`` (file names), ``pose_mm`` (images, 17, 3; pelvis at 0, in ``frame``), ``embedding`` (images, dim; unit
    length), ``joints`` (names), ``frame`` (canonical: the left hip lies on +X, Z is up, the person faces -Y).
    """

    def on_predict_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Begin anew."""
        self.predictions: list[Prediction] = []

    def on_predict_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: MCSSModule,
        outputs: Prediction,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the batch's predictions."""
        self.predictions.append(Prediction(*(field.float().cpu() for field in outputs)))

    def on_predict_end(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Write them."""
        embedding, pose = (torch.cat(fields).numpy() for fields in zip(*self.predictions, strict=True))
        path = Path(trainer.default_root_dir) / PREDICTIONS_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            path,
            image=np.array(pl_module.data.predict_names),
            pose_mm=pose,
            embedding=embedding,
            joints=np.array(JOINTS),
            frame=np.array(pl_module.pose_frame),
        )
        print(f"written: {path} ({len(pose)} images; {pl_module.pose_frame} frame, mm)")
