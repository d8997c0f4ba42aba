import numpy as np
import pytest

from mcss.visualization.supervision_curve import supervision_curve


def row(method, supervision, instants, error, seed=0):
    numbers = {"labelled_instants": str(instants), "n_mpjpe_mm": str(error), "seed": str(seed)}
    return {"method": method, "supervision": supervision} | numbers


@pytest.fixture
def panels():
    rows = [
        row("mcss", "all", 5600, 80.0),
        row("mcss", "S1", 1120, 100.0),
        row("mcss", "S1", 1120, 110.0, seed=1),
        row("baseline", "S1", 1120, 130.0),
        row("mcss_global", "S1", 1120, 160.0),
    ]
    published = [
        {"dataset": "h36m", "supervision": "S1", "method": "mcss", "n_mpjpe_mm": "111.94"},
        {"dataset": "h36m", "supervision": "all", "method": "mcss", "n_mpjpe_mm": "92.60"},
        {"dataset": "h36m", "supervision": "all", "method": "baseline", "n_mpjpe_mm": ""},
    ]
    return supervision_curve(rows, published, "studio").axes


def test_points_are_means_over_seeds_and_bars_their_standard_deviation(panels):
    mcss, baseline = panels[0].containers
    np.testing.assert_allclose(mcss.lines[0].get_xydata(), [[1120, 105.0], [5600, 80.0]])
    np.testing.assert_allclose(baseline.lines[0].get_xydata(), [[1120, 130.0]])
    low, high = mcss.lines[2][0].get_segments()[0][:, 1]
    assert (high - low) / 2 == pytest.approx(50**0.5)


def test_axis_is_logarithmic_and_names_levels_with_their_instants(panels):
    assert panels[0].get_xscale() == "log"
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["S1\n1,120", "all\n5,600"]


def test_published_values_have_their_own_panel(panels):
    assert [list(line.get_ydata()) for line in panels[1].lines] == [[111.94, 92.6], []]
