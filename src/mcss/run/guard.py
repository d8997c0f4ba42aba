"""Skips steps whose loss or gradient is not finite."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from jaxtyping import Float
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss import distributed
from mcss.batch import TrainBatch
from mcss.errors import InputError
from mcss.run.datamodule import datamodule_of
from mcss.run.folder import CONFIG_FILE

NONFINITE_FILE = "nonfinite.json"


class NonFiniteGuard(pl.Callback):
    """Skips a step on all ranks if the loss of any or the gradient is not finite; ends the run after too many.

    A skipped step leaves weights, optimizer state and BatchNorm's statistics unchanged. It counts as a step of the
    schedule and of the streams, so a resumed run skips it as well. ``train/skipped_steps`` is logged. If the run ends,
    ``nonfinite.json`` in its folder names the images of the last step, by rank.

    Args:
        max_in_a_row: number of consecutive skipped steps that ends the run.

    Raises:
        InputError: ``max_in_a_row`` is not positive, or (while training) so many steps in a row were skipped.
    """

    def __init__(self, max_in_a_row: int = 10) -> None:
        if max_in_a_row < 1:
            raise InputError(f"nonfinite.max_in_a_row must be positive, got {max_in_a_row}")
        self.max_in_a_row = max_in_a_row
        self.skipped = self.in_a_row = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Allocate copies of BatchNorm's statistics, grouped by dtype so that one call copies each group."""
        self._buffers: dict[torch.dtype, list[Tensor]] = {}
        for buffer in pl_module.buffers():
            self._buffers.setdefault(buffer.dtype, []).append(buffer)
        self._kept = {dtype: [buffer.clone() for buffer in buffers] for dtype, buffers in self._buffers.items()}

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: TrainBatch, batch_idx: int
    ) -> None:
        """Copy the statistics, because the forward pass changes them before the loss is known."""
        self._step = batch.step
        for dtype, buffers in self._buffers.items():
            torch._foreach_copy_(self._kept[dtype], buffers)

    def on_before_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule, loss: Float[Tensor, ""]) -> None:
        """Store the loss of this rank's batch."""
        self._loss = loss.detach()

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Skip the step if the loss of any rank, or the gradient, is not finite."""
        gradients = [parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None]
        finite = torch.isfinite(self._loss + torch.nn.utils.get_total_norm(gradients))
        # This waits for the device once a step. A decision on the device would avoid the wait, but would depend on the
        # internals of the optimizer.
        if trainer.strategy.reduce_boolean_decision(bool(finite)):
            self.in_a_row = 0
            return
        # Without gradients an optimizer changes neither the weights nor its state, including its step count.
        optimizer.zero_grad(set_to_none=True)
        for dtype, buffers in self._buffers.items():
            torch._foreach_copy_(buffers, self._kept[dtype])
        self.skipped += 1
        self.in_a_row += 1
        for logger in trainer.loggers:
            logger.log_metrics({"train/skipped_steps": float(self.skipped)}, step=trainer.global_step)
        self._report(trainer)

    def _report(self, trainer: pl.Trainer) -> None:
        finite = distributed.gather_objects(bool(torch.isfinite(self._loss)))
        ranks = [rank for rank, is_finite in enumerate(finite) if not is_finite]
        culprit = f"the loss of rank {', '.join(map(str, ranks))}" if ranks else "the gradient"
        data = datamodule_of(trainer)
        where = f"step {self._step}, seed {data.seed}: {culprit} is not finite"
        if self.in_a_row < self.max_in_a_row:
            rank_zero_warn(f"{where}; the step is skipped ({self.skipped} so far)")
            return
        folder = Path(trainer.default_root_dir)
        images = self._write_images(folder / NONFINITE_FILE, data, ranks or range(len(finite)))
        raise InputError(
            f"{where}, {self.in_a_row} steps in a row; its images: {', '.join(images[:3])},"
            f" all {len(images)} in {folder / NONFINITE_FILE}; settings: {folder / CONFIG_FILE};"
            " lower model.lr, or let it rise slowly (model.schedule cosine, model.lr_rise_fraction 0.1)"
        )

    def _write_images(self, path: Path, data: MultiviewPoseDataModule, ranks: Iterable[int]) -> list[str]:
        """Names of the images of this step on ``ranks``; the first rank writes them to a file."""
        of_rank = distributed.gather_objects(data.training_images(self._step))
        images = {rank: of_rank[rank] for rank in ranks}
        if distributed.rank() == 0:
            record = {"step": self._step, "seed": data.seed, "images_of_rank": images}
            path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return [name for names in images.values() for name in names]

    def state_dict(self) -> dict[str, Any]:
        """Counters, for the checkpoint."""
        return {"skipped": self.skipped, "in_a_row": self.in_a_row}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the counters."""
        self.skipped, self.in_a_row = state_dict["skipped"], state_dict["in_a_row"]
