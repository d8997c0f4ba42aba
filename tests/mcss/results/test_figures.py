from pathlib import Path

import numpy as np
import pytest

from mcss.results.figures import curve_figure
from mcss.results.table import read_published

PUBLISHED = read_published(Path(__file__).parents[3] / "experiments/paper_reference.csv")


def panels(runs):
    return curve_figure(runs, PUBLISHED, "studio").axes


def test_points_are_means_over_seeds_and_bars_their_standard_deviation(table):
    more = {"supervision": "all", "labelled_instants": 5600, "value": 80.0}
    ours, filmed, theirs = panels(table({}, {"seed": 1, "value": 110.0}, more, {"method": "baseline", "value": 130.0}))
    mcss, baseline = ours.containers
    np.testing.assert_allclose(mcss.lines[0].get_xydata(), [[0, 106.0], [1, 81.0]])
    np.testing.assert_allclose(baseline.lines[0].get_xydata(), [[0, 131.0]])
    low, high = mcss.lines[2][0].get_segments()[0][:, 1]
    assert (high - low) / 2 == pytest.approx(50**0.5)
    assert [text.get_text() for text in ours.get_xticklabels()] == ["S1\n1,120", "all\n5,600"]
    assert [text.get_text() for text in ours.get_legend().get_texts()] == ["MCSS, n = 1, 2", "baseline, n = 1"]
    np.testing.assert_allclose(filmed.containers[0].lines[0].get_xydata(), [[0, 53.5], [1, 41.0]])
    assert {line.get_label(): list(line.get_ydata()) for line in theirs.lines} == {
        "baseline": [149.28, 95.07],
        "MCSS": [111.94, 92.6],
    }


def test_two_levels_with_equally_many_instants_are_two_points(table):
    """S1 and S5 with 1,120 instants each became one point, their mean."""
    ours, *_ = panels(table({"value": 100.0}, {"supervision": "S5", "value": 140.0}))
    np.testing.assert_allclose(ours.containers[0].lines[0].get_xydata(), [[0, 101.0], [1, 141.0]])
    assert [text.get_text() for text in ours.get_xticklabels()] == ["S1\n1,120", "S5\n1,120"]


def test_runs_with_other_settings_are_another_line_that_names_them_and_partial_tests_are_left_out(table):
    ours, *_ = panels(table({}, {"settings": {"model.lr": 0.5}}, {"partial": True, "test_images": 3, "seed": 7}))
    assert [text.get_text() for text in ours.get_legend().get_texts()] == [
        "MCSS (model.lr 0.002), n = 1",
        "MCSS (model.lr 0.5), n = 1",
    ]
