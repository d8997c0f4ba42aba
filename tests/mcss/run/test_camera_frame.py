"""A run with a head for where people face, from its training to the files of a prediction."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from data_modules.store import open_store
from data_modules.store.pictures import calibration
from mcss.__main__ import main
from mcss.geometry.direction import standard_deviation_deg
from mcss.run.camera_frame import yaw_figures
from tests.references.synthetic_store import make_store, ring_of_cameras

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The cameras are known, but for one."""
    known = {name: camera for name, camera in ring_of_cameras().items() if name != "cam4"}
    path = tmp_path_factory.mktemp("data") / "store"
    return open_store(make_store(path, size_px=48, instants=12, calibration=known))


@pytest.fixture(scope="module")
def run(settings, store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "facing"
    changes = ["--data.store", str(store.path), "--model.facing", "true", "--trainer.max_steps", "4"]
    main(["fit", *settings(), *changes, "--run_dir", str(folder), "--then_test", "true"])
    return folder


def test_errors_in_the_cameras_frame_stand_beside_the_others_and_name_their_frame(run, store):
    record = json.loads((run / "results.json").read_text())
    assert record["settings"]["model.facing"] is True
    assert {result["frame"] for result in record["results"]} == {"canonical"}
    (found,) = (
        result["value"]
        for result in record["camera_frame_results"]
        if (result["metric"], result["joint_set"], result["average"], result["frame"])
        == ("mpjpe_mm", "h36m16", "micro", "camera")
    )
    predictions = dict(np.load(run / "test_predictions.npz"))
    errors = []
    for row, pred in zip(predictions["row"].tolist(), predictions["pose_camera_pred_mm"], strict=True):
        camera = calibration(store, row)
        if camera is None:
            continue
        left, top, side = store.box[row]
        axes = camera.rot_world_to_virtual(np.array([left + side / 2, top + side / 2]))
        true = (store.pose_world[row] - store.pose_world[row, 0]).astype(np.float64) @ axes.T
        errors.append(np.linalg.norm(pred - pred[0] - true, axis=1)[1:].mean())
    assert len(errors) == 3 * len(predictions["row"]) / 4
    assert found == pytest.approx(np.mean(errors), abs=0.01)
    assert record["yaw"]["images"] == len(errors)
    # The same pose, turned: no other error after an alignment.
    of = {result["metric"]: result["value"] for result in record["camera_frame_results"][:3]}
    assert of["pa_mpjpe_mm"] < of["mpjpe_mm"]


def test_a_prediction_says_where_the_person_faces_and_draws_it(run, store, tmp_path):
    words = ["predict", "--ckpt_path", str(run), str(store.path), "--subjects", "S9", "--out", str(tmp_path / "torch")]
    main([*words, "--files", "facing", "video", "--quiet"])
    out = tmp_path / "torch/S9_Walking_1"
    table = pd.read_csv(out / "facing.csv", comment="#")
    arrays = dict(np.load(out / "predictions.npz"))
    assert table.columns.tolist() == ["frame", "time_s", "camera", "yaw_deg", "yaw_std_deg"]
    np.testing.assert_allclose(table["yaw_deg"].to_numpy().reshape(-1, 4).T, arrays["yaw_deg"], atol=1e-3)
    assert (table["yaw_std_deg"] > 0).all()
    determinants = np.linalg.det(arrays["rot_canonical_to_view"])
    np.testing.assert_allclose(determinants, 1, atol=1e-4)

    pytest.importorskip("onnxruntime")
    with warnings.catch_warnings(action="ignore"):
        main(["export", str(run / "checkpoints/last.ckpt"), "--out", str(tmp_path / "network.onnx")])
    words = ["predict", "--onnx", str(tmp_path / "network.onnx"), str(store.path), "--subjects", "S9"]
    main([*words, "--out", str(tmp_path / "onnx"), "--files", "facing", "--quiet"])
    other = dict(np.load(tmp_path / "onnx/S9_Walking_1/predictions.npz"))
    turned = (other["yaw_deg"] - arrays["yaw_deg"] + 180) % 360 - 180
    assert np.abs(turned).max() < 0.1
    np.testing.assert_allclose(other["rot_canonical_to_view"], arrays["rot_canonical_to_view"], atol=1e-3)
    assert "facing" in json.loads((tmp_path / "network.onnx.json").read_text())


def test_the_uncertainty_of_yaw_is_measured_by_the_share_within_its_range():
    rng = np.random.default_rng(0)
    concentrated = np.column_stack([np.full(4000, 40.0), np.zeros(4000)])
    std_deg = standard_deviation_deg(concentrated)
    error_deg = np.degrees(rng.vonmises(0, 40.0, 4000))
    error_deg[:100] = np.nan
    found = yaw_figures({"yaw_error_deg": error_deg, "yaw_std_deg": std_deg})
    assert found["images"] == 3900
    assert found["within_90_percent"] == pytest.approx(0.9, abs=0.02)
    assert found["median_deg"] == pytest.approx(0.6745 * std_deg[0], rel=0.1)
