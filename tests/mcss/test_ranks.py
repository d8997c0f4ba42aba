"""The console script on 2 and 3 gloo ranks, against one process."""

import json

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import yaml

from data_modules.store import write_store
from mcss.cli import main
from mcss.models.module import MCSSModule
from mcss.run.history import read_history
from tests.ddp_helpers import run_ranks
from tests.ddp_workers import run_program
from tests.mcss.conftest import EXPERIMENTS
from tests.references.synthetic_store import make_meta, synthetic_rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """A store with 97 test images, of which one is of the action Walking, and a validation clip of 47."""
    rows = list(synthetic_rows(instants=12, size_px=48))
    single = max(i for i, row in enumerate(rows) if row["subject"] == "S9")
    dropped = {i for i, row in enumerate(rows) if (row["subject"], row["action"]) == ("S9", "Walking")} - {single}
    dropped.add(max(i for i, row in enumerate(rows) if (row["subject"], row["action"]) == ("S5", "Walking")))
    path = tmp_path_factory.mktemp("data") / "uneven"
    write_store(path, [row for i, row in enumerate(rows) if i not in dropped], make_meta(size_px=48))
    return path


@pytest.fixture(scope="module")
def arguments(settings, uneven):
    """Of a run in which rounding tells nothing, with batches of unequal number unless they are made equal."""
    chosen = ["--data.store", str(uneven), "--trainer.precision", "32-true", "--data.eval_batch_size", "15"]
    return [*settings(), *chosen, "--trainer.max_steps", "10"]


@pytest.fixture(scope="module")
def alone(arguments, tmp_path_factory):
    """Folder of a run of one process, trained, validated and tested."""
    folder = tmp_path_factory.mktemp("runs") / "alone"
    main(["fit", *arguments, "--run_dir", str(folder)])
    main(["test", *arguments, "--run_dir", str(folder)])
    main(["validate", *arguments, *from_checkpoint(folder), "--run_dir", str(folder.with_name("validated"))])
    return folder


def from_checkpoint(folder):
    return ["--ckpt_path", str(folder / "checkpoints/last.ckpt")]


def on_ranks(ranks, command, arguments, folder, disturb=None):
    """What each rank of a run did."""
    strategy = ["--trainer.devices", str(ranks), "--trainer.strategy", "ddp", "--run_dir", str(folder)]
    return run_ranks(run_program, [command, *arguments, *strategy], disturb, world_size=ranks)


@pytest.mark.parametrize("ranks", [2, 3])
def test_results_of_uneven_shares_are_those_of_one_process(ranks, arguments, alone, tmp_path):
    done = on_ranks(ranks, "test", [*arguments, *from_checkpoint(alone)], tmp_path)
    assert [rank["code"] for rank in done] == [0] * ranks, done
    ours, theirs = (json.loads((folder / "results.json").read_text()) for folder in (tmp_path, alone))
    assert ours["test_images"] == theirs["test_images"] == 97
    for name in ("results", "mean_pose_results"):
        for a, b in zip(ours[name], theirs[name], strict=True):
            assert a.pop("value") == pytest.approx(b.pop("value"), abs=2e-3), a
            assert a == b
    assert ours["by_action"].keys() == theirs["by_action"].keys() == {"Directions", "Walking"}
    for action, errors in theirs["by_action"].items():
        assert ours["by_action"][action] == pytest.approx(errors, abs=2e-3)
    with np.load(tmp_path / "test_predictions.npz") as a, np.load(alone / "test_predictions.npz") as b:
        np.testing.assert_array_equal(a["row"], b["row"])
        np.testing.assert_allclose(a["pose_pred_mm"], b["pose_pred_mm"], atol=2e-2)


def test_validation_of_uneven_shares_is_that_of_one_process(arguments, alone, tmp_path):
    done = on_ranks(2, "validate", [*arguments, *from_checkpoint(alone)], tmp_path)
    assert [rank["code"] for rank in done] == [0, 0], done
    ((step, ours),) = read_history(tmp_path / "metrics.csv").items()
    (theirs,) = read_history(alone.with_name("validated") / "metrics.csv").values()
    assert step == 9  # the last of the checkpoint's, counted from 0
    assert {"val/n_mpjpe_mm", "val/mean_distance"} <= ours.keys()
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_a_run_states_its_batches_and_writes_on_one_rank(arguments, tmp_path):
    done = on_ranks(2, "fit", arguments, tmp_path)
    assert [rank["code"] for rank in done] == [0, 0], done
    line = "cpu x 2; 4 pairs + 8 labelled images a step and rank, 8 + 16 in all"
    assert line in done[0]["out"]
    assert {"config.yaml", "checkpoints/last.partial", "metrics.partial", "run.json"} <= set(done[0]["written"])
    assert done[1]["written"] == []
    assert json.loads((tmp_path / "run.json").read_text())["images_seen"] == 10 * 16 * 2


