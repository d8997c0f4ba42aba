"""``results.json`` describes the checkpoint that was tested and what it was tested on, by tests of a trained run."""

import itertools
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from data_modules.store import open_store, write_store
from mcss.cli import main
from mcss.geometry.canonical import to_canonical, to_root
from mcss.hashing import file_hash
from mcss.metrics.view_agreement import DEFINITIONS
from mcss.models.module import MCSSModule
from mcss.run.history import read_history
from mcss.run.scores import results_text
from tests.references import pck
from tests.references.synthetic_store import make_meta, make_store, synthetic_rows


@pytest.fixture(scope="module")
def other_run(settings, tmp_path_factory):
    """A run of 4 steps with other settings and another seed than ``trained``."""
    folder = tmp_path_factory.mktemp("runs") / "other"
    changes = ["--model.lr", "0.5", "--seed_everything", "7", "--trainer.max_steps", "4"]
    main(["fit", *settings(), *changes, "--run_dir", str(folder), "--then_test", "true"])
    return folder


@pytest.fixture(autouse=True)
def quick_figures(monkeypatch):
    monkeypatch.setattr("mcss.run.evaluation.extreme_poses_figure", lambda *_: Figure())


def record_of(folder, name="results.json"):
    return json.loads((folder / name).read_text())


def evaluate(folder, *arguments, config=None):
    main(["test", "--config", str((config or folder) / "config.yaml"), "--run_dir", str(folder), *arguments])
    return record_of(folder)


def test_the_record_of_a_run(trained, store_path):
    record, store = record_of(trained), json.loads((store_path / "store.json").read_text())
    assert record["settings"]["model.lr"] == 0.002
    assert record["settings"]["data.labelled_store"] == record["test_data_hash"] == store["content_hash"]
    assert not [name for name in record["settings"] if name.endswith((".seed", ".precision", ".store"))]
    assert record["checkpoint_hash"] == file_hash(trained / "checkpoints/last.ckpt")
    assert (record["steps"], record["world_size"], record["seed"]) == (20, 1, 0)
    assert (record["partial"], record["test_limits"]) == (False, {})
    assert record["test_images"] == record["test_images_of_store"] == 144
    assert record["by_subject"].keys() == {"S9"}
    assert record["by_action"].keys() == {"Directions", "Walking"}
    assert (record["labelled_errors"]["images"], record["wall_s"] > 0) == (3 * 12 * 4, True)
    assert record["labelled_errors"]["mpjpe_mm"] > 0
    assert record["filmed_people"]["by_subject"].keys() == record["validation_errors"]["by_subject"].keys() == {"S5"}


def test_the_mean_pose_is_measured_on_the_very_images_of_the_validation_clips(trained, store_path):
    store = open_store(store_path)
    training = np.isin(store.subject, store.meta.subjects_train)
    instants = np.unique(store.instant[training], return_index=True)[1]
    poses = to_canonical(to_root(torch.from_numpy(store.pose_world)))[0].double()
    mean_pose = poses[training][instants].mean(dim=0)
    rows = np.flatnonzero(store.clip == store.clip_names.index("S5/Walking/1"))
    expected = (poses[rows] - mean_pose).norm(dim=-1)[:, 1:].mean()
    found = record_of(trained)["validation_errors"]
    assert found["images"] == len(rows)
    assert found["mean_pose_mpjpe_mm"] == pytest.approx(float(expected), abs=0.01)
    (*_, logged) = (values for values in read_history(trained / "metrics.csv").values() if "val/n_mpjpe_mm" in values)
    assert found["n_mpjpe_mm"] == pytest.approx(logged["val/tuning_n_mpjpe_mm"], abs=2e-3)


def test_filmed_people_are_measured_on_their_clips_that_no_stream_held(trained, store_path):
    """The network on every image of the clip, without the project's test loop."""
    store = open_store(store_path)
    rows = np.flatnonzero(store.clip == store.clip_names.index("S5/Directions/1"))
    module = MCSSModule.load_from_checkpoint(trained / "checkpoints/last.ckpt", map_location="cpu").eval()
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    images = (torch.from_numpy(store.decode(rows, module.image_size_px)).permute(0, 3, 1, 2) / 255 - mean) / std
    with torch.no_grad():
        pred = module(images).pose
    true = module.target(torch.from_numpy(store.pose_world[rows]))
    expected = (pred - true).norm(dim=-1)[:, 1:].mean()  # both have their pelvis at 0
    filmed = record_of(trained)["filmed_people"]
    assert filmed["images"] == len(rows) == 12 * 4
    assert filmed["mpjpe_mm"] == pytest.approx(float(expected), abs=0.01)


