"""The record of a training; every checkpoint contains it, so that its test needs no other file."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss import distributed
from mcss.distributed import print_on_rank_zero
from mcss.hashing import file_hash
from mcss.models.checkpoint import read_checkpoint
from mcss.run.datamodule import datamodule_of
from mcss.run.folder import RUN_FILE
from mcss.run.history import MetricsHistory

RUN_KEY = "run"
"""Key of the record in a checkpoint."""


class RunRecord(pl.Callback):
    """Keeps the record of the training and stores it in every checkpoint, and in ``run.json`` at the end.

    Steps, images seen and wall time are summed over all attempts of a run that was interrupted and resumed.

    Args:
        facts: result of ``training_facts``; empty if nothing is trained.
    """

    def __init__(self, facts: Mapping[str, Any] | None = None) -> None:
        self.facts = dict(facts or {})
        self.wall_s = 0.0
        self.images_seen = 0
        self.replaced_images: int | None = None
        self._commits: list[str] = []

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Log the facts as hyperparameters, except the settings, which are part of the logged configuration."""
        for logger in trainer.loggers:
            logger.log_hyperparams({key: value for key, value in self.facts.items() if key != "settings"})

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock; delete what was logged after the checkpoint from which training resumes."""
        for logger in trainer.loggers:
            if isinstance(logger, MetricsHistory):
                logger.forget_after(trainer.global_step)
        self._started_s = time.monotonic() - self.wall_s
        data = datamodule_of(trainer)
        print_on_rank_zero(
            f"{trainer.default_root_dir}: steps {trainer.global_step} to {trainer.max_steps}, {trainer.precision} on"
            f" {pl_module.device.type} x {trainer.world_size}; {_batch_sizes(data, trainer.world_size)};"
            f" {len(data.rows_labelled)} images of {data.labelled_instants} instants labelled;"
            f" {len(data.rows_validation) or 'no'} validation images"
        )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count images and time."""
        self.images_seen += len(batch.images) * trainer.world_size
        self.wall_s = time.monotonic() - self._started_s

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write ``run.json``, except in a ``fast_dev_run``."""
        data = datamodule_of(trainer)
        self.replaced_images = sum(distributed.gather_objects(data.replaced_images))
        if trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            path = Path(trainer.default_root_dir) / RUN_FILE
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.content(trainer, pl_module), indent=2) + "\n", encoding="utf-8")

    def content(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, Any]:
        """The record of the training up to this step."""
        data = datamodule_of(trainer)
        commit = self.facts.get("commit")
        earlier = [other for other in self._commits if other != commit]
        return {
            **self.facts,
            "commit": "+".join([*earlier, commit]) if commit else None,
            "steps": trainer.global_step,
            "images_seen": self.images_seen,
            "wall_s": round(self.wall_s, 1),
            "world_size": trainer.world_size,
            "precision": str(trainer.precision),
            "replaced_images": self.replaced_images,
            "labelled_images": len(data.rows_labelled),
            "labelled_instants": data.labelled_instants,
            "labels_2d": "all" if data.needs.joints_2d else "none",
            "data": data.data_name,
            "data_hash": data.data_hash,
            "pixel_hash": data.pixel_hash,
        }

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the record to the checkpoint."""
        if self.facts:
            checkpoint[RUN_KEY] = self.content(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Sums and commits so far, for the checkpoint."""
        commit = self.facts.get("commit")
        commits = [*self._commits, *([commit] if commit and commit not in self._commits else [])]
        return {"wall_s": self.wall_s, "images_seen": self.images_seen, "commits": commits}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the sums of the interrupted attempt."""
        self.wall_s, self.images_seen = state_dict["wall_s"], state_dict["images_seen"]
        self._commits = list(state_dict.get("commits", []))


def checkpoint_record(path: Path) -> dict[str, Any]:
    """The record in a checkpoint, with the checkpoint's own path, hash and step.

    Entries that the record lacks are None; a checkpoint of an earlier version has no record.

    Raises:
        InputError: the checkpoint is absent, damaged, or not of this project.
    """
    unknown = dict.fromkeys(("method", "supervision", "seed", "settings", "commit", "dirty", "precision"))
    return {**unknown, **training_record(path), "checkpoint": str(path), "checkpoint_hash": file_hash(path)}


def training_record(path: Path) -> dict[str, Any]:
    """The record in a checkpoint, and its step.

    Raises:
        InputError: the checkpoint is absent, damaged, or not of this project.
    """
    content = read_checkpoint(path)
    return {**content.get(RUN_KEY, {}), "steps": content["global_step"]}


def _batch_sizes(data: MultiviewPoseDataModule, world_size: int) -> str:
    """Number of pairs and labelled images of a step, on each rank and in total."""
    streams = data.stream_settings
    pairs, labelled = streams.pairs, streams.labelled_images if len(data.rows_labelled) else 0
    text = f"{pairs} pairs + {labelled} labelled images a step"
    if world_size == 1:
        return text
    return f"{text} and rank, {pairs * world_size} + {labelled * world_size} in all"
