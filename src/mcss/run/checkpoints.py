"""Checkpoints of a run: writes them at intervals and at the end, atomically, and chooses which one is resumed.

``mcss.models.checkpoint`` reads a checkpoint into a network; it needs no run and so belongs to the library.
"""

import contextlib
import io
import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.types import _PATH
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.plugins import TorchCheckpointIO
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_warn

from mcss import distributed
from mcss.errors import InputError
from mcss.models.checkpoint import PREVIOUS_CHECKPOINT, read_checkpoint

LAST_CHECKPOINT = Path("checkpoints") / "last.ckpt"


def intact_checkpoint(path: Path) -> Path:
    """Return ``path`` if it can be read, else the previous checkpoint of the run, with a warning.

    Raises:
        InputError: neither can be read.
    """
    try:
        read_checkpoint(path)
    except InputError as error:
        previous = path.with_name(PREVIOUS_CHECKPOINT)
        try:
            step = read_checkpoint(previous)["global_step"]
        except InputError:
            raise error from None
        rank_zero_warn(f"{path}: damaged; training resumes from the previous checkpoint, {previous}, of step {step}")
        return previous
    return path


class LastCheckpoint(Checkpoint):
    """Writes ``checkpoints/last.ckpt`` in the run's folder every ``every_n_steps`` steps and at the end of training.

    The last checkpoint is the one that is tested: choosing one by validation labels would use labels that the
    supervision level does not have. Lightning's ModelCheckpoint is not used because it does not write at the end of
    training unless the number of steps is a multiple of its interval. During training, a
    failure to write is a warning (``RunCheckpointIO``); at the end it is an error.

    Args:
        every_n_steps: interval in steps; a killed run loses at most this many steps.

    Raises:
        InputError: ``every_n_steps`` is not positive.
    """

    def __init__(self, every_n_steps: int = 250) -> None:
        if every_n_steps < 1:
            raise InputError(f"LastCheckpoint.every_n_steps must be positive, got {every_n_steps}")
        self.every_n_steps = every_n_steps

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write a checkpoint if the number of steps is a multiple of the interval."""
        if trainer.global_step % self.every_n_steps == 0:
            save_last_checkpoint(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the final checkpoint.

        Raises:
            InputError: it could not be written.
        """
        save_last_checkpoint(trainer)
        writer = trainer.strategy.checkpoint_io
        failure, *_ = distributed.gather_objects(writer.failure if isinstance(writer, RunCheckpointIO) else None)
        if failure:
            raise InputError(
                f"the run's last checkpoint could not be written ({failure}):"
                " make space and run the same command again, it resumes from the checkpoint before"
            )


def save_last_checkpoint(trainer: pl.Trainer) -> None:
    """Write ``checkpoints/last.ckpt`` of the run, except in a ``fast_dev_run``: no run may resume from one."""
    if not trainer.fast_dev_run:  # type: ignore[attr-defined]
        trainer.save_checkpoint(Path(trainer.default_root_dir) / LAST_CHECKPOINT)


def log_step_of_weights(trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
    """Outside training, log what is measured at the step of the loaded checkpoint; Lightning would log it at step 0.

    Steps in logs are counted from 0, as in training.
    """
    writer = trainer.strategy.checkpoint_io
    if trainer.state.fn != TrainerFn.FITTING and isinstance(writer, RunCheckpointIO):
        pl_module.log("step", float(max(writer.step - 1, 0)), rank_zero_only=True)


class RunCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints so that an intact one always exists; Lightning writes and reads all files through it.

    A file is written beside its destination, flushed to the disk and then renamed, so a kill leaves the previous file
    intact. (Lightning writes to the system's temporary folder first, often another file system, where renaming is
    copying.) The checkpoint before the last is kept as ``previous.ckpt``. If a file cannot be written, a warning is
    printed, ``failure`` is set and training continues, because a later checkpoint may succeed.
    """

    failure: str | None = None
    """Why the latest checkpoint could not be written; None if it was. Set on the rank that writes."""
    step = 0
    """Step of the checkpoint from which the run would resume: the last one written, or the one it resumed from."""
    _is_last_intact = True

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any = None) -> None:
        """Write ``checkpoint``; on failure warn and keep the previous file."""
        destination = Path(path)
        partial = destination.with_suffix(".partial")
        content = io.BytesIO()
        torch.save(checkpoint, content)
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            _write_through(partial, content)
            if self._is_last_intact:
                _keep_previous(destination)
            os.replace(partial, destination)
            self.failure, self.step, self._is_last_intact = None, checkpoint["global_step"], True
        except OSError as error:
            self.failure = f"{destination}: {error.strerror}"
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            rank_zero_warn(
                f"step {checkpoint['global_step']}: no checkpoint could be written ({self.failure}); training"
                " continues, the previous checkpoint is kept. Make space in that folder."
            )

    def load_checkpoint(
        self, path: _PATH, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a run's checkpoint onto the CPU, with ``weights_only=True``.

        Raises:
            InputError: the checkpoint is absent, damaged, or not of this project.
        """
        content = read_checkpoint(Path(path))
        self.step = content.get("global_step", 0)
        # A run that resumes from previous.ckpt has a damaged last.ckpt, which must not replace the intact file.
        self._is_last_intact = Path(path).name != PREVIOUS_CHECKPOINT
        return content


def _write_through(path: Path, content: io.BytesIO) -> None:
    with path.open("wb") as file:
        file.write(content.getbuffer())
        file.flush()
        os.fsync(file.fileno())


def _keep_previous(destination: Path) -> None:
    """Hard-link the file at ``destination`` as ``previous.ckpt``, so that replacing it does not delete it."""
    if not destination.is_file():
        return
    previous = destination.with_name(PREVIOUS_CHECKPOINT)
    with contextlib.suppress(OSError):  # a file system without hard links keeps one checkpoint
        previous.unlink(missing_ok=True)
        os.link(destination, previous)
