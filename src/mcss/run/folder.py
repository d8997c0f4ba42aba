"""The folder of a run: names of its files, its default name, and the commit of the code."""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CONFIG_FILE = "config.yaml"
RUN_FILE = "run.json"
RESULTS_FILE = "results.json"
TEST_PREDICTIONS_FILE = "test_predictions.npz"

_DECIDING_TRAINER_SETTINGS = ("max_steps", "precision", "accumulate_grad_batches", "gradient_clip_val")
_IDLE_DATA_SETTINGS = ("eval_batch_size", "num_workers", "cache_images")
# Left out while they are not used: runs from before these settings keep their hash.
_LATER_SETTINGS = (
    *("model.init_from", "data.leave_out_cameras"),
    *("data.multiview_store", "data.labelled_store", "data.test_store", "data.skip_corrupt_images"),
)


def deciding_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a run that decide its result, flat (``{"model.lr": 0.001, ...}``); not devices, not logging."""
    data = {key: value for key, value in config["data"].items() if key not in _IDLE_DATA_SETTINGS}
    trainer = {key: config["trainer"].get(key) for key in _DECIDING_TRAINER_SETTINGS}
    parts = {"seed_everything": config["seed_everything"], "model": config["model"], "data": data, "trainer": trainer}
    return {key: value for key, value in _flatten("", parts) if value or key not in _LATER_SETTINGS}


def config_hash(config: Mapping[str, Any]) -> str:
    """Short hash of the deciding settings, the seed among them, for names of folders; not of the precision."""
    settings = {key: value for key, value in deciding_settings(config).items() if key != "trainer.precision"}
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def default_run_dir(config: Mapping[str, Any]) -> str:
    """Folder of a run that was given none: readable, and another one for other settings."""
    data, seed = config["data"], config["seed_everything"]
    words = (Path(data["store"]).name, config["method"], data["supervision"], f"seed{seed}", config_hash(config)[:8])
    return str(Path("runs") / "-".join(words))


def commit_of(folder: Path) -> str | None:
    """Commit of the checkout that ``folder`` is in, None where there is none.

    It ends in ``-dirty`` where files that decide a run differ from the commit; results, which every finished run of a
    sweep changes, and documents do not.
    """
    git = ["git", "-C", str(folder)]
    deciding = [":/src", ":/data_modules", ":/experiments", ":/setup.cfg", ":(top,exclude)experiments/results"]
    try:
        commit = _output([*git, "rev-parse", "HEAD"])
        changed = _output([*git, "status", "--porcelain", "--untracked-files=no", "--", *deciding])
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _flatten(prefix: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [pair for key, part in value.items() for pair in _flatten(f"{prefix}.{key}".lstrip("."), part)]
    return [(prefix, value)]
