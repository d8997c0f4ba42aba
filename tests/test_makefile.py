"""The Makefile's targets expand to the commands that they stand for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from data_modules.sources.studio.config import PRESETS
from mcss.cli import parse_settings

ROOT = Path(__file__).parents[1]


def make(*arguments, **variables):
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    # Make hands its own variables down to the tests that it runs.
    environment = {key: value for key, value in environment.items() if not key.startswith(("MAKE", "MFLAGS"))}
    command = ["make", *arguments, *(f"{key}={value}" for key, value in variables.items())]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return result.stdout.replace('"', "")


def test_make_alone_lists_every_target_with_a_line():
    listed = set(re.findall(r"^  make ([a-z-]+) +\S", make(), re.MULTILINE))
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert listed == targets
    assert {"setup", "data", "train", "test", "check"} <= targets


def test_train_is_data_then_fit_then_test_of_the_last_checkpoint():
    lines = make("-n", "train", SUPERVISION="S1+S5", METHOD="baseline", SEED="3", ARGS="--model.lr 0.01")
    render = lines.index("bin/mcss-data render --preset studio --out data/studio")
    fit = lines.index(
        "bin/mcss fit --config experiments/base.yaml --config experiments/trainer/auto.yaml"
        " --config experiments/data/studio.yaml --config experiments/method/baseline.yaml"
        " --data.supervision S1+S5 --seed_everything 3 --run_dir runs/studio-baseline-S1+S5-seed3 --model.lr 0.01"
    )
    test = lines.index("bin/mcss test --config runs/studio-baseline-S1+S5-seed3/config.yaml")
    assert render < fit < test


def rendered(**variables):
    """Presets that `make data` renders, in its order."""
    return re.findall(r"bin/mcss-data render --preset (\S+) --out data/\1\b", make("-n", "data", **variables))


@pytest.mark.parametrize("path", sorted((ROOT / "experiments/data").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_rendered_stores_of_every_overlay_are_rendered(path):
    settings = yaml.safe_load(path.read_text())["data"]
    named = {Path(value).name for key, value in settings.items() if key == "store" or key.endswith("_store")}
    assert rendered(DATA=path.stem) == sorted(named & set(PRESETS))


def test_own_videos_take_their_labels_from_the_studio_unless_another_store_is_named():
    assert rendered(DATA="videos") == ["studio"]
    assert rendered(DATA="videos", ARGS="--data.store data/h36m") == []


def test_a_rendering_that_fails_ends_the_target():
    recipe = make("-n", "data", DATA="videos").splitlines()[-1]
    failing = re.sub(r"\S*mcss-data render", "false", recipe)
    assert subprocess.run(failing, shell=True).returncode == 1


def test_a_larger_size_leaves_off_what_the_method_switches_off(monkeypatch):
    monkeypatch.chdir(ROOT)
    lines = make("-n", "train", METHOD="baseline", TRAINER="gpu ddp", SEED="999").splitlines()
    (fit,) = (line for line in lines if "bin/mcss fit" in line)
    settings = parse_settings(fit.split()[1:])
    assert settings["run_dir"] == "runs/studio-baseline-S1-seed999-gpu-ddp"
    assert (settings["model"]["image_size_px"], settings["data"]["labelled_images"]) == (224, 22)
    assert (settings["trainer"]["strategy"], settings["data"]["pairs"]) == ("ddp", 0)


def test_an_active_environment_is_used_instead_of_a_new_one():
    assert f"{ROOT}/.venv/bin/mcss fit" in make("-n", "train")
    assert "/opt/conda/envs/lab/bin/mcss fit" in make("-n", "train", CONDA_PREFIX="/opt/conda/envs/lab")


def test_console_scripts_are_installed():
    for script in ("mcss", "mcss-data"):
        assert (Path(sys.executable).parent / script).is_file()
