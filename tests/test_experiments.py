"""Every YAML of experiments/ runs, and does what it is there for."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
import yaml

from data_modules.sources.studio.config import PRESETS
from mcss.batch import TrainBatch
from mcss.cli import main
from mcss.models.module import MCSSModule
from mcss.objectives.contrastive import Contrastive
from mcss.run.identity import resolved_settings
from tests.references.synthetic_store import make_store, ring_of_cameras

pytestmark = pytest.mark.slow

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
METHODS = sorted(path.stem for path in (EXPERIMENTS / "method").glob("*.yaml"))
OVERLAYS = sorted(path for path in EXPERIMENTS.glob("*/*.yaml") if path.parent.name not in ("method", "sweeps"))
AFTER_WARMUP = 5000
"""A step far behind the phases of every method."""
SMALL = ["--trainer.max_steps", "2", "--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false"]


@pytest.fixture(scope="module")
def store_path(tmp_path_factory):
    """Enough clips for every overlay: those that they hold out, and some to train on."""
    overlays = [yaml.safe_load(path.read_text())["data"] for path in (EXPERIMENTS / "data").glob("*.yaml")]
    held_out = ("validation_clips", "filmed_test_clips")
    clips = [clip for overlay in overlays for purpose in held_out for clip in overlay.get(purpose, ())]
    actions = sorted({clip.split("/", 1)[1] for clip in clips} | {"Discussion/1", "Walking/1"})
    subjects = sorted({clip.split("/", 1)[0] for clip in clips} | {"S1", "S5", "S9"})
    return make_store(
        tmp_path_factory.mktemp("data") / "synthetic",
        subjects=subjects,
        clips=actions,
        instants=6,
        size_px=48,
        calibration=ring_of_cameras(),
        masked=True,
    )


class Run(NamedTuple):
    """What a run of two steps saw and left behind."""

    batches: list[TrainBatch]
    checkpoint: dict[str, Any]
    config: dict[str, Any]
    initial: dict[str, torch.Tensor]
    """State of the module before the first step."""


def run(store_path, folder, *overlays, extra=()):
    """Two steps with these overlays after base and tiny.

    The objective computes the second as a step after all of its phases.
    """
    batches, initial = [], {}
    training_step = MCSSModule.training_step

    def watched(self, batch, batch_idx):
        if not batches:
            initial.update({name: value.clone() for name, value in self.state_dict().items()})
        batches.append(batch)
        return training_step(self, batch._replace(step=batch.step * AFTER_WARMUP), batch_idx)

    configs = [EXPERIMENTS / "base.yaml", EXPERIMENTS / "data/tiny.yaml", *overlays, EXPERIMENTS / "logger/csv.yaml"]
    arguments = [word for config in configs for word in ("--config", str(config))]
    store = ["--data.store", str(store_path), "--data.min_gap_s", "0.5"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MCSSModule, "training_step", watched)
        main(["fit", *arguments, *store, "--run_dir", str(folder), *SMALL, *extra])
    checkpoint = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)
    return Run(batches, checkpoint, yaml.safe_load((folder / "config.yaml").read_text()), initial)


def test_training_people_of_the_studio_have_clips_for_tuning_and_others_for_the_test():
    data = yaml.safe_load((EXPERIMENTS / "data/studio.yaml").read_text())["data"]
    clips = {purpose: data[purpose] for purpose in ("validation_clips", "filmed_test_clips")}
    for names in clips.values():
        subjects = [name.split("/", 1)[0] for name in names]
        assert sorted(subjects) == sorted([*PRESETS["studio"].subjects_train] * 2)
        actions = [name.split("/")[1] for name in names]
        assert len(set(actions)) == len(actions)
    assert not set(clips["validation_clips"]) & set(clips["filmed_test_clips"])


@pytest.mark.parametrize("name", ["studio", "studio-b"])
def test_clips_that_a_drawn_studio_holds_out_are_rendered(name):
    data = yaml.safe_load((EXPERIMENTS / f"data/{name}.yaml").read_text())["data"]
    rendered = {f"{subject}/{action}/{subaction}" for subject, action, subaction in PRESETS[name].clips}
    assert {*data["validation_clips"], *data["filmed_test_clips"]} <= rendered
    assert not set(data["validation_clips"]) & set(data["filmed_test_clips"])
    assert {clip[:2] for clip in data["filmed_test_clips"]} == {*PRESETS[name].subjects_train}


def test_the_calibration_is_judged_by_people_who_are_filmed_and_not_trained_on():
    sweep = yaml.safe_load((EXPERIMENTS / "sweeps/calibration.yaml").read_text())
    people = yaml.safe_load(sweep["command"][sweep["command"].index("--data.validation_clips") + 1])
    (count,) = re.findall(r"people(\d+)", sweep["parameters"]["data.store"]["value"])
    filmed = PRESETS["studio"].with_people(int(count)).subjects_train
    assert set(filmed) - set(people) == set(PRESETS["studio"].subjects_train)


def method(name):
    return EXPERIMENTS / f"method/{name}.yaml"


@pytest.mark.parametrize("name", METHODS)
def test_a_method_carries_the_name_of_its_file(name):
    assert yaml.safe_load(method(name).read_text())["method"] == name


@pytest.fixture(scope="module")
def runs(store_path, tmp_path_factory):
    """What each method's run of two steps left behind."""
    folder = tmp_path_factory.mktemp("runs")

    def reached(name):  # so that every negative has a gradient
        return (
            ["--model.objective.margin", "3"]
            if "objective: {class_path: mcss.objectives.contrastive" in method(name).read_text()
            else []
        )

    return {name: run(store_path, folder / name, method(name), extra=reached(name)) for name in METHODS}


