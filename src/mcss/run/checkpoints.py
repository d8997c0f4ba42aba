"""The checkpoints of a run: when they are written, how they reach the disk, and which one a run resumes from.

``mcss.models.checkpoint`` reads a checkpoint into a network; it belongs to the library, because it needs no run.
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
from pytorch_lightning.utilities import rank_zero_warn

from mcss import distributed
from mcss.errors import InputError
from mcss.models.checkpoint import PREVIOUS_CHECKPOINT, read_checkpoint

LAST_CHECKPOINT = Path("checkpoints") / "last.ckpt"


def intact_checkpoint(path: Path) -> Path:
    """Return ``path``, or the previous checkpoint of the run where only that one can be read, with a warning.

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
    """Keeps ``checkpoints/last.ckpt`` in the run's folder: every so many steps, and at the end of training.

    The last checkpoint is the one that is tested: choosing one by validation labels would use labels that the
    supervision level does not have. A file that cannot be written in the course of training is a warning
    (``RunCheckpointIO``); the one at the end is an error.

    Args:
        every_n_steps: at most so many steps are lost by a kill.
    """

    def __init__(self, every_n_steps: int = 250) -> None:
        if every_n_steps < 1:
            raise InputError(f"LastCheckpoint.every_n_steps must be positive, got {every_n_steps}")
        self.every_n_steps = every_n_steps

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save where it is due."""
        if trainer.global_step % self.every_n_steps == 0:
            self._save(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save.

        Raises:
            InputError: the checkpoint could not be written.
        """
        self._save(trainer)
        writer = trainer.strategy.checkpoint_io
        failure, *_ = distributed.gather_objects(writer.failure if isinstance(writer, RunCheckpointIO) else None)
        if failure:
            raise InputError(
                f"the run's last checkpoint could not be written ({failure}):"
                " make space and run the same command again, it goes on from the one before"
            )

    @staticmethod
    def _save(trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(Path(trainer.default_root_dir) / LAST_CHECKPOINT)


class RunCheckpointIO(TorchCheckpointIO):
    """Checkpoints of which a good one is always there.

    A file is written beside its place and moved there in one step, once it is on the disk: a kill leaves the former
    one. (Lightning's own way goes through the system's temporary folder, often another file system, where moving is
    copying.) The one before it stays as ``previous.ckpt``. What cannot be written is told and remembered, and training
    goes on: the next checkpoint may find space again.
    """

    failure: str | None = None
    """Why the latest checkpoint could not be written; None where it was. Known to the rank that writes."""
    step = 0
    """Of the checkpoint that the run would go on from now: the one written last, or the one that it resumed from."""
    _is_last_good = True

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any = None) -> None:
        """Write ``checkpoint``; where that fails, warn and keep the former file."""
        place = Path(path)
        partial = place.with_suffix(".partial")
        content = io.BytesIO()
        torch.save(checkpoint, content)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _write_through(partial, content)
            if self._is_last_good:
                _keep_previous(place)
            os.replace(partial, place)
            self.failure, self.step, self._is_last_good = None, checkpoint["global_step"], True
        except OSError as error:
            self.failure = f"{place}: {error.strerror}"
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            rank_zero_warn(
                f"step {checkpoint['global_step']}: no checkpoint could be written ({self.failure}); training goes on,"
                " the former checkpoint stays. Make space in that folder."
            )

    def load_checkpoint(
        self, path: _PATH, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Content of a run's checkpoint, on the CPU; always read with ``weights_only=True``.

        Raises:
            InputError: it is absent, damaged, or no checkpoint of this project.
        """
        content = read_checkpoint(Path(path))
        self.step = content.get("global_step", 0)
        # A run goes on from the previous one where the last is damaged, which must not take the good one's place.
        self._is_last_good = Path(path).name != PREVIOUS_CHECKPOINT
        return content


def _write_through(path: Path, content: io.BytesIO) -> None:
    with path.open("wb") as file:
        file.write(content.getbuffer())
        file.flush()
        os.fsync(file.fileno())


def _keep_previous(place: Path) -> None:
    """Give the file at ``place`` a second name, so that replacing it does not remove it."""
    if not place.is_file():
        return
    previous = place.with_name(PREVIOUS_CHECKPOINT)
    with contextlib.suppress(OSError):  # a file system without hard links keeps one checkpoint
        previous.unlink(missing_ok=True)
        os.link(place, previous)
