"""Handles SIGTERM and SIGUSR1: finish the step, save a checkpoint, exit with code 75."""

import signal
from types import FrameType
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from mcss.run.checkpoints import RunCheckpointIO, save_last_checkpoint
from mcss.stop_signals import STOP_SIGNALS

EXIT_CODE_AGAIN = 75
"""Exit code of a run that was stopped by a signal and resumes when it is started again (EX_TEMPFAIL of sysexits.h)."""


class Preemption(Checkpoint):
    """On a stop signal to any rank, all ranks finish the step, save the checkpoint and exit.

    The step's logging and a validation that is due after it still happen. The first rank exits with code 75, the others
    with 0. If the checkpoint cannot be written, the last line printed says how many steps are lost.

    Lightning's own handlers are replaced. On SLURM's requeue signal they save in the middle of a step, into another
    file, and a run resumed from it differs from an uninterrupted one; on SIGTERM they start a collective operation
    while ranks may be at different steps.
    """

    # A subclass of Checkpoint because Lightning calls these last: the counters of other callbacks are complete by then.

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Install the handlers; Lightning restores the previous ones after training."""
        self._is_requested = self._is_stopping = False
        for number in STOP_SIGNALS:
            signal.signal(number, self._request_stop)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self._is_requested = True

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save the checkpoint if any rank received a stop signal."""
        if trainer.strategy.reduce_boolean_decision(self._is_requested, all=False):
            save_last_checkpoint(trainer)
            self._is_stopping = True

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Exit before the next step; after the last step the run ends normally."""
        if self._is_stopping:
            if trainer.is_global_zero:
                print(f"stopped by a signal after step {trainer.global_step}{_lost_steps(trainer)}", flush=True)
            raise SystemExit(EXIT_CODE_AGAIN if trainer.is_global_zero else 0)


def _lost_steps(trainer: pl.Trainer) -> str:
    writer = trainer.strategy.checkpoint_io
    if not isinstance(writer, RunCheckpointIO) or writer.failure is None:
        return ": the same command resumes"
    lost = trainer.global_step - writer.step
    return (
        f", but no checkpoint could be written ({writer.failure}): {lost} steps are lost,"
        f" the same command resumes from step {writer.step}"
    )
