"""Typed access to the data module of a run, which Lightning's Trainer stores in an undeclared attribute."""

import pytorch_lightning as pl

from data_modules.training.datamodule import MultiviewPoseDataModule


def datamodule_of(trainer: pl.Trainer) -> MultiviewPoseDataModule:
    """Return the data module of ``trainer``."""
    return trainer.datamodule  # type: ignore[attr-defined]
