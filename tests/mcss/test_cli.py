"""The console script from end to end, in process, on a synthetic store."""

import csv
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from mcss.cli import main
from mcss.models.module import MCSSModule
from mcss.run.history import read_history
from tests.mcss.conftest import EXPERIMENTS


def weights(folder):
    return torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


def test_a_run_leaves_config_checkpoint_results_predictions_and_figures(trained):
    names = {path.name for path in trained.iterdir()}
    assert names == {
        *("config.yaml", "checkpoints", "metrics.csv", "run.json", "results.json"),
        *("test_predictions.npz", "test_poses.png", "curves.png"),
    }
    for name in ("test_poses.png", "curves.png"):
        assert cv2.imread(str(trained / name)).std() > 5


def test_results_say_what_was_run_and_how_each_figure_is_defined(trained, store_path):
    record = json.loads((trained / "results.json").read_text())
    store = json.loads((store_path / "store.json").read_text())
    assert record["method"] == "mcss"
    assert record["supervision"] == "S1"
    assert record["steps"] == 20
    assert record["images_seen"] == 20 * (2 * 4 + 8)
    assert record["labelled_instants"] == 3 * 12
    assert record["data_hash"] == store["content_hash"]
    assert record["test_subjects"] == ["S9"]
    assert record["test_images"] == 3 * 12 * 4
    assert record["wall_s"] > 0
    assert {(r["metric"], r["joint_set"], r["average"]) for r in record["results"]} == {
        (metric, joints, average)
        for metric in ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")
        for joints in ("h36m16", "h36m17")
        for average in ("micro", "macro")
    }
    assert all(r["frame"] == "canonical" and len(r["definition"]) > 20 for r in record["results"])


def test_results_equal_errors_recomputed_from_the_stored_predictions(trained):
    record = json.loads((trained / "results.json").read_text())
    with np.load(trained / "test_predictions.npz") as file:
        rows, pred, true = file["row"], file["pose_pred_mm"].astype(float), file["pose_true_mm"].astype(float)
    assert np.all(np.diff(rows) > 0)
    distance = np.linalg.norm((pred - pred[:, :1]) - (true - true[:, :1]), axis=-1)
    value = {(r["metric"], r["joint_set"], r["average"]): r["value"] for r in record["results"]}
    assert value["mpjpe_mm", "h36m16", "micro"] == pytest.approx(distance[:, 1:].mean(), abs=1e-2)
    assert value["mpjpe_mm", "h36m17", "micro"] == pytest.approx(distance.mean(), abs=1e-2)
    # Rows are sorted: two clips of Directions, then one of Walking, 12 instants x 4 cameras each.
    macro = (distance[:96, 1:].mean() + distance[96:, 1:].mean()) / 2
    assert value["mpjpe_mm", "h36m16", "macro"] == pytest.approx(macro, abs=1e-2)
    assert record["by_action"]["Walking"]["mpjpe_mm"] == pytest.approx(distance[96:, 1:].mean(), abs=1e-2)


def test_the_mean_pose_predictor_is_the_mean_over_all_training_subjects(trained, store_path):
    from data_modules.store import open_store
    from mcss.geometry.canonical import to_canonical, to_root

    store = open_store(store_path)
    canonical = to_canonical(to_root(torch.from_numpy(store.pose_world)))[0].double().numpy()
    mean = canonical[store.subject != "S9"].mean(axis=0)
    expected = np.linalg.norm(canonical[store.subject == "S9"] - mean, axis=-1)[:, 1:].mean()
    record = json.loads((trained / "results.json").read_text())
    headline = next(r for r in record["mean_pose_results"] if (r["joint_set"], r["average"]) == ("h36m16", "micro"))
    assert headline["value"] == pytest.approx(expected, abs=0.05)


def test_the_table_states_subjects_frame_joints_and_average(trained, capsys):
    main(["test", "--config", str(trained / "config.yaml"), "--run_dir", str(trained)])
    table = capsys.readouterr().out
    assert "mcss, 3D labels: S1, test subjects S9, 144 images, canonical frame, mm" in table
    rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")]
    assert {"h36m16, micro", "S9: h36m16, micro", "mean pose: h36m17, macro"} <= set(rows)


def test_a_killed_run_resumed_in_mid_epoch_equals_an_uninterrupted_one(
    settings, frequent_checkpoints, tmp_path, fit_killed
):
    arguments = [*settings(), "--config", str(frequent_checkpoints), "--model.objective.softmax_fraction", "0.3"]
    main(["fit", *arguments, "--run_dir", str(tmp_path / "whole")])
    fit_killed(14, *arguments, "--run_dir", str(tmp_path / "killed"))
    assert torch.load(tmp_path / "killed/checkpoints/last.ckpt", weights_only=True)["global_step"] == 12
    main(["fit", *arguments, "--run_dir", str(tmp_path / "killed")])

    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    assert read_history(tmp_path / "killed/metrics.csv") == read_history(tmp_path / "whole/metrics.csv")
    seen = [json.loads((tmp_path / name / "run.json").read_text())["images_seen"] for name in ("whole", "killed")]
    assert seen == [20 * 16, 20 * 16]


def test_a_finished_run_is_not_trained_again(trained, settings, monkeypatch):
    before = weights(trained)
    monkeypatch.setattr(MCSSModule, "training_step", lambda *_: pytest.fail("trained again"))
    main(["fit", *settings(), "--run_dir", str(trained)])
    assert all(torch.equal(value, before[name]) for name, value in weights(trained).items())


