"""Checkpoints under a full disk, a kill while writing, and files that are none."""

import itertools
import json
import os

import pytest
import torch

from mcss.cli import main
from mcss.errors import InputError
from mcss.models.checkpoint import read_checkpoint
from mcss.models.module import MCSSModule
from mcss.run.checkpoints import LastCheckpoint, RunCheckpointIO
from tests.references.full_disk import full_disk


def content(step):
    return {"global_step": step, "state_dict": {"pose_mean_mm": torch.full((100_000,), float(step))}}


@pytest.fixture
def place(tmp_path):
    place = tmp_path / "checkpoints/last.ckpt"
    RunCheckpointIO().save_checkpoint(content(4), place)
    return place


def test_a_full_disk_is_a_warning_and_leaves_the_former_checkpoint(place):
    writer = RunCheckpointIO()
    with full_disk(), pytest.warns(UserWarning, match=r"step 8: no checkpoint could be written .*File too large"):
        writer.save_checkpoint(content(8), place)
    assert writer.failure == f"{place}: File too large"
    assert read_checkpoint(place)["global_step"] == 4
    assert [path.name for path in place.parent.iterdir()] == ["last.ckpt"]
    writer.save_checkpoint(content(8), place)
    assert writer.failure is None
    assert read_checkpoint(place)["global_step"] == 8


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_kill_while_writing_leaves_the_former_checkpoint(moment, place, monkeypatch):
    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            RunCheckpointIO().save_checkpoint(content(8), place)
    assert read_checkpoint(place)["global_step"] == 4
    RunCheckpointIO().save_checkpoint(content(12), place)
    assert read_checkpoint(place)["global_step"] == 12


def test_the_checkpoint_before_the_last_is_kept_and_named_where_the_last_is_damaged(place):
    RunCheckpointIO().save_checkpoint(content(8), place)
    RunCheckpointIO().save_checkpoint(content(12), place)
    previous = place.with_name("previous.ckpt")
    assert read_checkpoint(previous)["global_step"] == 8
    place.write_bytes(place.read_bytes()[:-1000])
    with pytest.raises(
        InputError, match=rf"^{place}: damaged, .*; resume from the previous one: mv {previous} {place}$"
    ):
        RunCheckpointIO().load_checkpoint(place)
    os.replace(previous, place)
    assert RunCheckpointIO().load_checkpoint(place)["global_step"] == 8
    place.write_bytes(b"")
    with pytest.raises(InputError, match=r"; name another one, or remove it to train from the start$"):
        RunCheckpointIO().load_checkpoint(place)


def test_a_damaged_checkpoint_does_not_take_the_place_of_the_good_one_before_it(place):
    writer, previous = RunCheckpointIO(), place.with_name("previous.ckpt")
    writer.save_checkpoint(content(8), place)
    place.write_bytes(b"damaged")
    resumed = RunCheckpointIO()
    resumed.load_checkpoint(previous)
    for step, before in ((12, 4), (16, 12)):
        resumed.save_checkpoint(content(step), place)
        assert (read_checkpoint(place)["global_step"], read_checkpoint(previous)["global_step"]) == (step, before)


def test_a_checkpoint_runs_no_code(place, tmp_path):
    class Code:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    torch.save({"state_dict": {"pose_mean_mm": torch.zeros(1)}, "code": Code()}, place)
    with pytest.raises(InputError, match="UnpicklingError"):
        RunCheckpointIO().load_checkpoint(place, weights_only=False)
    assert not (tmp_path / "made").exists()


def test_a_run_goes_on_over_a_full_disk_and_says_so_at_its_end(
    settings, frequent_checkpoints, tmp_path, capsys, fit_killed
):
    arguments = [*settings(), "--config", str(frequent_checkpoints), "--run_dir", str(tmp_path)]
    arguments += ["--trainer.max_steps", "10"]
    fit_killed(5, *arguments)
    former = (tmp_path / "checkpoints/last.ckpt").read_bytes()
    capsys.readouterr()
    with full_disk(), pytest.warns(UserWarning, match="training continues"), pytest.raises(SystemExit) as caught:
        main(["fit", *arguments])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("mcss: the run's last checkpoint could not be written")
    assert json.loads((tmp_path / "run.json").read_text())["steps"] == 10
    assert (tmp_path / "checkpoints/last.ckpt").read_bytes() == former


@pytest.fixture
def run_with(trained, tmp_path):
    """A folder of a run with a checkpoint that someone has tampered with."""

    def make(change):
        folder = tmp_path / "run"
        (folder / "checkpoints").mkdir(parents=True)
        checkpoint = torch.load(trained / "checkpoints/last.ckpt", weights_only=True)
        torch.save(change(checkpoint), folder / "checkpoints/last.ckpt")
        return folder

    return make


def without(checkpoint, name):
    return {key: value for key, value in checkpoint.items() if key != name}


FOREIGN = {
    "another project": (lambda checkpoint: {"state_dict": {"fc.weight": torch.zeros(2)}}, "not a checkpoint of a run"),
    "no network": (lambda checkpoint: without(checkpoint, "state_dict"), "not a checkpoint of a run"),
    "a tensor": (lambda checkpoint: torch.zeros(3), "not a checkpoint of a run"),
    "another joint set": (lambda checkpoint: checkpoint | {"joint_set": "coco17"}, "regresses the joint set coco17"),
}


@pytest.mark.parametrize(
    ("name", "command", "given"),
    [(name, *case) for name, case in zip(FOREIGN, itertools.product(("fit", "test"), (True, False)), strict=True)],
)
def test_a_foreign_checkpoint_is_one_line(name, command, given, run_with, settings, capsys):
    change, message = FOREIGN[name]
    folder = run_with(change)
    checkpoint = ["--ckpt_path", str(folder / "checkpoints/last.ckpt")] if given else []
    with pytest.raises(SystemExit) as caught:
        main([command, *settings(), "--run_dir", str(folder), *checkpoint])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"mcss: {folder}/checkpoints/last.ckpt: ")
    assert message in line


def test_a_checkpoint_names_its_joint_set(trained):
    assert torch.load(trained / "checkpoints/last.ckpt", weights_only=True)["joint_set"] == "h36m16"
    assert isinstance(MCSSModule.load_from_checkpoint(trained / "checkpoints/last.ckpt"), MCSSModule)


def test_the_interval_must_be_positive():
    with pytest.raises(InputError, match="every_n_steps must be positive, got 0"):
        LastCheckpoint(0)
