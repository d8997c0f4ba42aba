import csv
from pathlib import Path

import pytest

from mcss.results.tables import TABLES, table_cells, tables_page

ROOT = Path(__file__).parents[3]


def run(method, error, supervision="S1", frame="canonical"):
    errors = {"mpjpe_mm": str(error + 3), "n_mpjpe_mm": str(error), "pa_mpjpe_mm": str(error - 20)}
    errors["mean_pose_mpjpe_mm"] = "200"
    return {"method": method, "supervision": supervision, "frame": frame} | errors


@pytest.fixture
def published():
    with (ROOT / "experiments/paper_reference.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_cell_is_mean_and_spread_and_the_ratio_of_mcss_at_the_same_labels(published):
    rows = [run("mcss", 100.0), run("mcss", 110.0), run("baseline", 126.0), run("mcss", 80.0, "all")]
    cells = {(c.table, c.supervision, c.method, c.metric): c for c in table_cells(rows, published)}
    ours = cells["table1", "S1", "mcss", "n_mpjpe_mm"]
    assert (ours.seeds, ours.mean_mm, ours.sd_mm, ours.mcss_ratio) == (2, 105.0, 7.0711, 1.0)
    baseline = cells["table1", "S1", "baseline", "n_mpjpe_mm"]
    assert (baseline.seeds, baseline.mean_mm, baseline.sd_mm, baseline.mcss_ratio) == (1, 126.0, "", 0.833)
    assert cells["table1", "all", "mcss", "mpjpe_mm"].mean_mm == 83.0
    assert ours.mean_pose_ratio == 0.54  # (103 + 113) / 2 / 200
    assert ("table1", "all", "baseline", "mpjpe_mm") not in cells


def test_published_values_are_those_of_the_papers_tables(published):
    rows = [run(method, 100.0, level) for method in ("mcss", "baseline") for level in ("all", "S1")]
    rows += [run("mcss_global", 150.0, frame="root"), run("mcss_resnet34", 104.0)]
    values = {(c.supervision, c.method, c.metric): c.published_h36m_mm for c in table_cells(rows, published)}
    assert values["all", "baseline", "n_mpjpe_mm"] == "95.07"
    assert values["all", "mcss", "mpjpe_mm"] == "94.25"
    assert values["S1", "baseline", "pa_mpjpe_mm"] == "113.69"
    assert values["S1", "mcss", "n_mpjpe_mm"] == "111.94"
    assert values["S1", "mcss_global", "n_mpjpe_mm"] == "157.30"
    assert values["S1", "mcss_resnet34", "n_mpjpe_mm"] == "115.85"


def test_page_shows_every_cell_with_its_frame(published):
    cells = table_cells([run("mcss", 100.0), run("mcss_global", 150.0, frame="root")], published)
    page = tables_page(cells, "studio")
    assert "| S1 | mcss_global | root | N-MPJPE | 1 | 150.0 | 0.77 | 0.667 | 157.30 |\n" in page
    assert page.count("| S1 |") == len(cells)


def test_methods_of_the_tables_are_overlays():
    for table in TABLES.values():
        for method in table.methods:
            assert (ROOT / f"experiments/method/{method}.yaml").is_file()