def test_seeds_differ_and_repeat(settings, tmp_path):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        main(
            [
                "fit",
                *settings(),
                "--trainer.max_steps",
                "3",
                "--seed_everything",
                seed,
                "--run_dir",
                str(tmp_path / name),
            ]
        )
    a, b, c = (weights(tmp_path / name)["regressor.0.weight"] for name in "abc")
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_two_ranks_train_together_and_test_every_image_once(settings, tmp_path):
    """Launched as a user would: the launcher starts the same command for the second rank."""
    ranks = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--data.eval_batch_size", "50"]
    command = [sys.executable, "-m", "mcss", "fit", *settings(), *ranks, "--run_dir", str(tmp_path)]
    subprocess.run([*command, "--trainer.max_steps", "3", "--then_test", "true"], check=True, timeout=300)
    run, record = (json.loads((tmp_path / name).read_text()) for name in ("run.json", "results.json"))
    assert (run["world_size"], run["images_seen"]) == (2, 3 * 2 * 16)
    with np.load(tmp_path / "test_predictions.npz") as file:
        assert len(file["row"]) == len(set(file["row"])) == record["test_images"] == 3 * 12 * 4


BAD_INPUTS = {
    "unknown key": (["--model.lrr", "1"], "lrr"),
    "wrong type": (["--model.lr", "fast"], "model.lr"),
    "unknown backbone": (["--model.backbone", "vgg"], "backbone"),
    "missing config": (["--config", "absent.yaml"], "absent.yaml"),
    "missing store": (["--data.store", "absent"], "there is no store"),
    "unknown subject": (["--data.supervision", "S99"], "S99"),
    "test subject": (["--data.supervision", "S9"], "test subject"),
    "malformed supervision": (["--data.supervision", "50%"], "50%"),
    "unknown clip": (["--data.validation_clips", "[S1/Flying/1]"], "S1/Flying/1"),
    "missing weights": (["--model.weights", "absent.pth"], "no such file"),
    "small images": (["--model.image_size_px", "32"], "more than 32"),
    "too many pairs": (["--data.pairs", "400"], "400 pairs"),
    "nothing to train on": (
        ["--data.supervision", "none", "--data.pairs", "0", "--model.objective", "null"],
        "nothing to train on",
    ),
    "a single pair": (["--data.pairs", "1"], "at least two pairs"),
    "negative seed": (["--seed_everything", "-1"], "seed_everything -1: choose a number from 0 to"),
    "a folder that is a file": (["--run_dir", str(EXPERIMENTS / "base.yaml")], "base.yaml is no folder"),
    "settings that are no text": (["--config", sys.executable], "a file is not text in UTF-8"),
    "no steps": (["--trainer.max_steps", "-1"], "max_steps"),
    "mirrored world poses": (["--model.pose_frame", "root", "--data.augment.flip_probability", "0.5"], "flip"),
    "augmentation out of range": (["--data.augment.scale", "2"], "augment.scale"),
    "threshold above margin": (["--model.objective.threshold", "2"], "threshold"),
    "a phase in steps": (["--model.objective.softmax_fraction", "2000"], "shares of the run"),
    "an objective without pairs": (["--data.pairs", "0"], "objective Contrastive learns from pairs of views"),
    "missing checkpoint": (["--ckpt_path", "absent.ckpt"], "absent.ckpt"),
    "accumulated gradients": (["--trainer.accumulate_grad_batches", "2"], "larger batches instead (--data.pairs"),
}


@pytest.mark.parametrize(("extra", "message"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_bad_input_gives_one_clear_line_and_code_2(extra, message, settings, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["fit", *settings(), "--run_dir", str(tmp_path), *extra])
    assert caught.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("mcss: ")
    assert message in lines[0]


def test_a_run_without_validation_clips_says_so_and_is_not_validated(settings, tmp_path, capsys):
    extra = ["--data.validation_clips", "[]", "--trainer.max_steps", "2", "--model.width", "8"]
    main(["fit", *settings(), *extra, "--run_dir", str(tmp_path)])
    assert "; no validation images\n" in capsys.readouterr().out
    assert not [name for row in read_history(tmp_path / "metrics.csv").values() for name in row if name[:3] == "val"]
    with pytest.raises(SystemExit) as caught:
        main(["validate", "--config", str(tmp_path / "config.yaml"), "--run_dir", str(tmp_path)])
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "mcss: nothing to validate: name clips of training subjects (data.validation_clips)\n"
    )


def test_other_settings_in_the_same_folder_are_refused(trained, settings, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["fit", *settings(), "--run_dir", str(trained), "--model.lr", "0.5"])
    assert caught.value.code == 2
    assert "model.lr 0.002 -> 0.5" in capsys.readouterr().err


def test_a_test_without_a_checkpoint_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["test", "--run_dir", str(tmp_path)])
    assert caught.value.code == 2
    assert "no such checkpoint; train first" in capsys.readouterr().err.strip().splitlines()[-1]


def test_metrics_history_has_losses_errors_and_the_embeddings_spread(trained):
    with (trained / "metrics.csv").open(newline="") as file:
        columns = set(csv.DictReader(file).fieldnames)
    assert {"train/loss", "train/loss_pose", "train/loss_contrastive", "train/mean_distance"} <= columns
    assert [step for step, row in read_history(trained / "metrics.csv").items() if "test/mpjpe_mm" in row] == [19]
    assert {"val/mpjpe_mm", "val/n_mpjpe_mm", "val/pa_mpjpe_mm", "val/mean_distance", "val/effective_rank"} <= columns