def test_filmed_people_of_another_split_are_not_reported(trained, tmp_path, capsys):
    shutil.copytree(trained, tmp_path / "run")
    evaluate(tmp_path / "run")
    assert "filmed people: h36m16, micro" in capsys.readouterr().out
    record = evaluate(tmp_path / "run", "--data.filmed_test_clips", "[S5/Directions/1, S1/Walking/1]")
    assert (record["filmed_people"], record["labelled_errors"]) == ({}, {})
    assert "filmed people" not in capsys.readouterr().out


def test_embedding_health_is_that_of_the_test_images(trained):
    embedding = np.load(trained / "test_predictions.npz")["embedding"].astype(float)
    distances = [np.linalg.norm(a - b) for i, a in enumerate(embedding) for b in embedding[:i]]
    assert record_of(trained)["test_mean_distance"] == pytest.approx(np.mean(distances), abs=2e-3)
    assert 1 < record_of(trained)["test_effective_rank"] < 128


def test_views_are_compared_without_labels_in_test_and_validation(trained, store_path):
    predictions, store = np.load(trained / "test_predictions.npz"), open_store(store_path)
    row, embedding = predictions["row"], predictions["embedding"]
    hits = []
    for query, other in itertools.product(range(len(row)), store.meta.cameras):
        same = (store.clip[row] == store.clip[row[query]]) & (store.camera[row] == other)
        if store.camera[row[query]] != other:
            database = np.flatnonzero(same)
            nearest = database[np.linalg.norm(embedding[database] - embedding[query], axis=1).argmin()]
            hits.append(store.instant[row[nearest]] == store.instant[row[query]])
    figures = record_of(trained)["view_agreement"]
    assert figures["network"]["same_instant_hit1"] == pytest.approx(np.mean(hits), abs=1e-4)
    assert figures["network"].keys() == DEFINITIONS.keys()
    assert figures["untrained"].keys() == {"same_instant_hit1", "same_instant_time_s"}
    assert figures["untrained"] != {name: figures["network"][name] for name in figures["untrained"]}
    logged = set().union(*read_history(trained / "metrics.csv").values())
    assert {f"val/{name}" for name in DEFINITIONS} <= logged
    line = f"same_instant_hit1: {figures['network']['same_instant_hit1']:.3g} (untrained network"
    assert line in results_text(record_of(trained))


def test_test_subjects_without_labels_are_measured_without_errors(trained, tmp_path, capsys):
    store = make_store(tmp_path / "unlabelled", ("S9",), instants=4, size_px=48, labelled=False)
    shutil.copytree(trained, tmp_path / "run")
    before = record_of(tmp_path / "run")
    assert evaluate(tmp_path / "run", "--data.test_store", str(store)) == before
    figures = record_of(tmp_path / "run", "view_agreement.json")
    assert figures["test_store"] == str(store)
    assert 0 <= figures["network"]["same_instant_hit1"] <= 1
    printed = capsys.readouterr().out
    assert "no test subject has a 3D label" in printed
    assert f"same_instant_hit1: {figures['network']['same_instant_hit1']:.3g} (untrained" in printed


def test_a_checkpoint_from_elsewhere_is_recorded_as_itself(trained, other_run, tmp_path):
    """The folder's own seed and settings were recorded for ``mcss test --ckpt_path OTHER``."""
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    checkpoint = other_run / "checkpoints/last.ckpt"
    record = evaluate(folder, "--ckpt_path", str(checkpoint))
    assert (record["seed"], record["steps"], record["settings"]["model.lr"]) == (7, 4, 0.5)
    assert record["checkpoint_hash"] == file_hash(checkpoint)
    theirs = record_of(other_run)
    for name in ("settings_hash", "checkpoint_hash", "images_seen", "by_subject", "commit", "labelled_errors"):
        assert record[name] == theirs[name], name


