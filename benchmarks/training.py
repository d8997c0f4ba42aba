"""Steps of ``mcss fit`` against a bare PyTorch loop, in turn within one run: same network, batches and augmentation.

A round is an epoch of base.yaml, so that it holds what a run of days holds: a line of the log every 20 steps (into
W&B's offline files and a history that is long already), the progress bar, a validation and a checkpoint. The bare loop
validates too, without measuring anything, and neither logs nor saves.
"""

import copy
import tempfile
import time
from collections.abc import Iterator
from typing import ClassVar

import pytorch_lightning as pl
import torch
from torch import Tensor

from benchmarks.timing import Comparison, summarise
from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss.cli import main
from mcss.models.module import MCSSModule
from mcss.run.datamodule import datamodule_of
from mcss.run.history import MetricsHistory

STEPS_A_TURN, TURNS_A_ROUND, ROUNDS = 25, 10, 5
EARLIER_STEPS = 94_000
"""Steps that the history contains at the start: as many as a run of experiments/trainer/gpu.yaml has at its end."""
_CONFIGS = ("experiments/base.yaml", "experiments/data/studio.yaml", "experiments/method/mcss.yaml")


class AgainstBareLoop(pl.Callback):
    """Times ``STEPS_A_TURN`` steps of the bare loop after as many steps of the run."""

    times_s: ClassVar[list[tuple[float, float]]] = []
    """Times of run and bare loop in each turn; a class attribute, because the command line creates the callback."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Copy the network before the first step, and fill the history with that of a long run."""
        for logger in trainer.loggers:
            if isinstance(logger, MetricsHistory):
                for step in range(-EARLIER_STEPS, 0, trainer.log_every_n_steps):  # type: ignore[attr-defined]
                    logger.log_metrics({f"train/value_{number}": 0.123456 for number in range(8)}, step)
        self.times_s.clear()
        self.bare = bare_steps(copy.deepcopy(pl_module), datamodule_of(trainer), trainer)
        self.begun = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        """Take turns. Everything that the run does besides its steps is part of its own time."""
        if trainer.global_step % STEPS_A_TURN:
            return
        between = time.perf_counter()
        for _step in range(STEPS_A_TURN):
            next(self.bare)
        end = time.perf_counter()
        self.times_s.append((between - self.begun, end - between))
        self.begun = end


def bare_steps(network: MCSSModule, data: MultiviewPoseDataModule, trainer: pl.Trainer) -> Iterator[None]:
    """Train by hand: no hooks, no logs, no checkpoints; a forward pass of the validation images after each epoch."""
    network.log = lambda *_, **__: None  # type: ignore[method-assign]
    network.trainer = trainer  # a copy has none, and the schedule needs the number of steps
    chosen = network.configure_optimizers()
    optimizer, schedule = chosen["optimizer"], chosen["lr_scheduler"]["scheduler"]  # type: ignore[index,call-overload]
    multiview, labelled = (loader.dataset for loader in data.train_dataloader().flattened)
    autocast = torch.autocast(network.device.type, torch.bfloat16, enabled="bf16" in str(trainer.precision))
    for step in range(trainer.max_steps):
        network.train()
        batch = data.on_after_batch_transfer({"multiview": multiview[step], "labelled": labelled[step]}, 0)
        with autocast:
            loss: Tensor = network.training_step(batch, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % data.steps_per_epoch == 0:
            network.eval()
            with torch.inference_mode(), autocast:
                for batch in data.val_dataloader():
                    network(data.on_after_batch_transfer(batch, 0).images)
        yield


def measure() -> list[Comparison]:
    """With decoded crops in memory; the first round, in which ours does not validate yet, is left out."""
    steps = STEPS_A_TURN * TURNS_A_ROUND * (ROUNDS + 1)
    with tempfile.TemporaryDirectory() as folder:
        args = [word for config in _CONFIGS for word in ("--config", config)]
        args += ["--run_dir", folder, "--trainer.max_steps", str(steps), "--trainer.accelerator", "cpu"]
        main(["fit", *args, f"--trainer.callbacks+={__name__}.{AgainstBareLoop.__name__}"])
    turns = AgainstBareLoop.times_s
    rounds = [turns[start : start + TURNS_A_ROUND] for start in range(TURNS_A_ROUND, len(turns), TURNS_A_ROUND)]
    times_s = [(sum(ours for ours, _ in turn), sum(theirs for _, theirs in turn)) for turn in rounds]
    return [summarise("mcss fit, decoded crops in memory", times_s, "a bare PyTorch loop", 0.97)]
