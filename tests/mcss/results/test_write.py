import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from mcss.results.collect import read_rows
from mcss.results.figures import COMPARED_QUANTILES, at_quantiles, compared_poses_figure, pose_errors_mm
from mcss.results.write import main, runs_to_compare, write_report


def test_command_fills_the_page(finished, tmp_path, capsys):
    page = tmp_path / "README.md"
    page.write_text("<!-- results:begin --><!-- results:end -->")
    main([str(finished("a")), "--table", str(tmp_path / "runs.csv"), "--page", str(page)])
    assert "| S1 | mcss | 1 | 1 | 1 | 100.0 | 101.0 | 102.0 |" in page.read_text()
    assert "| S1 | mcss | 1 |" in capsys.readouterr().out
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written == {"README.md", "runs.csv", "supervision_curve.png", "tables.md", "tables.csv"}
    assert "| S1 | mcss | canonical | N-MPJPE | 1 | 101.0 | 0.50 | 1.0 |" in (tmp_path / "tables.md").read_text()


def test_a_run_without_results_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "absent"), "--table", str(tmp_path / "runs.csv")])
    assert caught.value.code == 2
    assert "absent/results.json: no such file; test the run first" in capsys.readouterr().err


def test_an_empty_table_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--table", str(tmp_path / "runs.csv")])
    assert caught.value.code == 2
    assert "runs.csv: no runs yet" in capsys.readouterr().err


@pytest.fixture
def pair(trained, tmp_path):
    """A finished MCSS run and the same again under the name of a baseline; predictions 30 mm off."""
    folders = {"mcss": trained, "baseline": tmp_path / "baseline"}
    shutil.copytree(trained, folders["baseline"], ignore=shutil.ignore_patterns("checkpoints"))
    for name in ("run.json", "results.json"):
        path = folders["baseline"] / name
        path.write_text(json.dumps(json.loads(path.read_text()) | {"method": "baseline", "config_hash": "b"}))
    path = folders["baseline"] / "test_predictions.npz"
    with np.load(path) as file:
        content = dict(file)
    content["pose_pred_mm"] = content["pose_pred_mm"] + np.float32([30, 0, 0])
    np.savez(path, **content)
    return folders


def test_mcss_and_baseline_are_compared_on_the_same_images(pair, tmp_path):
    write_report(list(pair.values()), tmp_path / "out/runs.csv", None)
    assert [row["method"] for row in read_rows(tmp_path / "out/runs.csv")] == ["baseline", "mcss"]
    for name in ("compared_poses.png", "compared_curves.png"):
        assert cv2.imread(str(tmp_path / "out" / name)).std() > 5


def test_compared_images_lie_at_stated_quantiles_of_the_mean_error(pair):
    from data_modules.store import open_store

    store = open_store(Path(yaml.safe_load((pair["mcss"] / "config.yaml").read_text())["data"]["store"]))
    predictions = {name: dict(np.load(folder / "test_predictions.npz")) for name, folder in pair.items()}
    errors = {name: pose_errors_mm(content) for name, content in predictions.items()}
    figure = compared_poses_figure(store, "canonical", predictions)
    axes = np.array(figure.axes).reshape(len(COMPARED_QUANTILES), 4)
    mean = sorted((errors["mcss"] + errors["baseline"]) / 2)
    for quantile, (image, *_skeletons) in zip(COMPARED_QUANTILES, axes, strict=True):
        shown, place, _camera = image.get_title().splitlines()
        values = [float(word) for word in shown.replace(",", "").split() if word.isdigit()]
        assert np.mean(values) == pytest.approx(mean[round(quantile * (len(mean) - 1))], abs=1.01)
        assert place.startswith("S9 ")
    assert [axes[0, row].texts[0].get_text() for row in (1, 2, 3)] == ["truth", "mcss", "baseline"]


def test_quantiles_of_a_known_order():
    error = np.array([5.0, 1.0, 4.0, 2.0, 3.0])
    np.testing.assert_array_equal(error[at_quantiles(error)], [1, 2, 2, 3, 4, 4, 5])


def test_runs_tested_on_other_data_are_not_compared(pair, tmp_path, capsys):
    path = pair["baseline"] / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"test_data_hash": "other"}))
    with pytest.raises(SystemExit) as caught:
        main([*map(str, pair.values()), "--table", str(tmp_path / "out/runs.csv")])
    assert caught.value.code == 2
    assert "tested on other data or in other frames" in capsys.readouterr().err


def test_the_lowest_seed_with_both_methods_is_compared(tmp_path):
    def folder(method, seed, supervision="S1"):
        path = tmp_path / f"{method}{seed}{supervision}"
        path.mkdir()
        (path / "results.json").write_text(json.dumps({"method": method, "seed": seed, "supervision": supervision}))
        return path

    runs = [folder("mcss", 0), folder("baseline", 0, "all"), folder("baseline", 2), folder("mcss", 2)]
    assert runs_to_compare(runs) == {"mcss": runs[3], "baseline": runs[2]}
    assert runs_to_compare([*runs, folder("baseline", 1), folder("mcss", 1)])["mcss"].name == "mcss1S1"
    assert runs_to_compare(runs[:2]) == {}


def test_a_run_without_predictions_is_named(pair, tmp_path, capsys):
    (pair["baseline"] / "test_predictions.npz").unlink()
    with pytest.raises(SystemExit) as caught:
        main([*map(str, pair.values()), "--table", str(tmp_path / "out/runs.csv")])
    assert caught.value.code == 2
    assert "baseline/test_predictions.npz: no such file; test the run again" in capsys.readouterr().err
