"""What happens when the machine is wanted back: SIGTERM or SIGUSR1, from a scheduler or a person."""

import signal
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from mcss.run.checkpoints import LAST_CHECKPOINT, RunCheckpointIO
from mcss.stop_signals import STOP_SIGNALS

EXIT_CODE_AGAIN = 75
"""Exit code of a run that was stopped and goes on when it is started again (EX_TEMPFAIL of sysexits.h)."""


class Preemption(Checkpoint):
    """On a stop signal to any rank: all of them end the step, save the checkpoint, and exit for another start.

    What a step logs, and the validation after it, come before the exit. The first rank exits with code 75, the others
    with 0. Lightning's handlers are replaced: for SLURM's requeue signal they save in the middle of a step, which does
    not resume as if uninterrupted, into a file of their own; and on SIGTERM they start a collective wherever the ranks
    happen to be. Where the checkpoint cannot be written, the last line says how many steps are lost.
    """

    # A kind of Checkpoint, because Lightning calls these last: what other callbacks count is complete by then.

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Listen from now on; Lightning restores the former handlers after training."""
        self._is_asked = self._is_stopping = False
        for number in STOP_SIGNALS:
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._is_asked = True

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save where a rank was asked to stop."""
        if trainer.strategy.reduce_boolean_decision(self._is_asked, all=False):
            trainer.save_checkpoint(Path(trainer.default_root_dir) / LAST_CHECKPOINT)
            self._is_stopping = True

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Exit in place of another step; after the last one the run ends by itself."""
        if self._is_stopping:
            if trainer.is_global_zero:
                print(f"stopped by a signal after step {trainer.global_step}{_what_is_left(trainer)}", flush=True)
            raise SystemExit(EXIT_CODE_AGAIN if trainer.is_global_zero else 0)


def _what_is_left(trainer: pl.Trainer) -> str:
    writer = trainer.strategy.checkpoint_io
    if not isinstance(writer, RunCheckpointIO) or writer.failure is None:
        return ": the same command goes on"
    lost = trainer.global_step - writer.step
    return (
        f", but no checkpoint could be written ({writer.failure}): {lost} steps are lost,"
        f" the same command goes on from step {writer.step}"
    )