def test_pairs_alone_are_trained_on(settings, tmp_path):
    """Nothing then gives the regressor a gradient, for which the ranks would wait."""
    arguments = [*settings("contrastive_only"), "--trainer.max_steps", "3"]
    done = on_ranks(2, "fit", arguments, tmp_path)
    assert [rank["code"] for rank in done] == [0, 0], done


def test_a_loss_that_is_not_finite_on_one_rank_skips_the_step_on_all(arguments, tmp_path):
    done = on_ranks(2, "fit", arguments, tmp_path, disturb=(1, 3, "nan"))
    assert [rank["code"] for rank in done] == [0, 0], done
    checkpoint = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["callbacks"]["NonFiniteGuard"] == {"skipped": 1, "in_a_row": 0}
    assert {int(state["step"]) for state in checkpoint["optimizer_states"][0]["state"].values()} == {9}
    assert all(value.isfinite().all() for value in checkpoint["state_dict"].values())
    assert "step 3, seed 0: the loss of rank 1 is not finite" in done[0]["err"]

    done = on_ranks(2, "fit", [*arguments, "--nonfinite.max_in_a_row", "1"], tmp_path / "b", (1, 3, "nan"))
    assert [rank["code"] for rank in done] == [2] * 2
    assert done[0]["err"].splitlines()[-1].startswith("mcss: step 3, seed 0: the loss of rank 1 is not finite")
    images = json.loads((tmp_path / "b/nonfinite.json").read_text())["images_of_rank"]
    assert {rank: len(names) for rank, names in images.items()} == {"1": 16}


def test_a_signal_to_one_rank_stops_all_at_the_same_step_and_the_run_goes_on_with_as_many_ranks(
    arguments, tmp_path, capsys
):
    done = on_ranks(2, "fit", arguments, tmp_path, disturb=(1, 3, "signal"))
    assert [rank["code"] for rank in done] == [75, 0], done
    assert torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 4
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main(["fit", *arguments, "--run_dir", str(tmp_path)])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("mcss: the checkpoint was made with other batches (world_size 2 -> 1)")

    done = on_ranks(2, "fit", arguments, tmp_path)
    assert [rank["code"] for rank in done] == [0, 0], done
    assert json.loads((tmp_path / "run.json").read_text())["images_seen"] == 10 * 16 * 2


def test_averaged_weights_are_those_of_an_uninterrupted_run_on_as_many_ranks(arguments, averaged, tmp_path):
    arguments = [*arguments, "--config", str(averaged)]
    for name, disturb in (("whole", None), ("stopped", (1, 3, "signal")), ("stopped", None)):
        done = on_ranks(2, "fit", arguments, tmp_path / name, disturb)
        assert [rank["code"] for rank in done] == [75 if disturb else 0, 0], done
    whole, stopped = (
        torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True) for name in ("whole", "stopped")
    )
    assert int(whole["averaging_state"]["n_averaged"]) == 10
    assert all(torch.equal(value, stopped["state_dict"][name]) for name, value in whole["state_dict"].items())


def test_on_gpus_batchnorm_is_shared_and_the_checkpoint_is_the_same():
    """Its arithmetic needs a GPU; here the configuration and the conversion."""
    overlay = yaml.safe_load((EXPERIMENTS / "trainer/ddp.yaml").read_text())["trainer"]
    assert overlay == {"strategy": "ddp", "devices": -1, "sync_batchnorm": True}
    chosen = overlay | {"accelerator": "cpu", "devices": 2}
    trainer = pl.Trainer(**chosen, logger=False, enable_checkpointing=False, enable_progress_bar=False)
    network = MCSSModule(width=8, weights="none", image_size_px=48)
    names = list(network.state_dict())
    layers = sum(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules())
    converted = trainer.strategy._layer_sync.apply(network)
    assert sum(isinstance(layer, torch.nn.SyncBatchNorm) for layer in converted.modules()) == layers == 20
    assert list(converted.state_dict()) == names
