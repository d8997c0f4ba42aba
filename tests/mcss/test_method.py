"""What the method is for, on a small studio: with few labels, pairs of views lower the error on new people."""

import json
from dataclasses import replace
from unittest import mock

import pytest
from matplotlib.figure import Figure

from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.source import build_studio
from mcss.cli import main
from tests.ddp_helpers import run_unchecked
from tests.mcss.conftest import EXPERIMENTS

LARGEST_RATIO = 0.95
"""Of MCSS's error to the baseline's. Measured: 0.87 and 0.86 in seeds 0 and 1; 0.84 and 0.85 after 500 steps."""
STEPS = 300
SMALL_STUDIO = replace(
    PRESETS["studio"],
    name="small",
    subjects_train=("S1", "S5", "S6", "S7"),
    actions=("Directions", "Eating", "Greeting", "Phoning", "Sitting", "Walking"),
    subactions=1,
    instants=20,
    crop_size_px=48,
)
"""Six actions of four people in small crops, two more people for the test."""


def error_mm(method, pairs, seed, store_path, folder):
    """N-MPJPE on the test subjects of a run with the labels of 12 instants."""
    configs = [EXPERIMENTS / f"{name}.yaml" for name in ("base", "data/tiny", f"method/{method}", "logger/csv")]
    settings = {
        "data.store": store_path,
        "data.supervision": "10%S1",
        "data.validation_clips": "[S5/Walking/1]",
        "data.pairs": pairs,
        "data.labelled_images": 16,
        "data.steps_per_epoch": STEPS // 2,
        "trainer.max_steps": STEPS,
        "trainer.accelerator": "cpu",
        "trainer.enable_progress_bar": "false",
        "seed_everything": seed,
        "run_dir": folder,
    }
    words = [f"--config={path}" for path in configs] + [f"--{name}={value}" for name, value in settings.items()]
    with mock.patch("mcss.run.evaluation.extreme_poses_figure", return_value=Figure()):
        main(["fit", *words, "--then_test", "true"])
    record = json.loads((folder / "results.json").read_text())
    (figure,) = (
        result["value"]
        for result in record["results"]
        if (result["metric"], result["joint_set"], result["average"]) == ("n_mpjpe_mm", "h36m16", "micro")
    )
    return figure


@pytest.mark.slow
def test_with_few_labels_pairs_of_views_lower_the_error_in_each_seed(tmp_path):
    store_path = tmp_path / "small"
    run_unchecked(build_studio, SMALL_STUDIO, store_path, 1, False)
    for seed in (0, 1):
        baseline = run_unchecked(error_mm, "baseline", 0, seed, store_path, tmp_path / f"baseline{seed}")
        mcss = run_unchecked(error_mm, "mcss", 33, seed, store_path, tmp_path / f"mcss{seed}")
        assert mcss < LARGEST_RATIO * baseline, f"seed {seed}: {mcss:.1f} of {baseline:.1f} mm"
