import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from data_modules.store import open_store
from mcss.results.__main__ import main, runs_to_compare, write_report
from mcss.results.record import read_table
from mcss.run.figures import SHOWN_QUANTILES, at_quantiles, compared_poses_figure
from mcss.run.predictions import prediction_errors, read_predictions


def test_the_table_and_everything_made_of_it_is_written(finished, tmp_path):
    page = tmp_path / "README.md"
    page.write_text("<!-- results:begin --><!-- results:end -->")
    write_report([finished("a")], tmp_path / "runs.csv", page)
    assert "S9 91.0, S11 111.0 |" in page.read_text()
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written == {"README.md", "runs.csv", "supervision_curve.png", "tables.md", "tables.csv"}


def test_of_the_second_studio_the_page_shows_the_headlines_alone(finished, tmp_path):
    page = tmp_path / "README.md"
    page.write_text("".join(f"<!-- {name}:begin --><!-- {name}:end -->\n" for name in ("headlines", "results")))
    other = {"method": "baseline", "value": 200.0, "checkpoint_hash": "b"}
    runs = [finished("mcss", supervision="P1"), finished("baseline", supervision="P1", **other)]
    write_report(runs, tmp_path / "studio-b/runs.csv", page)
    headlines, _, results = page.read_text().partition("<!-- results")
    assert "studio-b 1" in headlines
    assert results == ":begin --><!-- results:end -->\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tmp}/absent"], "absent/results.json: no such file; test the run first"),
        ([], "runs.csv: no runs yet"),
        (["{tmp}/alone"], "alone: no test_predictions.npz, or from an earlier version; test the run again"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, finished, tmp_path, capsys):
    finished("alone")
    with pytest.raises(SystemExit) as caught:
        main([*(word.format(tmp=tmp_path) for word in arguments), "--table", str(tmp_path / "runs.csv")])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.fixture
def pair(trained, tmp_path):
    """A finished MCSS run and the same again under the name of a baseline; predictions 30 mm off."""
    folders = {"mcss": trained, "baseline": tmp_path / "baseline"}
    shutil.copytree(trained, folders["baseline"], ignore=shutil.ignore_patterns("checkpoints"))
    path = folders["baseline"] / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"method": "baseline", "checkpoint_hash": "b"}))
    path = folders["baseline"] / "test_predictions.npz"
    content = read_predictions(path)
    content["pose_pred_mm"] = content["pose_pred_mm"] + np.float32([30, 0, 0])
    np.savez(path, **content)
    return folders


def test_mcss_and_baseline_are_compared_on_the_same_images(pair, tmp_path):
    write_report(list(pair.values()), tmp_path / "out/runs.csv", None)
    assert read_table(tmp_path / "out/runs.csv")["method"].tolist() == ["baseline", "mcss"]
    for name in ("compared_poses.png", "compared_curves.png"):
        assert cv2.imread(str(tmp_path / "out" / name)).std() > 5


def test_compared_images_lie_at_stated_quantiles_of_the_mean_error(pair):
    store = open_store(Path(json.loads((pair["mcss"] / "results.json").read_text())["test_store"]))
    runs = {name: read_predictions(folder / "test_predictions.npz") for name, folder in pair.items()}
    errors = {name: prediction_errors(content)["mpjpe_mm"].to_numpy() for name, content in runs.items()}
    figure = compared_poses_figure(store, "canonical", runs)
    axes = np.array(figure.axes).reshape(len(SHOWN_QUANTILES), 4)
    index = at_quantiles(np.mean(list(errors.values()), axis=0))[0]
    title = axes[0, 0].get_title()
    assert f"mcss {errors['mcss'][index]:.0f}, baseline {errors['baseline'][index]:.0f} mm" in title
    error = np.array([4.0, 1.0, 3.0, 2.0, 5.0])
    np.testing.assert_array_equal(error[at_quantiles(error)], [1, 2, 2, 3, 4, 4, 5])


def test_runs_tested_on_other_data_are_not_compared(pair, tmp_path, capsys):
    path = pair["baseline"] / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"frame": "root"}))
    with pytest.raises(SystemExit) as caught:
        main([*map(str, pair.values()), "--table", str(tmp_path / "out/runs.csv")])
    assert caught.value.code == 2
    assert "tested on other data or in other frames" in capsys.readouterr().err


def test_the_lowest_seed_with_both_methods_is_compared(finished):
    def folder(method, seed, supervision="S1"):
        facts = {"method": method, "seed": seed, "supervision": supervision, "test_store": "d"}
        return finished(f"{method}{seed}{supervision}", **facts)

    runs = [folder("mcss", 0), folder("baseline", 0, "all"), folder("baseline", 2), folder("mcss", 2)]
    assert runs_to_compare(runs) == {"mcss": runs[3], "baseline": runs[2]}
    assert runs_to_compare([*runs, folder("baseline", 1), folder("mcss", 1)])["mcss"].name == "mcss1S1"
    assert runs_to_compare(runs[:2]) == {}
