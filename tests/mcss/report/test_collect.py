import csv
import json

import pytest

from mcss.report.collect import COLUMNS, collect, difficulty, main, markdown_table, read_rows, write_into


def results(value, **pose):
    return [
        {"metric": metric, "value": value + offset + (0 if joints == "h36m16" else 50), "joint_set": joints}
        | {"average": average, "frame": "canonical"}
        for offset, metric in enumerate(("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm"))
        for joints in ("h36m17", "h36m16")
        for average in ("macro", "micro")
    ]


@pytest.fixture
def finished(tmp_path):
    def run(name, method="mcss", seed=0, value=100.0, **changes):
        record = dict.fromkeys(COLUMNS, 1) | {"method": method, "seed": seed, "supervision": "S1", "wall_s": 90}
        record |= {"config_hash": f"{method}{seed}", "data_hash": "d", "frame": "canonical", "commit": "c"} | changes
        record |= {"results": results(value), "mean_pose_results": results(200.0)}
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps(record))
        return tmp_path / name

    return run


def test_rows_hold_the_headline_errors(finished, tmp_path):
    table = tmp_path / "out/runs.csv"
    collect([finished("a", value=120.0)], table)
    with table.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert [float(row[name]) for name in ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")] == [120, 121, 122]
    assert float(row["mean_pose_mpjpe_mm"]) == 200


def test_runs_are_added_to_those_already_there_and_repeated_ones_replaced(finished, tmp_path):
    table = tmp_path / "runs.csv"
    collect([finished("a", seed=1, value=120.0), finished("b", method="baseline")], table)
    rows = collect([finished("c", seed=0), finished("d", seed=1, value=130.0)], table)
    assert rows == read_rows(table)
    assert [(row["method"], row["seed"], float(row["mpjpe_mm"])) for row in rows] == [
        ("baseline", "0", 100.0),
        ("mcss", "0", 100.0),
        ("mcss", "1", 130.0),
    ]


def test_table_states_mean_and_spread_over_seeds(finished, tmp_path):
    runs = [finished(name, seed=seed, value=value) for name, seed, value in (("a", 0, 100.0), ("b", 1, 110.0))]
    lines = markdown_table(collect(runs, tmp_path / "runs.csv")).splitlines()
    assert lines[2] == "| S1 | mcss | 2 | 1 | 1 | 105.0 ± 7.1 | 106.0 ± 7.1 | 107.0 ± 7.1 |"
    assert lines[-1] == "| | always the mean training pose | | | | 200.0 | | |"


def test_runs_of_different_length_are_not_averaged(finished, tmp_path):
    runs = [finished("a", value=120.0, steps=3000), finished("b", value=90.0, steps=9000, config_hash="longer")]
    lines = markdown_table(collect(runs, tmp_path / "runs.csv")).splitlines()
    assert lines[2:4] == [
        "| S1 | mcss | 1 | 3,000 | 1 | 120.0 | 121.0 | 122.0 |",
        "| S1 | mcss | 1 | 9,000 | 1 | 90.0 | 91.0 | 92.0 |",
    ]


def test_page_is_filled_between_its_marks_only():
    page = "before\n<!-- results:begin -->\nold\n<!-- results:end -->\nafter\n"
    assert (
        write_into(page, "results", r"| \1 |")
        == "before\n<!-- results:begin -->\n| \\1 |\n<!-- results:end -->\nafter\n"
    )


def test_difficulty_is_told_from_the_long_baseline(finished, tmp_path):
    runs = [
        finished("a", method="baseline_long", value=80.0, supervision="all"),
        finished("b", method="baseline_long", value=120.0, config_hash="b"),
        finished("c", value=100.0),
    ]
    sentence = difficulty(collect(runs, tmp_path / "runs.csv"))
    assert "80.0 mm with the labels of all" in sentence
    assert "0.40 times the mean pose's 200.0 mm" in sentence
    assert "120.0 mm with those of S1 alone, 1.50 times as much" in sentence
    assert difficulty(collect(runs[2:], tmp_path / "other.csv")).startswith("Not measured")
    assert difficulty(collect(runs[:1], tmp_path / "all.csv")).endswith("of S1 alone it has not been measured.")


def test_command_fills_the_page(finished, tmp_path, capsys):
    page = tmp_path / "README.md"
    page.write_text("<!-- results:begin --><!-- results:end -->")
    main([str(finished("a")), "--table", str(tmp_path / "runs.csv"), "--page", str(page)])
    assert "| S1 | mcss | 1 | 1 | 1 | 100.0 | 101.0 | 102.0 |" in page.read_text()
    assert "| S1 | mcss | 1 |" in capsys.readouterr().out
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written == {"README.md", "runs.csv", "supervision_curve.png", "tables.md", "tables.csv"}
    assert "| S1 | mcss | canonical | N-MPJPE | 1 | 101.0 | 1.0 |" in (tmp_path / "tables.md").read_text()


def test_a_run_without_results_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "absent"), "--table", str(tmp_path / "runs.csv")])
    assert caught.value.code == 2
    assert "absent/results.json: no such file; test the run first" in capsys.readouterr().err
