"""Checks that a run resumes only from checkpoints of runs with the same settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcss.errors import InputError
from mcss.run.checkpoints import intact_checkpoint
from mcss.run.record import training_record


def check_resumable(checkpoint: Path, facts: Mapping[str, Any], precision: str) -> None:
    """Check that the run that wrote ``checkpoint`` had the same settings, method, seed and precision.

    Resuming restores the optimizer, its learning rate, the schedule and the position in the random streams, so a
    setting that differs would be ignored, or would apply to a part of the run only.

    Args:
        checkpoint: file that training would resume from.
        facts: of the run that begins (``mcss.run.identity.training_facts``).
        precision: ``trainer.precision`` of the run that begins.

    Raises:
        InputError: a setting differs (all that do are named), or the settings of the checkpoint are not recorded.
    """
    record = training_record(intact_checkpoint(checkpoint))
    if record.get("settings") is None:
        raise InputError(
            f"{checkpoint}: it does not record the settings of its run, so it is not known what would be resumed:"
            " remove it, or choose another folder (--run_dir ...) and take over its weights with --model.init_from"
        )
    recorded, asked = (
        {
            **run["settings"],
            "method": run["method"],
            "seed_everything": run["seed"],
            "trainer.precision": run["precision"],
        }
        for run in (record, {**facts, "precision": precision})
    )
    names = sorted(key for key in recorded.keys() | asked.keys() if recorded.get(key) != asked.get(key))
    if names:
        changes = "; ".join(f"{key} {recorded.get(key)} -> {asked.get(key)}" for key in names)
        raise InputError(
            f"{checkpoint} is of a run with other settings ({changes}): a resumed run keeps its settings; choose"
            " another folder (make: NAME=..., mcss: --run_dir ...) without --ckpt_path, or remove that one"
        )
