"""Steps of ``mcss fit`` against a bare PyTorch loop, in turn within one run: same network, batches and augmentation."""

import copy
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch

from benchmarks.timing import Comparison, summarise
from data_modules.datamodule import MultiviewPoseDataModule
from mcss.cli import MCSSCommandLine, _command_line, prepare_process
from mcss.models.module import MCSSModule

STEPS, ROUNDS = 5, 11
_CONFIGS = ("experiments/base.yaml", "experiments/data/studio.yaml", "experiments/method/mcss.yaml")


class AgainstBareLoop(pl.Callback):
    """After every ``STEPS`` steps of the run, times as many steps of the bare loop."""

    def __init__(self) -> None:
        self.times_s: list[tuple[float, float]] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: MCSSModule) -> None:
        """Copy the network, before any step."""
        self.bare = bare_steps(copy.deepcopy(pl_module), pl_module.data, trainer)
        self.begun = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: MCSSModule, *_: Any) -> None:
        """Take turns. Everything that the run does beside its steps falls into its own share."""
        if trainer.global_step % STEPS:
            return
        between = time.perf_counter()
        for _ in range(STEPS):
            next(self.bare)
        end = time.perf_counter()
        self.times_s.append((between - self.begun, end - between))
        self.begun = end


def bare_steps(network: MCSSModule, data: MultiviewPoseDataModule, trainer: pl.Trainer) -> Iterator[None]:
    """Train by hand: no hooks, no logs, no checkpoints."""
    network = network.train()
    network.log = lambda *_, **__: None  # type: ignore[method-assign]
    optimizer = torch.optim.Adam(network.parameters(), lr=network.lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: network._lr_factor(step, trainer.max_steps))
    multiview, labelled = (loader.dataset for loader in data.train_dataloader().flattened)
    for step in range(trainer.max_steps):
        batch = data._augmented(multiview[step], labelled[step])
        with torch.autocast(network.device.type, torch.bfloat16, enabled="bf16" in str(trainer.precision)):
            loss = network.training_step(batch, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield


def measure() -> list[Comparison]:
    """With decoded crops in memory, which has a promise; and with decoding in every step, which has none."""
    return [_measured(cached=True, wanted=0.97), _measured(cached=False, wanted=None)]


def _measured(cached: bool, wanted: float | None) -> Comparison:
    prepare_process()
    turns = AgainstBareLoop()
    with tempfile.TemporaryDirectory() as folder:
        args = [word for config in _CONFIGS for word in ("--config", config)]
        args += ["--run_dir", folder, "--trainer.max_steps", str(STEPS * (ROUNDS + 2)), "--trainer.accelerator", "cpu"]
        args += ["--data.cache_images", str(cached).lower(), "--trainer.enable_progress_bar", "false"]

        class WithTurns(MCSSCommandLine):
            def instantiate_trainer(self, **kwargs: Any) -> pl.Trainer:
                trainer = super().instantiate_trainer(**kwargs)
                trainer.callbacks.insert(0, turns)
                return trainer

        _command_line(WithTurns, ["fit", *args])
    kind = "decoded crops in memory" if cached else "decoding in every step"
    return summarise(f"mcss fit, {kind}", turns.times_s[2:], "a bare PyTorch loop", wanted)
