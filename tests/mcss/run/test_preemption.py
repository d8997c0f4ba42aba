"""Runs that are stopped by signals, and go on."""

import contextlib
import multiprocessing
import os
import signal
import sys

import pytest
import torch

from mcss.cli import main
from mcss.models.module import MCSSModule
from mcss.run.history import read_history
from tests.ddp_helpers import run_until_killed
from tests.ddp_workers import die_in_step, die_while_saving
from tests.references.full_disk import full_disk


@pytest.fixture(scope="module")
def whole(settings, frequent_checkpoints, tmp_path_factory):
    """Folder of an uninterrupted run of 20 steps."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    main(["fit", *settings(), "--config", str(frequent_checkpoints), "--run_dir", str(folder)])
    return folder


def assert_equal_runs(a, b):
    states = [torch.load(folder / "checkpoints/last.ckpt", weights_only=True) for folder in (a, b)]
    assert states[0]["global_step"] == states[1]["global_step"] == 20
    for name, value in states[0]["state_dict"].items():
        assert torch.equal(value, states[1]["state_dict"][name]), name
    assert read_history(a / "metrics.csv") == read_history(b / "metrics.csv")


@contextlib.contextmanager
def disturbed(monkeypatch, at_step, do):
    """Something happens at the beginning of a step."""
    training_step = MCSSModule.training_step

    def disturbed_step(self, batch, batch_idx):
        if batch.step == at_step:
            do()
        return training_step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(MCSSModule, "training_step", disturbed_step)
        yield


def fit(arguments, monkeypatch, at_step, do):
    """Exit code of a run that is disturbed and ends early."""
    with disturbed(monkeypatch, at_step, do), pytest.raises(SystemExit) as caught:
        main(["fit", *arguments])
    return caught.value.code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_saves_at_the_end_of_the_step_and_the_run_goes_on_as_if_uninterrupted(
    number, whole, settings, frequent_checkpoints, tmp_path, monkeypatch
):
    arguments = [*settings(), "--config", str(frequent_checkpoints), "--run_dir", str(tmp_path)]
    handler = signal.getsignal(number)
    assert fit(arguments, monkeypatch, 9, lambda: os.kill(os.getpid(), number)) == 75
    assert torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 10
    assert signal.getsignal(number) == handler
    main(["fit", *arguments])
    assert_equal_runs(tmp_path, whole)


def test_a_stop_whose_checkpoint_cannot_be_written_says_what_is_lost(
    whole, settings, frequent_checkpoints, tmp_path, monkeypatch, capsys
):
    arguments = [*settings(), "--config", str(frequent_checkpoints), "--run_dir", str(tmp_path)]
    with contextlib.ExitStack() as disk:

        def stop():
            disk.enter_context(full_disk())
            os.kill(os.getpid(), signal.SIGTERM)

        with pytest.warns(UserWarning, match="step 11: no checkpoint could be written"):
            assert fit(arguments, monkeypatch, 10, stop) == 75
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("stopped by a signal")]
    assert line == (
        f"stopped by a signal after step 11, but no checkpoint could be written ({tmp_path}/checkpoints/last.ckpt:"
        " File too large): 3 steps are lost, the same command resumes from step 8"
    )
    main(["fit", *arguments])
    assert_equal_runs(tmp_path, whole)


def test_a_signal_during_the_last_step_lets_the_run_end(settings, tmp_path, monkeypatch):
    arguments = [*settings(), "--trainer.max_steps", "2", "--run_dir", str(tmp_path)]
    with disturbed(monkeypatch, 1, lambda: os.kill(os.getpid(), signal.SIGTERM)):
        main(["fit", *arguments])
    assert (tmp_path / "run.json").is_file()


def test_loader_processes_leave_signals_to_the_run(settings, tmp_path, monkeypatch):
    others = multiprocessing.active_children()  # of other tests

    def signal_all():
        workers = [child for child in multiprocessing.active_children() if child not in others]
        assert workers
        for process in workers:
            os.kill(process.pid, signal.SIGTERM)

    loading = ["--data.num_workers", "1", "--data.cache_images", "false", "--run_dir", str(tmp_path)]
    monkeypatch.setattr(MCSSModule, "on_train_batch_start", lambda *_: signal_all())
    arguments = [*settings(), "--trainer.max_steps", "8", *loading]
    assert fit(arguments, monkeypatch, 6, lambda: os.kill(os.getpid(), signal.SIGTERM)) == 75
    assert torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 7


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[:-1000]], ids=["empty", "cut off"])
def test_a_run_whose_last_checkpoint_is_damaged_goes_on_from_the_one_before_it(
    damage, whole, settings, frequent_checkpoints, tmp_path, monkeypatch
):
    arguments = [*settings(), "--config", str(frequent_checkpoints), "--run_dir", str(tmp_path)]
    assert fit(arguments, monkeypatch, 13, lambda: sys.exit(9)) == 9
    last, previous = (tmp_path / f"checkpoints/{name}.ckpt" for name in ("last", "previous"))
    last.write_bytes(damage(last.read_bytes()))
    with pytest.warns(
        UserWarning, match=f"^{last}: damaged; training resumes from the previous checkpoint, {previous}, of step 8$"
    ):
        main(["fit", *arguments])
    assert_equal_runs(tmp_path, whole)


@pytest.mark.parametrize(("die", "at"), [(die_in_step, 10), (die_while_saving, 3)])
def test_a_kill_in_a_step_or_while_saving_loses_at_most_one_interval(
    die, at, whole, settings, frequent_checkpoints, tmp_path
):
    arguments = ["fit", *settings(), "--config", str(frequent_checkpoints), "--run_dir", str(tmp_path)]
    run_until_killed(die, arguments, at)
    assert torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 8
    main(arguments)
    assert_equal_runs(tmp_path, whole)
