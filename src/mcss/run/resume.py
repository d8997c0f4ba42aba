"""Whether a run may resume from a checkpoint: only with the settings of the run that wrote it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcss.errors import InputError
from mcss.run.checkpoints import intact_checkpoint
from mcss.run.identity import resolved_settings
from mcss.run.record import training_record


def check_resumable(checkpoint: Path, config: Mapping[str, Any]) -> None:
    """Check that the run that wrote ``checkpoint`` had the settings ``config`` (the content of a ``config.yaml``).

    Resuming restores the optimizer, its learning rate, the schedule and the position in the random streams, so a
    setting that differs would be ignored, or would apply to a part of the run only.

    Raises:
        InputError: a setting differs (all that do are named), or the settings of the checkpoint are not recorded.
    """
    record = training_record(intact_checkpoint(checkpoint))
    if record.get("settings") is None:
        raise InputError(
            f"{checkpoint}: the settings of its run are recorded neither in it nor in a config.yaml of its folder, so"
            " it is not known what would be resumed: remove it, or choose another folder (--run_dir ...) and take over"
            " its weights with --model.init_from"
        )
    recorded = {**record["settings"], "seed_everything": record["seed"]}
    asked = {**resolved_settings(config), "seed_everything": config["seed_everything"]}
    if record.get("precision"):
        recorded["trainer.precision"], asked["trainer.precision"] = record["precision"], config["trainer"]["precision"]
    names = sorted(key for key in recorded.keys() | asked.keys() if recorded.get(key) != asked.get(key))
    if names:
        changes = "; ".join(f"{key} {recorded.get(key)} -> {asked.get(key)}" for key in names)
        raise InputError(
            f"{checkpoint} is of a run with other settings ({changes}): a resumed run keeps its settings; choose"
            " another folder (make: NAME=..., mcss: --run_dir ...) without --ckpt_path, or remove that one"
        )
