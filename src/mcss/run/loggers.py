"""Starting Weights & Biases, which no run depends on."""

import os
from collections.abc import Iterable

import wandb
from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_warn


def start_wandb(loggers: Iterable[Logger]) -> None:
    """Begin the W&B run of each such logger; offline, with a warning, where the server cannot be reached or refuses."""
    for logger in loggers:
        if not isinstance(logger, WandbLogger):
            continue
        try:
            _ = logger.experiment
        except wandb.Error as error:
            reason = str(error).splitlines()[0]
            rank_zero_warn(
                f"W&B cannot be used ({reason}): this run is logged offline;"
                f" send it later with `wandb sync {logger.save_dir}/wandb/offline-run-*`"
            )
            wandb.teardown()  # which has read the environment already
            os.environ["WANDB_MODE"] = "offline"
