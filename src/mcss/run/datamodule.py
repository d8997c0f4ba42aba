"""The data module of a run, with its type: Lightning's trainer holds it as an attribute that it does not declare."""

import pytorch_lightning as pl

from data_modules.training.datamodule import MultiviewPoseDataModule


def datamodule_of(trainer: pl.Trainer) -> MultiviewPoseDataModule:
    """The data module with which ``trainer`` was started."""
    return trainer.datamodule  # type: ignore[attr-defined]
