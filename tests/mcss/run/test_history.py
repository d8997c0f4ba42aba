import csv
import os
from pathlib import Path

import pytest

from mcss.cli import main
from mcss.errors import InputError
from mcss.models.module import MCSSModule
from mcss.run.history import MetricsHistory, read_history
from tests.references.full_disk import full_disk


def logged(folder):
    return MetricsHistory(str(folder))


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


@pytest.mark.parametrize("content", [b"step,a\n\xff,1\n", b"nothing\n1\n", b"step,a\n1,x\n", b"step,a\n1,2,3\n"])
def test_a_damaged_history_is_one_line(content, tmp_path):
    (tmp_path / "metrics.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"metrics.csv: damaged; remove it"):
        logged(tmp_path)


def test_a_run_from_step_0_starts_an_empty_history(tmp_path):
    first = logged(tmp_path)
    first.log_metrics({"train/loss": 1.0}, step=5)
    first.save()
    second = logged(tmp_path)
    second.forget_after(0)
    second.log_metrics({"train/loss": 2.0}, step=7)
    second.save()
    assert read_history(second.path) == {7: {"train/loss": 2.0}}


def test_a_real_run_writes_each_value_once_and_at_once(settings, tmp_path, monkeypatch):
    """Of 16 steps that log: nothing of what came before is lost at any moment, and no log writes the whole file."""
    written_whole, on_disk = [], []
    replace, training_step = os.replace, MCSSModule.training_step

    def counted(source, target):
        written_whole.extend([str(target)] if Path(target).name == "metrics.csv" else [])
        replace(source, target)

    def watched(self, batch, batch_idx):
        on_disk.append(len(read_history(tmp_path / "metrics.csv")))
        return training_step(self, batch, batch_idx)

    monkeypatch.setattr(os, "replace", counted)
    monkeypatch.setattr(MCSSModule, "training_step", watched)
    every_step = ["--trainer.log_every_n_steps", "1", "--trainer.max_steps", "16"]
    main(["fit", *settings(), *every_step, "--run_dir", str(tmp_path)])
    assert on_disk == list(range(16))
    # The first line, the first validation, the end.
    assert len(written_whole) <= 3
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 1 + 16


def test_a_line_is_added_until_a_column_is_new(tmp_path):
    history = logged(tmp_path)
    history.log_metrics({"a": 1.0}, step=1)
    history.save()
    history.path.write_text(history.path.read_text() + "2,7.0\r\n")  # stays: the file is not written anew
    history.log_metrics({"a": 3.0}, step=3)
    history.save()
    assert read_history(history.path) == {1: {"a": 1.0}, 2: {"a": 7.0}, 3: {"a": 3.0}}
    history.log_metrics({"b": 3.5}, step=3)
    history.save()
    assert read_history(history.path) == {1: {"a": 1.0}, 3: {"a": 3.0, "b": 3.5}}


def test_a_line_that_a_kill_cut_off_does_not_count_and_is_written_again(tmp_path):
    (tmp_path / "metrics.csv").write_text("step,a\r\n1,1.0\r\n2,2.")
    history = logged(tmp_path)
    history.forget_after(1)
    history.log_metrics({"a": 2.5}, step=2)
    history.save()
    assert read_history(history.path) == {1: {"a": 1.0}, 2: {"a": 2.5}}


def test_missing_history_is_empty(tmp_path):
    assert read_history(tmp_path / "metrics.csv") == {}


@pytest.mark.parametrize("lines_before", [0, 1])
def test_a_full_disk_is_a_warning_and_the_values_are_written_later(lines_before, tmp_path):
    history = MetricsHistory(str(tmp_path))
    for step in range(lines_before):
        history.log_metrics({"loss": 0.0}, step)
        history.save()
    history.log_metrics({"loss": 1.0}, 1)
    with (
        full_disk(limit_bytes=5 + 14 * lines_before),  # with a line before, room for one byte of the next
        pytest.warns(UserWarning, match=r"metrics.csv could not be written \(File too large"),
    ):
        history.save()
    history.log_metrics({"loss": 2.0}, 2)
    history.save()
    before = {step: {"loss": 0.0} for step in range(lines_before)}
    assert read_history(tmp_path / "metrics.csv") == before | {1: {"loss": 1.0}, 2: {"loss": 2.0}}
