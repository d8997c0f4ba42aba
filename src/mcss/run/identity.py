"""Identity of a run: the settings that decide its result, in which files are replaced by hashes of their content.

A store is represented by its content hash, a checkpoint or a file of weights by its SHA-256, so the same run has the
same identity on every machine. Seed, numerical precision, number of processes and commit are not part of it: tables
have a column for each.
"""

import hashlib
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_modules.store import open_store
from mcss.hashing import file_hash
from mcss.run.folder import commit_of

_SEEDS = ("data.seed", "model.seed")
"""Settings that follow ``seed_everything``."""
_IDLE_DATA = ("eval_batch_size", "num_workers", "cache_images", "predict_images")
_IDLE_TRAINER = (
    *("accelerator", "strategy", "devices", "num_nodes", "precision", "logger", "plugins", "profiler", "barebones"),
    *("limit_val_batches", "limit_test_batches", "limit_predict_batches", "num_sanity_val_steps", "log_every_n_steps"),
    *("val_check_interval", "check_val_every_n_epoch", "reload_dataloaders_every_n_epochs", "default_root_dir"),
    *("enable_checkpointing", "enable_progress_bar", "enable_model_summary", "enable_autolog_hparams"),
    *("deterministic", "benchmark", "detect_anomaly", "inference_mode", "use_distributed_sampler", "model_registry"),
)
_IDLE_CALLBACKS = (
    *("LastCheckpoint", "ModelCheckpoint", "LearningRateMonitor", "DeviceStatsMonitor", "ModelSummary"),
    *("RichModelSummary", "TQDMProgressBar", "RichProgressBar"),
)
_STORES = ("multiview_store", "labelled_store", "test_store")
_NAMED_WEIGHTS = ("imagenet", "none")


def resolved_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting that decides the result of a run, flat: ``{"model.lr": 0.001, ...}``.

    All settings of ``model``, ``data`` and ``trainer`` count except those listed in this module, which are known not to
    change a result. A setting that is off (None,
    False, empty) is left out, so that a setting added later leaves the identity of earlier runs unchanged.

    Args:
        config: the content of ``config.yaml``.

    Raises:
        InputError: a store, checkpoint or file of weights is absent or damaged.
    """
    data = {key: value for key, value in config["data"].items() if key not in (*_IDLE_DATA, *_STORES, "store")}
    paths = {name: config["data"].get(name) or config["data"]["store"] for name in _STORES}
    hashes = {path: open_store(Path(path)).content_hash for path in set(paths.values())}
    data |= {name: hashes[path] for name, path in paths.items()}
    trainer = {key: value for key, value in config["trainer"].items() if key not in _IDLE_TRAINER}
    callbacks = trainer.get("callbacks") or []
    trainer["callbacks"] = [c for c in callbacks if c["class_path"].rpartition(".")[2] not in _IDLE_CALLBACKS]
    model = dict(config["model"])
    if model.get("init_from"):
        model["init_from"] = file_hash(Path(model["init_from"]))
    if model.get("weights") and model["weights"] not in _NAMED_WEIGHTS:
        model["weights"] = file_hash(Path(model["weights"]))
    settings = flatten("", {"model": model, "data": data, "trainer": trainer})
    return {key: value for key, value in settings if key not in _SEEDS and not _is_off(value)}


def _is_off(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Short hash of ``resolved_settings``; independent of seed, machine and spelling of paths."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


def flatten(prefix: str, value: Any) -> list[tuple[str, Any]]:
    """Pairs of dotted name and value of a nested mapping."""
    if isinstance(value, Mapping):
        return [pair for key, part in value.items() for pair in flatten(f"{prefix}.{key}".lstrip("."), part)]
    return [(prefix, value)]


def default_run_dir(config: Mapping[str, Any]) -> Path:
    """Folder of a run without ``run_dir``, named by data, method, supervision, seed and settings.

    Raises:
        InputError: a file that the settings name is absent or damaged.
    """
    data = config["data"]
    words = (Path(data["store"]).name, config["method"], data["supervision"], f"seed{config['seed_everything']}")
    return Path("runs") / "-".join([*words, settings_hash(resolved_settings(config))[:8]])


def training_facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """Facts about a run that are known before it starts: method, supervision, seed, settings, commit and command."""
    commit = commit_of(Path(__file__).parent)
    settings = resolved_settings(config)
    return {
        "method": config["method"],
        "supervision": config["data"]["supervision"],
        "seed": config["seed_everything"],
        "settings": settings,
        "settings_hash": settings_hash(settings),
        "commit": commit.removesuffix("-dirty") if commit else None,
        "dirty": commit.endswith("-dirty") if commit else None,
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }
