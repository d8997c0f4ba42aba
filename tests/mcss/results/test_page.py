from mcss.results.collect import collect
from mcss.results.page import difficulty, markdown_table, write_into


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


def test_only_methods_of_the_curve_stand_in_the_table(finished, tmp_path):
    runs = [finished("a"), finished("b", method="mcss_global", mean_pose=350.0), finished("c", method="baseline_long")]
    lines = markdown_table(collect(runs, tmp_path / "runs.csv")).splitlines()
    assert len(lines) == 4
    assert lines[-1].endswith("| 200.0 | | |")  # of the frame that the shown methods predict in


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
    assert "1 steps, 2 minutes), the baseline reaches an MPJPE of 80.0 mm\nwith the labels of all" in sentence
    assert "0.40 times the mean pose's 200.0 mm" in sentence
    assert "120.0 mm with those of S1 alone, 1.50 times as much" in sentence
    assert difficulty(collect(runs[2:], tmp_path / "other.csv")).startswith("Not measured")
    assert difficulty(collect(runs[:1], tmp_path / "all.csv")).endswith("of S1 alone it has not been measured.")
