import copy
import shutil

import pytest
import torch

from mcss.cli import parse_settings
from mcss.errors import InputError
from mcss.run.identity import default_run_dir, resolved_settings, settings_hash, training_facts
from tests.references.synthetic_store import make_store


@pytest.fixture
def config(store_path):
    return {
        "seed_everything": 0,
        "method": "mcss",
        "run_dir": "runs/a",
        "model": {"lr": 0.001, "weights": "none", "init_from": None, "objective": {"margin": 0.6}, "seed": 0},
        "data": {"store": str(store_path), "supervision": "S1", "seed": 0, "num_workers": 0, "test_store": None},
        "trainer": {
            "max_steps": 10,
            "precision": "32-true",
            "devices": 1,
            "sync_batchnorm": False,
            "fast_dev_run": False,
            "callbacks": [{"class_path": "mcss.run.checkpoints.LastCheckpoint", "init_args": {"every_n_steps": 4}}],
        },
    }


def changed(config, path, value):
    config = copy.deepcopy(config)
    *groups, key = path.split(".")
    place = config
    for group in groups:
        place = place[group]
    place[key] = value
    return config


def identity(config, path="run_dir", value=None):
    return settings_hash(resolved_settings(changed(config, path, value)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model.lr", 0.5),
        ("model.objective.margin", 0.3),
        ("model.facing", True),
        ("data.supervision", "S5"),
        ("data.a_setting_of_tomorrow", 1),
        ("trainer.sync_batchnorm", True),
        ("trainer.fast_dev_run", 3),
        ("trainer.overfit_batches", 1),
        ("trainer.limit_train_batches", 2),
        ("trainer.gradient_clip_val", 1.0),
        ("trainer.callbacks", [{"class_path": "pytorch_lightning.callbacks.StochasticWeightAveraging"}]),
    ],
)
def test_what_decides_the_result_changes_the_identity(config, path, value):
    assert identity(config, path, value) != identity(config)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed_everything", 1),
        ("data.seed", 1),
        ("model.seed", 1),
        ("run_dir", "runs/b"),
        ("trainer.precision", "bf16-mixed"),
        ("trainer.devices", 2),
        ("trainer.limit_test_batches", 2),
        ("trainer.callbacks", []),
        ("data.num_workers", 4),
        ("model.facing", False),
        ("data.a_setting_of_tomorrow", False),
    ],
)
def test_seed_machine_and_settings_that_are_off_do_not(config, path, value):
    assert identity(config, path, value) == identity(config)


IDLE = {
    "data": {"eval_batch_size", "num_workers", "cache_images"},
    "model": set(),
    "trainer": {
        *("accelerator", "strategy", "devices", "num_nodes", "precision", "logger", "plugins", "profiler", "barebones"),
        *("limit_val_batches", "limit_test_batches", "limit_predict_batches", "num_sanity_val_steps", "deterministic"),
        *("log_every_n_steps", "val_check_interval", "check_val_every_n_epoch", "reload_dataloaders_every_n_epochs"),
        *("default_root_dir", "enable_checkpointing", "enable_progress_bar", "enable_model_summary", "benchmark"),
        *("enable_autolog_hparams", "detect_anomaly", "inference_mode", "use_distributed_sampler", "model_registry"),
    },
}
"""Settings that do not change a result; precision and number of processes have columns of their own."""


def test_every_other_setting_of_a_run_changes_the_identity(settings, tmp_path):
    other = make_store(tmp_path / "other", instants=2, size_px=32, seed=5)
    torch.save(1, tmp_path / "file")
    values = dict.fromkeys(("store", "multiview_store", "labelled_store", "test_store"), str(other))
    values |= dict.fromkeys(("weights", "init_from"), str(tmp_path / "file"))
    values["callbacks"] = [{"class_path": "pytorch_lightning.callbacks.WeightAveraging"}]
    config = parse_settings(["fit", *settings(), "--run_dir", "runs/a"])
    own = identity(config)

    def is_idle(name):
        return identity(config, name, values.get(name.partition(".")[2], "another")) == own

    unchanged = {group: {name for name in config[group] if is_idle(f"{group}.{name}")} for group in IDLE}
    assert unchanged == IDLE


def test_a_store_is_known_by_its_content_whatever_its_path(config, store_path, tmp_path, monkeypatch):
    shutil.copytree(store_path, tmp_path / "copied")
    monkeypatch.chdir(tmp_path)
    assert identity(config, "data.store", "./copied") == identity(config)
    assert identity(config, "data.test_store", str(tmp_path / "copied")) == identity(config)
    other = make_store(tmp_path / "other", instants=2, size_px=32, seed=5)
    assert identity(config, "data.store", str(other)) != identity(config)
    assert identity(config, "data.test_store", str(other)) != identity(config)


def test_a_checkpoint_to_start_from_is_known_by_its_content(config, tmp_path):
    for name, value in (("a.ckpt", 1), ("b.ckpt", 1), ("c.ckpt", 2)):
        torch.save(value, tmp_path / name)
    shutil.copy(tmp_path / "a.ckpt", tmp_path / "b.ckpt")
    for path in ("model.init_from", "model.weights"):
        a, b, c = (identity(config, path, str(tmp_path / name)) for name in ("a.ckpt", "b.ckpt", "c.ckpt"))
        assert a == b
        assert len({a, c, identity(config)}) == 3
    with pytest.raises(InputError, match=r"none.ckpt: no such file"):
        identity(config, "model.init_from", str(tmp_path / "none.ckpt"))


def test_facts_name_method_supervision_seed_and_a_commit_without_its_mark(config, monkeypatch):
    monkeypatch.setattr("mcss.run.identity.commit_of", lambda _: "abc-dirty")
    facts = training_facts(config)
    assert (facts["method"], facts["supervision"], facts["seed"]) == ("mcss", "S1", 0)
    assert (facts["commit"], facts["dirty"]) == ("abc", True)
    assert facts["settings"] == resolved_settings(config)


def test_a_run_without_a_folder_gets_one_whose_name_says_what_is_run(config):
    folder = default_run_dir(config)
    assert str(folder) == f"runs/synthetic-mcss-S1-seed0-{identity(config)[:8]}"
    others = [changed(config, path, value) for path, value in (("model.lr", 0.5), ("seed_everything", 1))]
    assert len({folder, *map(default_run_dir, others)}) == 3
