"""The studies of how to film, from tables of their runs."""

import json

import pandas as pd
import pytest

from data_modules.store import open_store
from mcss.errors import InputError
from mcss.results.filming import calibration_text, filming_figure, filming_text, study_points, write_studies
from tests.references.synthetic_store import make_store


@pytest.fixture
def results(tmp_path, table):
    """Folder of tables: minutes at 1 and 8 in two draws, each with a store of its own, and two draws of calibration."""
    for draw, values in ((1, (100.0, 80.0)), (2, (110.0, 84.0))):
        runs = []
        for name, value in zip(("minutes1", "base"), values, strict=True):
            store = make_store(tmp_path / f"data/draw{draw}" / name, instants=2, seed=len(name) + 10 * draw, size_px=16)
            runs.append({"value": value, "settings": {"data.labelled_store": open_store(store).content_hash}})
        save(table(*runs), tmp_path / f"filming/minutes-draw{draw}")
    for draw, everybody, one in ((21, 80.0, 120.0), (22, 100.0, 140.0)):
        levels = {"all": everybody, "S1": one}
        runs = [{"method": "baseline_long", "supervision": level, "value": value} for level, value in levels.items()]
        save(table(*runs), tmp_path / f"filming/calibration-draw{draw}")
    return tmp_path / "filming"


def save(runs, folder):
    folder.mkdir(parents=True)
    runs.to_csv(folder / "runs.csv", index=False)


def test_points_have_their_place_from_the_store_and_stay_when_it_is_gone(results, tmp_path):
    points = study_points(results, tmp_path / "data")
    assert points["place"].tolist() == [1.0, 8.0, 1.0, 8.0]
    assert points["n_mpjpe_mm"].tolist() == [101.0, 81.0, 111.0, 85.0]  # 1 mm more than ``value``
    assert points["filmed_n_mpjpe_mm"].tolist() == [51.0, 41.0, 56.0, 43.0]
    pd.testing.assert_frame_equal(study_points(results, tmp_path / "nowhere"), points)
    cells = [cell.strip() for cell in filming_text(points).splitlines()[2].strip("|").split("|")]
    assert cells == ["1", "2", "106.0 (101.0 to 111.0)", "53.5 (51.0 to 56.0)"]
    axes = filming_figure(points).axes
    assert [line.get_ydata().tolist() for line in axes[0].lines][:2] == [[101.0, 81.0], [111.0, 85.0]]


def test_the_places_of_people_and_cameras_are_counted(results, tmp_path, table):
    store = open_store(tmp_path / "data/draw1/base").content_hash
    for study, settings, place in (
        ("people", {"data.subjects": ["S1", "S5", "S6"]}, 2),
        ("cameras", {"data.leave_out_cameras": ["a", "b"]}, 4),
        ("cameras", {}, 6),
        ("sync", {}, 0),
    ):
        folder = results / f"{study}-draw1"
        runs = table({"settings": {"data.labelled_store": store, **settings}})
        folder.mkdir(exist_ok=True)
        runs.to_csv(folder / "runs.csv", index=False)
        points = study_points(results, tmp_path / "data")
        assert points.loc[points["study"] == study, "place"].tolist() == [place]


def test_calibration_is_a_mean_over_draws(results):
    # all / mean pose: 80/200 and 100/200; S1 / all: 1.5 and 1.4
    assert calibration_text(results) == (
        "MPJPE of the long baseline over 2 draws, mean ± standard deviation: "
        "all / mean pose 0.45 ± 0.07, S1 / all 1.45 ± 0.07."
    )


def test_pages_get_their_blocks_and_nothing_is_invented(results, tmp_path, monkeypatch):
    monkeypatch.setattr("mcss.results.filming.STORES", tmp_path / "data")
    pages = {name: tmp_path / f"{name}.md" for name in ("filming", "calibration")}
    for name, page in pages.items():
        page.write_text(f"before\n<!-- {name}:begin -->\nNot measured yet.\n<!-- {name}:end -->\nafter\n")
    (tmp_path / "none").mkdir()
    write_studies(tmp_path / "none", pages)
    assert "Not measured yet." in pages["filming"].read_text()
    assert "Not measured yet." in pages["calibration"].read_text()
    study_points(results, tmp_path / "data")
    write_studies(results, pages)
    assert "106.0 (101.0 to 111.0)" in pages["filming"].read_text()
    assert "0.45 ± 0.07" in pages["calibration"].read_text()
    assert (results / "filming.png").is_file()
    with pytest.raises(InputError, match="holds no run of a study; run `make filming`"):
        study_points(tmp_path / "none")
    assert json.loads(pd.read_csv(results / "points.csv").iloc[0].to_json())["study"] == "minutes"
