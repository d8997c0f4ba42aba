"""Losses and gradients that are not numbers, put into a run on purpose."""

import copy
import json
import re

import pytest
import torch

from mcss.cli import main
from mcss.errors import InputError
from mcss.models.module import MCSSModule
from mcss.run.guard import NonFiniteGuard
from mcss.run.history import read_history


def broken_images(batch):
    """Also BatchNorm's running statistics see these."""
    return batch._replace(images=batch.images * torch.nan)


@pytest.fixture
def break_steps(monkeypatch):
    """Makes steps go wrong: their images, or their gradient alone."""
    training_step = MCSSModule.training_step

    def break_them(steps, what="images"):
        def broken_step(self, batch, batch_idx):
            if batch.step not in steps:
                return training_step(self, batch, batch_idx)
            if what == "images":
                return training_step(self, broken_images(batch), batch_idx)
            loss = training_step(self, batch, batch_idx)
            zero = (self.regressor[0].bias - self.regressor[0].bias.detach()).sum()
            return loss + zero.sqrt()  # 0, with an infinite slope

        monkeypatch.setattr(MCSSModule, "training_step", broken_step)

    return break_them


@pytest.fixture
def states(monkeypatch):
    """All tensors of network and optimizer after each step of the runs that follow."""
    seen = []

    def watch(self, outputs, batch, batch_idx):
        seen.append(copy.deepcopy({"network": self.state_dict(), "adam": self.optimizers().optimizer.state_dict()}))

    monkeypatch.setattr(MCSSModule, "on_train_batch_end", watch)
    return seen


def assert_equal(a, b):
    assert all(torch.equal(value, b["network"][name]) for name, value in a["network"].items())
    for index, moments in a["adam"]["state"].items():
        for name, value in moments.items():
            assert torch.equal(value, b["adam"]["state"][index][name]), name


@pytest.mark.parametrize("what", ["images", "gradient"])
def test_a_step_that_is_not_finite_changes_neither_network_nor_optimizer(what, break_steps, states, settings, tmp_path):
    break_steps({4}, what)
    with pytest.warns(
        UserWarning, match=r"step 4, seed 0: the (loss of rank 0|gradient) is not finite; the step is sk"
    ):
        main(["fit", *settings(), "--trainer.max_steps", "6", "--run_dir", str(tmp_path)])
    assert len(states) == 6
    assert_equal(states[3], states[4])
    assert not torch.equal(states[4]["network"]["regressor.0.weight"], states[5]["network"]["regressor.0.weight"])
    assert all(value.isfinite().all() for value in states[5]["network"].values())
    history = read_history(tmp_path / "metrics.csv")
    assert {step: row["train/skipped_steps"] for step, row in history.items() if "train/skipped_steps" in row} == {4: 1}


@pytest.mark.filterwarnings("ignore:.*the step is skipped")
def test_a_resumed_run_skips_the_same_steps_and_goes_on_counting(
    break_steps, settings, frequent_checkpoints, tmp_path, fit_killed
):
    arguments = [*settings(), "--config", str(frequent_checkpoints)]
    break_steps({6, 12})
    main(["fit", *arguments, "--run_dir", str(tmp_path / "whole")])
    fit_killed(10, *arguments, "--run_dir", str(tmp_path / "killed"))
    main(["fit", *arguments, "--run_dir", str(tmp_path / "killed")])
    whole, resumed = (
        torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True) for name in ("whole", "killed")
    )
    assert all(torch.equal(value, resumed["state_dict"][name]) for name, value in whole["state_dict"].items())
    assert resumed["callbacks"]["NonFiniteGuard"] == {"skipped": 2, "in_a_row": 0}
    assert read_history(tmp_path / "killed/metrics.csv") == read_history(tmp_path / "whole/metrics.csv")


@pytest.mark.filterwarnings("ignore:.*the step is skipped")
def test_too_many_in_a_row_end_the_run_with_one_line(break_steps, settings, tmp_path, capsys):
    break_steps({1, 3, 4, 5})
    with pytest.raises(SystemExit) as caught:
        main(["fit", *settings(), "--nonfinite.max_in_a_row", "3", "--run_dir", str(tmp_path)])
    assert caught.value.code == 2
    record = json.loads((tmp_path / "nonfinite.json").read_text())
    names = record["images_of_rank"]["0"]
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines == [
        "mcss: step 5, seed 0: the loss of rank 0 is not finite, 3 steps in a row;"
        f" its images: {', '.join(names[:3])}, all 16 in {tmp_path}/nonfinite.json;"
        f" settings: {tmp_path}/config.yaml; lower model.lr, or let it rise slowly (model.schedule cosine,"
        " model.lr_rise_fraction 0.1)"
    ]
    assert record == {"step": 5, "seed": 0, "images_of_rank": {"0": names}}
    views = [re.fullmatch(r"(S[15]/\w+/\d) (frame \d+) camera (cam\d)", name).groups() for name in names]
    assert [view[:2] for view in views[:4]] == [view[:2] for view in views[4:8]]  # the pairs, then 8 with labels
    assert {clip.split("/")[0] for clip, *_ in views[8:]} == {"S1"}


def test_their_number_must_be_positive():
    with pytest.raises(InputError, match="max_in_a_row must be positive, got 0"):
        NonFiniteGuard(0)
