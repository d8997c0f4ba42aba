import pytest

from benchmarks.__main__ import machine_facts, page, read_measured, write_measured
from benchmarks.timing import Comparison, Figure, Missing, summarise


def test_page_marks_a_miss_of_each_kind_and_no_other():
    kept = Comparison("kept", "loop", 1.0, 0.9, 1.1, 1.0, 1.0, 3, wanted=1.0)
    results = [
        kept,
        kept._replace(name="slow", wanted=1.5),
        kept._replace(name="free", wanted=None),
        Figure("small", 5.0, "s", 5.0),
        Figure("large", 1234.0, "MB", 1000.0),
        Figure("open", 7.0, "s", None),
        Missing("decoder", "not installed"),
    ]
    text = page({"speed": ({"cores": 2}, results)})
    assert "| kept | loop | 1.00 | 0.90 to 1.10 | 1 |" in text
    assert "| slow | loop | 1.00 | 0.90 to 1.10 | 1.5, missed |" in text
    assert "| free | loop | 1.00 | 0.90 to 1.10 |  |" in text
    assert "| small | 5 s | 5 |" in text
    assert "| large | 1.23e+03 MB | 1000, missed |" in text
    assert "| open | 7 s |  |" in text
    assert "Not measured: decoder (not installed)." in text
    assert text.count("missed") == 2


def test_results_that_are_read_back_make_the_same_page(tmp_path):
    """So a benchmark that is run again leaves the results of the others as they were."""
    comparison = Comparison("kept", "loop", 1.0, 0.9, 1.1, 1.0, 1.0, 3, wanted=None)
    measured = {
        "speed": ({"cores": 2}, [comparison]),
        "size": ({"cores": 4}, [Figure("x", 1.0, "s", None), Missing("y", "z")]),
    }
    assert read_measured(tmp_path / "results.json") == {}
    write_measured(tmp_path, measured)
    assert read_measured(tmp_path / "results.json") == measured
    assert (tmp_path / "results.md").read_text() == page(measured)


def test_summarise_takes_medians_of_the_ratios_not_the_ratio_of_medians():
    result = summarise("x", [(1.0, 2.0), (2.0, 2.0), (4.0, 12.0)], "y", 1.0)
    assert result.ratio == pytest.approx(2.0)
    assert (result.ratio_low, result.ratio_high) == (pytest.approx(1.0), pytest.approx(3.0))
    assert (result.ours_s, result.reference_s, result.rounds) == (2.0, 2.0, 3)


def test_results_name_the_machine():
    assert {"date", "cpu", "cores", "torch", "pytorch-lightning", "numpy", "simplejpeg"} <= set(machine_facts())
