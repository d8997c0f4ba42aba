"""The studies of how to film, from tables of their runs."""

import pandas as pd
import pytest

from data_modules.store import open_store
from mcss.results.filming import (
    PAGES,
    calibration_text,
    filming_figure,
    filming_text,
    main,
    study_points,
    write_studies,
)
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
    assert cells(filming_text(points), 4) == [
        *("1", "2", "106.0 (101.0 to 111.0)", "53.5 (51.0 to 56.0)", "S9 96.0, S11 116.0", "S5 53.5")
    ]
    new, filmed = filming_figure(points).axes[0].lines[2], filming_figure(points).axes[0].lines[5]
    assert list(new.get_ydata()) == [106.0, 83.0]
    assert list(filmed.get_ydata()) == [53.5, 42.0]


def test_seeds_of_a_draw_are_averaged(results, tmp_path, table):
    store = open_store(tmp_path / "data/draw1/base").content_hash
    runs = [
        {"value": value, "seed": seed, "settings": {"data.labelled_store": store}}
        for seed, value in ((0, 90.0), (1, 70.0))
    ]
    table(*runs).to_csv(results / "minutes-draw1/runs.csv", index=False)
    points = study_points(results, tmp_path / "data").query("draw == 1")
    assert points[["place", "n_mpjpe_mm"]].to_numpy().tolist() == [[8.0, 81.0]]


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


def test_calibration_tells_validation_people_beside_test_people_and_a_mean_over_draws(results):
    # of the fixture's validation people: 20/160 and 25/160; test people: 80/200 and 100/200; S1 / all: 1.5 and 1.4
    lines = calibration_text(results).splitlines()
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == [
        "draw",
        *(
            f"{people} people: {ratio}"
            for people in ("validation", "test")
            for ratio in ("all / mean pose", "S1 / all")
        ),
    ]
    assert cells(calibration_text(results), 2) == ["21", "0.12", "1.50", "0.40", "1.50"]
    assert cells(calibration_text(results), 3) == ["22", "0.16", "1.40", "0.50", "1.40"]
    spread = ["0.14 ± 0.02", "1.45 ± 0.07", "0.45 ± 0.07", "1.45 ± 0.07"]
    assert cells(calibration_text(results), 4) == ["mean ± standard deviation", *spread]


def test_pages_get_their_blocks_and_nothing_is_invented(results, tmp_path, capsys):
    pages = {name: tmp_path / "docs" / page for name, page in PAGES.items()}
    (tmp_path / "docs").mkdir()
    for name, page in pages.items():
        page.write_text(f"before\n<!-- {name}:begin -->\nNot measured yet.\n<!-- {name}:end -->\nafter\n")
    write_studies(results, tmp_path / "data", None)
    assert "Not measured yet." in pages["filming"].read_text()
    write_studies(results, tmp_path / "data", tmp_path / "docs")
    assert "106.0 (101.0 to 111.0)" in pages["filming"].read_text()
    assert "1.45 ± 0.07" in pages["calibration"].read_text()
    assert (results / "filming.png").is_file()
    (tmp_path / "none").mkdir()
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "none"), "--pages", str(tmp_path / "docs")])
    assert caught.value.code == 2
    assert "holds no run of a study; run `make filming`" in capsys.readouterr().err
    assert "1.45 ± 0.07" in pages["calibration"].read_text()


def cells(markdown, line):
    return [cell.strip() for cell in markdown.splitlines()[line].strip("|").split("|")]
