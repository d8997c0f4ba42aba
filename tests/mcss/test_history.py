import csv

import pytest

from mcss.history import MetricsHistory, read_history
from tests.references.full_disk import full_disk


def logged(folder, **kwargs):
    return MetricsHistory(str(folder), **kwargs)


def test_values_of_a_step_share_a_row(tmp_path):
    history = logged(tmp_path)
    history.log_metrics({"train/loss": 2.0}, step=10)
    history.log_metrics({"val/mpjpe_mm": 100.0}, step=10)
    history.log_metrics({"train/loss": 1.0}, step=20)
    history.finalize("success")
    with (tmp_path / "metrics.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"step": "10", "train/loss": "2.0", "val/mpjpe_mm": "100.0"},
            {"step": "20", "train/loss": "1.0", "val/mpjpe_mm": ""},
        ]


def test_resumed_history_goes_on_and_forgets_what_lay_beyond_the_checkpoint(tmp_path):
    first = logged(tmp_path)
    for step in (10, 20, 30):
        first.log_metrics({"train/loss": float(step)}, step=step)
    first.save()
    second = logged(tmp_path)
    second.forget_after(20)
    second.log_metrics({"train/loss": 33.0, "new": 1.0}, step=30)
    second.save()
    assert read_history(tmp_path / "metrics.csv") == {
        10: {"train/loss": 10.0},
        20: {"train/loss": 20.0},
        30: {"train/loss": 33.0, "new": 1.0},
    }


def test_a_run_from_step_0_starts_an_empty_history(tmp_path):
    first = logged(tmp_path)
    first.log_metrics({"train/loss": 1.0}, step=5)
    first.save()
    second = logged(tmp_path)
    second.forget_after(0)
    second.log_metrics({"train/loss": 2.0}, step=7)
    second.save()
    assert read_history(second.path) == {7: {"train/loss": 2.0}}


def test_file_is_written_as_often_as_asked(tmp_path):
    history = logged(tmp_path, flush_every_n_steps=10)
    history.log_metrics({"a": 1.0}, step=9)
    assert not history.path.exists()
    history.log_metrics({"a": 2.0}, step=10)
    assert set(read_history(history.path)) == {9, 10}


def test_missing_history_is_empty(tmp_path):
    assert read_history(tmp_path / "metrics.csv") == {}


def test_a_full_disk_is_a_warning_and_the_values_are_written_later(tmp_path):
    history = MetricsHistory(str(tmp_path))
    history.log_metrics({"loss": 1.0}, 1)
    with (
        full_disk(limit_bytes=5),
        pytest.warns(UserWarning, match=r"metrics.csv could not be written \(File too large"),
    ):
        history.save()
    history.log_metrics({"loss": 2.0}, 2)
    history.finalize("success")
    assert read_history(tmp_path / "metrics.csv") == {1: {"loss": 1.0}, 2: {"loss": 2.0}}
