"""Compares the settings of a command with those that a checkpoint records: a run resumes only with the same."""

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
    if changes := differences(recorded | dict.fromkeys(asked.keys() - recorded.keys()), asked):
        raise InputError(
            f"{checkpoint} is of a run with other settings ({changes}): a resumed run keeps its settings; choose"
            " another folder (make: NAME=..., mcss: --run_dir ...) without --ckpt_path, or remove that one"
        )


def differences(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Text such as ``model.lr 0.002 -> 0.5``: settings that were asked for otherwise than recorded."""
    pairs = {name: (value, asked.get(name)) for name, value in sorted(recorded.items())}
    return "; ".join(f"{name} {value} -> {other}" for name, (value, other) in pairs.items() if _plain(other) != value)


def plain_settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a recorded training that are single values of the command line: no stores, objectives, weights."""
    settings = record.get("settings") or {}
    names = [name for name in settings if name.startswith(("model.", "data."))]
    names = [name for name in names if not name.startswith("model.objective.") and not name.endswith("_store")]
    values = {name: settings[name] for name in names if name not in ("model.weights", "model.init_from")}
    return values | {"seed_everything": record["seed"], "method": record["method"]} if settings else {}


def _plain(value: Any) -> Any:
    """A tuple as a list, as records have it."""
    return list(value) if isinstance(value, tuple) else value
