"""Averaged weights: what a checkpoint holds, what is tested and exported of it, and how a run with them resumes."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from data_modules.store import open_store
from mcss.cli import main
from mcss.models.module import MCSSModule
from mcss.models.network import load_network

DECAY = 0.99
"""Of experiments/method/mcss_plus.yaml."""
LAYER = "embedder.1.fc.weight"


def checkpoint(folder):
    return torch.load(folder / "checkpoints/last.ckpt", weights_only=True)


@pytest.fixture(scope="module")
def arguments(settings, averaged):
    return [*settings(), "--config", str(averaged)]


@pytest.fixture(scope="module")
def whole(arguments, tmp_path_factory):
    """Folder of a run of 20 steps, and one layer's weights after each of them."""
    folder, after_step = tmp_path_factory.mktemp("averaged") / "whole", []
    with pytest.MonkeyPatch.context() as patch:
        watched = lambda self, *_: after_step.append(self.state_dict()[LAYER].clone())  # noqa: E731
        patch.setattr(MCSSModule, "on_train_batch_end", watched)
        main(["fit", *arguments, "--run_dir", str(folder)])
    return folder, after_step


def test_the_checkpoint_holds_the_average_of_the_weights_after_every_step(whole):
    folder, after_step = whole
    saved = checkpoint(folder)
    assert (len(after_step), int(saved["averaging_state"]["n_averaged"])) == (20, 20)
    average = after_step[0].double()
    for weights in after_step[1:]:
        average = DECAY * average + (1 - DECAY) * weights.double()
    torch.testing.assert_close(saved["state_dict"][LAYER].double(), average, rtol=0, atol=1e-6)
    assert (average - after_step[-1]).abs().max() > 1e-3


def test_the_average_is_what_is_tested_and_exported(whole, monkeypatch, store_path):
    monkeypatch.setattr("mcss.run.evaluation.extreme_poses_figure", lambda *_: Figure())
    folder, _ = whole
    main(["test", "--config", str(folder / "config.yaml"), "--run_dir", str(folder)])
    network, store = load_network(folder / "checkpoints/last.ckpt"), open_store(store_path)  # as the export does
    assert torch.equal(network.state_dict()[LAYER], checkpoint(folder)["state_dict"][LAYER])
    predictions = np.load(folder / "test_predictions.npz")
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    images = torch.from_numpy(store.decode(predictions["row"][:8], network.image_size_px)).permute(0, 3, 1, 2)
    with torch.no_grad():
        np.testing.assert_allclose(
            predictions["pose_pred_mm"][:8], network((images / 255 - mean) / std).pose, atol=0.02
        )


def test_a_killed_run_resumed_equals_an_uninterrupted_one(arguments, whole, tmp_path, fit_killed):
    fit_killed(14, *arguments, "--run_dir", str(tmp_path))
    killed = checkpoint(tmp_path)
    assert killed["global_step"] == 12
    assert torch.equal(killed["current_model_state"][LAYER], whole[1][11])
    main(["fit", *arguments, "--run_dir", str(tmp_path)])
    ours, theirs = checkpoint(tmp_path), checkpoint(whole[0])
    for part in ("state_dict", "averaging_state"):
        assert all(torch.equal(value, ours[part][name]) for name, value in theirs[part].items()), part
