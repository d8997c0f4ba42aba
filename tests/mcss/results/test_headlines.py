"""The headlines: ratios and label gaps of runs with the same seed and draw, against cases computed by hand."""

from pathlib import Path

import numpy as np
import pytest

from mcss.results.headlines import headlines_table, interval, pairs, read_draws
from mcss.results.table import read_published

ROOT = Path(__file__).parents[3]


def run(method, value, level="S1", seed=0, **more):
    """The fixture's N-MPJPE is 1 mm above ``value`` on new people, and half of it plus 1 on filmed people."""
    return {"method": method, "value": value - 1, "supervision": level, "seed": seed, **more}


@pytest.fixture
def draws(table):
    studio = table(
        *(run("baseline", 100.0), run("mcss", 80.0), run("baseline", 60.0, "all")),
        *(run("baseline", 110.0, seed=1), run("mcss", 66.0, seed=1)),
        *(run("mcss", 50.0, seed=2), run("mcss", 40.0, steps=12000)),  # no baseline beside them
    )
    return {"studio": studio, "studio-b": table(run("baseline", 200.0, "P1"), run("mcss", 180.0, "P1"))}


def test_a_pair_is_of_one_draw_seed_and_number_of_steps(draws):
    found = pairs(draws)
    assert found[["draw", "seed"]].to_numpy().tolist() == [["studio", "0"], ["studio", "1"], ["studio-b", "0"]]
    np.testing.assert_allclose(found["new"], [0.8, 0.6, 0.9])
    np.testing.assert_allclose(found["filmed"], [40.5 / 50.5, 33.5 / 55.5, 90.5 / 100.5])
    np.testing.assert_allclose(found["gap_new"], [20 / 40, np.nan, np.nan])
    np.testing.assert_allclose(found["gap_filmed"], [10 / 20, np.nan, np.nan])


def test_with_all_labels_the_filmed_people_are_those_of_the_other_runs(table):
    """With the labels of all, S1 is one of the filmed people; the gap is measured on S5, as with the labels of S1."""
    everybody = {"n_mpjpe_mm": 30.0, "mpjpe_mm": 30.0, "pa_mpjpe_mm": 30.0}
    filmed = {**everybody, "n_mpjpe_mm": 20.0, "by_subject": {"S1": {**everybody, "n_mpjpe_mm": 10.0}, "S5": everybody}}
    best = run("baseline", 60.0, "all", filmed_people=filmed)
    (gap,) = pairs({"studio": table(run("baseline", 100.0), run("mcss", 80.0), best)})["gap_filmed"]
    assert gap == pytest.approx((50.5 - 40.5) / (50.5 - 30.0))


def test_a_method_run_with_two_settings_is_left_out_and_partial_tests_do_not_count(table):
    other = run("mcss", 10.0, settings={"model.lr": 0.5})
    part = run("baseline", 10.0, partial=True, test_images=3)
    assert pairs({"studio": table(run("baseline", 100.0), run("mcss", 80.0), other, part)}).empty


def test_the_table_has_intervals_over_seeds_and_draws_and_the_published_figures(draws):
    text = headlines_table(draws, read_published(ROOT / "experiments/paper_reference.csv"))
    ours, theirs = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:])
    low, high = interval(np.array([0.8, 0.6, 0.9]))
    assert ours[:3] == ["mcss", "3,000", "studio 2, studio-b 1"]
    assert ours[3] == f"0.77 ({low:.2f} to {high:.2f}; studio 0.70, studio-b 0.90)"
    assert ours[5] == "0.50"
    assert theirs == ["mcss, published, Human3.6M", "", "", "0.75", "", "0.69", ""]


def test_draws_are_read_from_their_tables(draws, tmp_path):
    (tmp_path / "studio-b").mkdir()
    draws["studio-b"].to_csv(tmp_path / "studio-b/runs.csv", index=False)
    assert list(read_draws(tmp_path)) == ["studio-b"]
    assert headlines_table({}, read_published(ROOT / "experiments/paper_reference.csv")).startswith("No runs yet")
