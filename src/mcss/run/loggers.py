"""Weights & Biases: chooses the W&B run that a process writes to, and starts it also if no server can be reached.

Online, all processes of a run (fit, a resumed fit, test) write to one W&B run, whose id follows from the run's folder
and settings. Offline, each process writes its own file, which counts from step 0; if all had one id, sending the last
file would replace the others. Offline processes therefore have different ids, in one W&B group named like the folder.
"""

import os
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import wandb
from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_warn

_OFFLINE_MODES = ("offline", "dryrun")


def configure_loggers(loggers: Any, folder: Path, record: Mapping[str, Any], command: str) -> None:
    """Set the folder of all configured loggers, and the name and id of this process's W&B run.

    Args:
        loggers: ``trainer.logger`` of the configuration; changed in place.
        folder: of the run.
        record: of the training, with its ``settings_hash`` and ``seed``.
        command: fit, test or validate.
    """
    for logger in loggers if isinstance(loggers, list) else [loggers]:
        if "save_dir" not in getattr(logger, "init_args", {}):  # Lightning's choice (True), none (False), or elsewhere
            continue
        logger.init_args.save_dir = str(folder)
        if not logger.class_path.endswith("WandbLogger"):
            continue
        logger.init_args.name = folder.name
        if os.environ.get("WANDB_SWEEP_ID"):  # the agent of a sweep sets the id
            continue
        name = re.sub(r"[^\w.+-]", "_", folder.name)[:80]
        run_id = f"{name}-{record.get('settings_hash', 'unknown')[:8]}-{record.get('seed')}"
        if logger.init_args.get("offline") or os.environ.get("WANDB_MODE") in _OFFLINE_MODES:
            names = _offline_names(run_id, folder.name, command)
            logger.init_args.id = names.pop("id")
            for argument, value in names.items():
                logger.init_args[argument] = value
        else:
            logger.init_args.id = run_id


def start_wandb(loggers: Iterable[Logger], command: str) -> None:
    """Start the W&B run of each W&B logger; offline, with a warning, if the server cannot be reached or refuses."""
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
            wandb.teardown()  # it read the environment before the change below
            os.environ["WANDB_MODE"] = "offline"
            # WandbLogger has no public way to change the arguments of wandb.init after construction.
            name = str(logger._wandb_init["name"])
            logger._wandb_init.update(_offline_names(str(logger._wandb_init["id"]), name, command))


def _offline_names(run_id: str, group: str, command: str) -> dict[str, str]:
    """Arguments of ``wandb.init`` for one process of a run; a group in the environment has precedence."""
    grouped = {} if os.environ.get("WANDB_RUN_GROUP") else {"group": group}
    return {"id": f"{run_id}-{command}-{secrets.token_hex(3)}", "job_type": command, **grouped}