def test_the_seed_of_the_objective_is_that_of_the_run(other_run):
    """The random choices of the loss were those of seed 0 in every run."""
    checkpoint = torch.load(other_run / "checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["hyper_parameters"]["seed"] == record_of(other_run)["seed"] == 7


def test_a_test_is_computed_in_float32(other_run, tmp_path):
    """Poses of a test under autocast lay on a grid of nearly 1 mm."""
    folder = shutil.copytree(other_run, tmp_path / "run")
    record = evaluate(folder, "--trainer.precision", "bf16-mixed")
    assert record["test_precision"] == "float32"
    pose_mm = torch.from_numpy(np.load(folder / "test_predictions.npz")["pose_pred_mm"][:, 1:])
    assert (pose_mm.bfloat16().float() == pose_mm).double().mean() < 0.05


def test_a_test_on_another_store_is_recorded_as_such(other_run, tmp_path):
    store = make_store(tmp_path / "other", ("S1", "S9", "S11"), instants=2, size_px=48, seed=3)
    shutil.copytree(other_run, tmp_path / "run")
    record = evaluate(tmp_path / "run", "--data.test_store", str(store))
    assert record["test_store"] == str(store)
    assert record["settings"]["data.test_store"] == record["test_data_hash"] != record["data_hash"]
    assert record["settings_hash"] != record_of(other_run)["settings_hash"]
    assert list(record["by_subject"]) == ["S11", "S9"]


def test_what_a_checkpoint_without_any_description_was_trained_on_is_unknown(other_run, tmp_path, capsys):
    checkpoint = tmp_path / "moved/x.ckpt"
    checkpoint.parent.mkdir()
    shutil.copy(other_run / "checkpoints/last.ckpt", checkpoint)
    content = torch.load(checkpoint, weights_only=True)
    del content["run"]
    torch.save(content, checkpoint)
    record = evaluate(tmp_path / "run", "--ckpt_path", str(checkpoint), config=other_run)
    unknown = ("method", "supervision", "seed", "settings", "commit", "dirty", "precision")
    assert [record[name] for name in unknown] == [None] * len(unknown)
    assert (record["steps"], record["labelled_errors"]) == (4, {})
    assert "method unknown, 3D labels: unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "limits"),
    [
        (["--trainer.limit_test_batches", "0.5", "--data.eval_batch_size", "16"], {"limit_test_batches": 0.5}),
        (["--trainer.fast_dev_run", "true", "--data.eval_batch_size", "16"], {"fast_dev_run": 1}),
    ],
)
def test_a_partial_test_is_marked_and_leaves_every_file_of_a_whole_one(arguments, limits, other_run, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(other_run, folder)
    log = folder / "metrics.csv"
    before = {path: path.read_bytes() for path in folder.rglob("*.*") if path != log}
    logged = read_history(log)[3]["test/mpjpe_mm"]
    evaluate(folder, *arguments)
    assert "PARTIAL TEST of " in capsys.readouterr().out
    assert {path: path.read_bytes() for path in before} == before
    assert read_history(log)[3]["test/mpjpe_mm"] == logged
    part = record_of(folder, "results_partial.json")
    assert part["partial"]
    assert limits.items() <= part["test_limits"].items()


def test_a_partial_test_without_a_whole_one_is_replaced_by_it(other_run, tmp_path):
    folder = shutil.copytree(other_run, tmp_path / "run", ignore=shutil.ignore_patterns("results.json"))
    assert evaluate(folder, "--trainer.limit_test_batches", "2", "--data.eval_batch_size", "16")["partial"]
    (folder / "results_partial.json").touch()
    assert not evaluate(folder)["partial"]
    assert not list(folder.glob("*_partial.*"))


def test_a_smoke_test_of_training_is_partial_and_of_no_checkpoint(settings, tmp_path):
    main(["fit", *settings(), "--trainer.fast_dev_run", "true", "--then_test", "true", "--run_dir", str(tmp_path)])
    record = record_of(tmp_path)
    assert (record["partial"], record["checkpoint_hash"], record["steps"]) == (True, None, 1)
    assert record["settings"]["trainer.fast_dev_run"] is True


def test_a_test_set_of_one_view_is_tested_alone_and_that_of_mpi_inf_3dhp_with_pck(trained, tmp_path, capsys):
    one_view = {"subjects": ("S9",), "cameras": ("0",), "size_px": 48}
    meta = replace(make_meta(**one_view), name="mpi-inf-3dhp-test")
    write_store(tmp_path / "store", synthetic_rows(**one_view, clips=("Test/1",)), meta)
    shutil.copytree(trained, tmp_path / "run")
    record = evaluate(tmp_path / "run", "--data.test_store", str(tmp_path / "store"))
    assert (record["test_subjects"], record["test_images"]) == (["S9"], 6)
    assert record["test_source"] == meta.source
    predictions = np.load(tmp_path / "run/test_predictions.npz")
    pred, true = (predictions[name].astype(float) for name in ("pose_pred_mm", "pose_true_mm"))
    expected = {}
    for joint_set, joints in (
        ("mpi14", [joint for joint in range(1, 17) if joint not in (7, 9)]),
        ("h36m17", range(17)),
    ):
        expected["pck_150mm_percent", joint_set] = pck.percent_within(pred, true, joints, 150)
        expected["auc_percent", joint_set] = pck.auc(pred, true, joints)
    found = {(item["metric"], item["joint_set"]): item["value"] for item in record["pck_results"]}
    assert found == pytest.approx(expected, abs=1e-3)
    assert f"pck_150mm_percent (mpi14): {found['pck_150mm_percent', 'mpi14']:.1f}" in capsys.readouterr().out
    assert "pck_results" not in record_of(trained)