def test_every_method_runs(runs):
    for name, done in runs.items():
        assert done.checkpoint["global_step"] == len(done.batches) == 2, name
        assert done.config["method"] == name


def test_mcss_sees_pairs_and_labels_and_the_baseline_labels_only(runs):
    (mcss, *_), (baseline, *_) = runs["mcss"][0], runs["baseline"][0]
    assert (mcss.pairs, len(mcss.pose_world), len(mcss.images)) == (4, 8, 16)
    assert (baseline.pairs, len(baseline.pose_world), len(baseline.images)) == (0, 8, 8)


def test_both_have_the_same_network_and_start_from_the_same_weights(runs):
    mcss, baseline = runs["mcss"].initial, runs["baseline"].initial
    assert mcss.keys() == baseline.keys()
    for name in ("embedder.0.conv1.weight", "embedder.1.fc.weight", "regressor.2.weight"):
        assert torch.equal(mcss[name], baseline[name]), name


@pytest.mark.parametrize("name", ["mcss_random_negatives", "mcss_softmax", "mcss_squared"])
def test_an_ablation_of_the_loss_trains_otherwise_than_mcss(runs, name):
    assert yaml.safe_load((EXPERIMENTS / "base.yaml").read_text())["trainer"]["max_steps"] < AFTER_WARMUP
    ablation, mcss = (runs[which][1]["state_dict"]["embedder.1.fc.weight"] for which in (name, "mcss"))
    assert not torch.equal(ablation, mcss)


def test_contrastive_only_sees_no_label(runs):
    batch = runs["contrastive_only"][0][0]
    assert (batch.pairs, len(batch.pose_world)) == (4, 0)


def test_global_target_keeps_the_worlds_orientation(runs):
    checkpoint, config = runs["mcss_global"].checkpoint, runs["mcss_global"].config
    assert config["model"]["pose_frame"] == "root"
    folder = Path(config["run_dir"])
    main(["test", "--config", str(folder / "config.yaml"), "--run_dir", str(folder)])
    record = json.loads((folder / "results.json").read_text())
    assert {result["frame"] for result in record["results"]} == {"root"}
    # The synthetic left hip lies at (130, 20, 5) of the pelvis: on +X only in the canonical frame.
    left_hip = 3
    torch.testing.assert_close(checkpoint["state_dict"]["pose_mean_mm"][left_hip], torch.tensor([130.0, 20.0, 5.0]))
    canonical = runs["mcss"][1]["state_dict"]["pose_mean_mm"][left_hip]
    torch.testing.assert_close(canonical, torch.tensor([(130**2 + 20**2) ** 0.5, 0.0, 5.0]), atol=1e-3, rtol=0)


