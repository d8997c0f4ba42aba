import re
from math import isnan
from pathlib import Path

import pytest
import yaml

from mcss.metrics.reported import METRICS
from mcss.results.layout import TABLES
from mcss.results.table import cells, difficulty, read_published, readme_table, tables_page, write_into

ROOT = Path(__file__).parents[3]


@pytest.fixture
def published():
    return read_published(ROOT / "experiments/paper_reference.csv")


def columns(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_readme_states_seeds_spread_and_the_error_of_each_test_person(table):
    text = readme_table(table({"value": 100.0}, {"value": 110.0, "seed": 1}, {"method": "mcss_global", "value": 300.0}))
    head, _, group, mean_pose = text.splitlines()[:4]
    assert columns(head)[:5] == ["3D labels", "method", "seeds", "steps", "images seen"]
    assert columns(group) == [
        *("S1", "mcss", "2", "3,000", "330,000", "105.0 ± 7.1", "106.0 ± 7.1", "107.0 ± 7.1", "S9 96.0, S11 116.0"),
        *("53.5 ± 3.5", "S5 53.5"),
    ]
    assert columns(mean_pose)[1:6] == ["always the mean training pose", "", "", "", "200.0"]
    assert "mcss_global" not in text


def test_what_is_not_known_of_a_run_reads_unknown(table):
    (line,) = readme_table(table({"images_seen": None})).splitlines()[2:3]
    assert columns(line)[4] == "unknown"


def test_a_partial_test_is_marked_beside_the_whole_one(table):
    text = readme_table(table({}, {"partial": True, "test_images": 32, "seed": 1, "value": 50.0}))
    assert [columns(line)[1] for line in text.splitlines()[2:4]] == ["mcss", "mcss (PARTIAL test)"]
    assert "a PARTIAL test, of 32 images." in text


def test_a_cell_has_spread_and_the_ratio_of_mcss_with_the_same_labels(table, published):
    runs = table({"value": 100.0}, {"value": 110.0, "seed": 1}, {"method": "baseline", "value": 125.0})
    found = {(c["table"], c["method"], c["metric"]): c for c in cells(runs, published).to_dict("records")}
    ours, baseline = (found["table1", method, "n_mpjpe_mm"] for method in ("mcss", "baseline"))
    assert (ours["seeds"], ours["mean_mm"], ours["sd_mm"], ours["mcss_ratio"]) == (2, 106.0, 7.0711, 1.0)
    assert (baseline["seeds"], baseline["mean_mm"], baseline["mcss_ratio"]) == (1, 126.0, 0.841)
    assert ours["mean_pose_ratio"] == 0.525  # (100 + 110) / 2 / 200
    assert (ours["published_h36m_mm"], baseline["published_h36m_mm"]) == ("111.94", "149.28")
    assert {c["table"] for c in found.values()} == set(TABLES)


def test_no_ratio_where_two_groups_of_mcss_could_be_meant(table, published):
    runs = table({}, {"settings": {"model.lr": 0.5}}, {"method": "baseline"})
    ratios = cells(runs, published).query("table == 'table1' and metric == 'mpjpe_mm'")["mcss_ratio"]
    assert ratios.isna().tolist() == [True, True, True]


def test_every_table_of_the_page_has_its_groups_and_what_keeps_them_apart(table, published):
    page = tables_page(table({}, {"settings": {"model.lr": 0.5}}), published, "studio")
    assert page.count("\n## ") == len(TABLES) + 1  # the headlines
    assert page.count("model.lr 0.002; model.lr 0.5") == len(TABLES)
    assert "S9 91.0, S11 111.0" in page


def test_frames_are_tables_of_their_own_and_compare_by_pa_mpjpe_alone(table, published):
    camera = {"method": "skeleton_synthesis", "frame": "camera", "labels_2d": "all", "value": 200.0}
    runs = table({"value": 100.0}, camera)
    found = {
        (c["method"], c["metric"]): c for c in cells(runs, published).query("table == 'table1'").to_dict("records")
    }
    ratios = {name: found["skeleton_synthesis", name]["mcss_ratio"] for name in METRICS}
    assert ratios["pa_mpjpe_mm"] == round(102 / 202, 3)
    assert isnan(ratios["mpjpe_mm"])
    assert isnan(ratios["n_mpjpe_mm"])
    section = tables_page(runs, published, "studio").split("\n## ")[3]
    own, theirs, across = section.split("\n### ")[1:]
    assert own.startswith("In the canonical frame")
    assert "skeleton_synthesis" not in own
    assert theirs.startswith("In the camera frame")
    assert "canonical" not in theirs
    assert "| S1 | all " in re.sub(" +", " ", theirs), "2D labels are named beside 3D labels"
    assert across.startswith("Across frames")
    assert set(re.findall(r"(?:PA-|N-)?MPJPE", across)) == {"PA-MPJPE"}
    assert found["skeleton_synthesis", "pa_mpjpe_mm"]["published_h36m_mm"] == "68.00"


def test_of_two_variants_the_one_with_the_lower_validation_error_is_credited_whatever_its_test_error(table, published):
    def run(method, test, validation, **more):
        errors = {"validation_errors": {"n_mpjpe_mm": validation, "mpjpe_mm": validation}}
        return {"method": method, "frame": "camera", "value": test, **errors, **more}

    two_stage, joint = run("view_synthesis", 90.0, 70.0), run("view_synthesis_joint", 120.0, 60.0)
    of_all = run("view_synthesis", 50.0, 50.0, supervision="all")
    found = cells(table(two_stage, joint, of_all, {}), published).query("table == 'table1' and metric == 'mpjpe_mm'")
    credited = {(c["supervision"], c["method"]): c["credited"] for c in found.to_dict("records")}
    assert credited == {
        ("all", "view_synthesis"): "",  # nothing to choose from
        ("S1", "view_synthesis"): "no",
        ("S1", "view_synthesis_joint"): "yes",
        ("S1", "mcss"): "",
    }
    page = tables_page(table(two_stage, joint, {}), published, "studio")
    assert "view_synthesis_joint, credited" in page
    assert "view_synthesis, credited" not in page


def test_the_sweep_of_table_1_runs_every_method_of_the_table():
    sweep = yaml.safe_load((ROOT / "experiments/sweeps/table1.yaml").read_text())["parameters"]
    assert sorted(Path(path).stem for path in sweep["config"]["values"]) == sorted(TABLES["table1"].methods)
    assert set(sweep["data.supervision"]["values"]) == set(TABLES["table1"].levels) - {"P1"}  # of studio-b


def test_the_page_is_filled_between_its_marks_only():
    page = "before\n<!-- results:begin -->\nold\n<!-- results:end -->\nafter\n"
    filled = write_into(page, "results", r"| \1 |")
    assert filled == "before\n<!-- results:begin -->\n| \\1 |\n<!-- results:end -->\nafter\n"


def test_difficulty_is_told_from_the_long_baseline(table):
    long = {"method": "baseline_long"}
    runs = ({**long, "value": 80.0, "supervision": "all"}, {**long, "value": 120.0}, {"value": 100.0})
    sentence = difficulty(table(*runs))
    assert "3,000 steps, 2 minutes), the baseline reaches an MPJPE of 80.0 mm\nwith the labels of all" in sentence
    assert "0.40 times the mean pose's 200.0 mm" in sentence
    assert "120.0 mm with those of S1 alone, 1.50 times as much" in sentence
    assert difficulty(table(runs[2])).startswith("Not measured (no groups of")
    assert difficulty(table(runs[0])).endswith("of S1 alone it has not been measured.")
