import copy
import subprocess

import pytest

from mcss.run.folder import commit_of, config_hash, deciding_settings, default_run_dir

CONFIG = {
    "seed_everything": 0,
    "method": "mcss",
    "run_dir": "runs/a",
    "model": {"lr": 0.001, "contrastive": {"margin": 0.6}},
    "data": {"supervision": "S1", "num_workers": 0, "cache_images": True},
    "trainer": {"max_steps": 10, "precision": "bf16-mixed", "devices": 1},
}


def changed(path, value):
    config = copy.deepcopy(CONFIG)
    *groups, key = path.split(".")
    place = config
    for group in groups:
        place = place[group]
    place[key] = value
    return config


def test_later_settings_leave_the_hash_of_earlier_runs_alone():
    unused = {
        **CONFIG,
        "model": CONFIG["model"] | {"init_from": None},
        "data": CONFIG["data"] | {"leave_out_cameras": [], "skip_corrupt_images": False},
    }
    assert config_hash(unused) == config_hash(CONFIG)
    assert config_hash(changed("model.init_from", "a.ckpt")) != config_hash(CONFIG)
    assert config_hash(changed("data.skip_corrupt_images", True)) != config_hash(CONFIG)


@pytest.mark.parametrize("path", ["model.lr", "model.contrastive.margin", "data.supervision"])
def test_a_setting_that_decides_the_result_changes_the_hash(path):
    assert config_hash(changed(path, "other")) != config_hash(CONFIG)


@pytest.mark.parametrize("path", ["data.num_workers", "trainer.precision", "trainer.devices", "run_dir"])
def test_a_setting_that_does_not_leaves_the_hash(path):
    assert config_hash(changed(path, "other")) == config_hash(CONFIG)


def test_seed_is_part_of_the_settings():
    assert deciding_settings(CONFIG)["seed_everything"] == 0
    assert config_hash(changed("seed_everything", 1)) != config_hash(CONFIG)


def test_a_run_without_a_folder_gets_one_that_names_its_settings():
    config = changed("data.store", "data/studio")
    assert default_run_dir(config) == f"runs/studio-mcss-S1-seed0-{config_hash(config)[:8]}"


@pytest.fixture
def checkout(tmp_path):
    """A checkout with a file of the code, one of the results and a page."""
    for name in ("src/code.py", "experiments/base.yaml", "experiments/results/studio/runs.csv", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("first")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-m", "first")
    return tmp_path


def git(folder, *words):
    return subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("name", ["src/code.py", "experiments/base.yaml"])
def test_a_changed_file_that_decides_a_run_marks_the_commit(checkout, name):
    assert commit_of(checkout / "src") == git(checkout, "rev-parse", "HEAD")
    (checkout / name).write_text("second")
    assert commit_of(checkout / "src") == git(checkout, "rev-parse", "HEAD") + "-dirty"


@pytest.mark.parametrize("name", ["experiments/results/studio/runs.csv", "README.md"])
def test_changed_results_and_pages_do_not(checkout, name):
    (checkout / name).write_text("second")
    assert commit_of(checkout / "src") == git(checkout, "rev-parse", "HEAD")


def test_outside_of_a_checkout_there_is_no_commit(tmp_path):
    assert commit_of(tmp_path) is None