def test_resnet34_is_deeper(runs):
    def blocks(name):
        return sum(key.endswith("conv2.weight") for key in runs[name][1]["state_dict"])

    assert (blocks("mcss"), blocks("mcss_resnet34")) == (8, 16)


def test_the_papers_loss_has_its_threshold_from_the_first_step(runs):
    def objective(name):
        return Contrastive(**runs[name][2]["model"]["objective"]["init_args"])

    assert objective("mcss").threshold_at(0.0) == 0
    assert objective("mcss_paper_loss").threshold_at(0.0) == 0.3
    assert objective("mcss_paper_loss").softmax_fraction == 0


@pytest.mark.parametrize(
    ("name", "changes"),
    {
        "mcss_threshold_at_once": {"model.objective.init_args.threshold_fraction": 0.0},
        "mcss_no_threshold": {"model.objective.init_args.threshold": 0.0},
        "mcss_random_negatives": {"model.objective.init_args.negatives": "random"},
        "mcss_softmax": {"model.objective.init_args.negatives": "all"},
        "mcss_squared": {"model.objective.init_args.squared": True},
        "mcss_mixed_subjects": {"data.mix_subjects": True},
        "mcss_substituted": {"data.background": "substitute"},
        "mcss_dim64": {"model.embedding_dim": 64},
        "mcss_dim256": {"model.embedding_dim": 256},
    }.items(),
)
def test_an_ablation_differs_from_mcss_in_one_setting(runs, name, changes):
    ablation, mcss = (resolved_settings(runs[which][2]) for which in (name, "mcss"))
    assert {key: value for key, value in ablation.items() if mcss.get(key) != value} == changes


def test_in_the_control_the_pairs_reach_batchnorm_only(runs):
    control, mcss, baseline = runs["baseline_all_images"], runs["mcss"], runs["baseline"]
    torch.testing.assert_close(control[0][0].images, mcss[0][0].images)
    kept, with_objective = (resolved_settings(run[2]) for run in (control, mcss))
    assert kept == {key: value for key, value in with_objective.items() if not key.startswith("model.objective.")}
    seen = [run[1]["state_dict"]["embedder.0.bn1.running_mean"] for run in (control, baseline)]
    assert not torch.allclose(*seen)


def test_mcss_plus_ends_with_averaged_weights_and_changed_backgrounds(runs):
    batches, checkpoint, config, _ = runs["mcss_plus"]
    assert config["data"]["background"] == "substitute"
    assert checkpoint["averaging_state"]["n_averaged"] == 2  # steps
    assert not torch.equal(
        *(runs[name][1]["state_dict"]["embedder.1.fc.weight"] for name in ("mcss_plus", "mcss_substituted"))
    )
    assert not torch.equal(batches[0].images, runs["mcss"][0][0].images)


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_other_overlay_runs(path, store_path, tmp_path):
    """On a CPU, at a size that a test can afford: devices, weights and width are those of this test."""
    affordable = ["--trainer.devices", "1", "--trainer.strategy", "auto", "--trainer.sync_batchnorm", "false"]
    affordable += ["--model.width", "16", "--model.weights", "none", "--model.image_size_px", "48"]
    affordable += ["--data.num_workers", "0", "--data.pairs", "4", "--data.labelled_images", "8"]
    if "multiview_store" in yaml.safe_load(path.read_text()).get("data", {}):
        affordable += ["--data.multiview_store", str(store_path)]
    batches, _, config, _ = run(store_path, tmp_path / "run", method("mcss"), path, extra=affordable)
    assert len(batches) == 2
    asked = yaml.safe_load(path.read_text())
    for key in ("lr", "schedule", "batchnorm_affine"):
        if key in asked.get("model", {}):
            assert config["model"][key] == asked["model"][key]
