"""Which checkpoint a run starts from: never one of other settings, and never one of a smoke test."""

import shutil
import subprocess
import sys

import pytest
import torch

from mcss.cli import main


def refused(arguments, capsys):
    """The one line with which the program refuses these arguments."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.fixture
def begun(trained, tmp_path):
    """A folder with nothing but the checkpoint of a run."""
    (tmp_path / "run/checkpoints").mkdir(parents=True)
    shutil.copy(trained / "checkpoints/last.ckpt", tmp_path / "run/checkpoints/last.ckpt")
    return tmp_path / "run"


OTHER_SETTINGS = {
    "model": (["--model.lr", "0.5"], "model.lr 0.002 -> 0.5"),
    "objective": (["--model.objective.margin", "0.7"], "model.objective.init_args.margin 0.6 -> 0.7"),
    "data": (["--data.supervision", "S5"], "data.supervision S1 -> S5"),
    "trainer": (["--trainer.max_steps", "30"], "trainer.max_steps 20 -> 30"),
    "gradients": (["--trainer.gradient_clip_val", "1"], "trainer.gradient_clip_val None -> 1"),
    "precision": (["--trainer.precision", "16-mixed"], "-> 16-mixed"),
    "method": (["--method", "another"], "method mcss -> another"),
    "seed": (["--seed_everything", "7"], "seed_everything 0 -> 7"),
}


@pytest.mark.parametrize("where", ["found", "named"])
def test_settings_that_would_lose_against_the_checkpoint_are_refused_and_named(
    where, begun, settings, tmp_path, capsys
):
    words = [word for extra, _ in OTHER_SETTINGS.values() for word in extra]
    named = ["--ckpt_path", str(begun / "checkpoints/last.ckpt"), "--run_dir", str(tmp_path / "other")]
    place = ["--run_dir", str(begun)] if where == "found" else named
    line = refused(["fit", *settings(), *place, *words], capsys)
    for name, (_, difference) in OTHER_SETTINGS.items():
        assert difference in line, name


def test_a_checkpoint_is_resumed_with_the_settings_that_it_carries(begun, settings):
    main(["fit", *settings(), "--data.num_workers", "0", "--data.eval_batch_size", "9", "--run_dir", str(begun)])
    assert (begun / "config.yaml").is_file()


def test_a_checkpoint_whose_settings_nothing_records_is_refused(begun, settings, capsys):
    path = begun / "checkpoints/last.ckpt"
    content = torch.load(path, weights_only=True)
    del content["run"]
    torch.save(content, path)
    line = refused(["fit", *settings(), "--run_dir", str(begun)], capsys)
    assert "it does not record the settings of its run" in line


def test_a_smoke_test_leaves_nothing_that_a_run_would_start_from(settings, tmp_path):
    main(["fit", *settings(), "--run_dir", str(tmp_path), "--trainer.fast_dev_run", "2", "--model.lr", "0.5"])
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_smoke_test_in_the_folder_of_a_run_changes_none_of_its_files(begun, settings, trained):
    shutil.copytree(trained, begun, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()}
    main(["fit", *settings(), "--run_dir", str(begun), "--trainer.fast_dev_run", "true", "--model.lr", "0.5"])
    assert {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()} == before


NETWORKS = {"width": "8", "pose_frame": "root", "image_size_px": "96", "embedding_dim": "64"}


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [(*setting, where) for setting, where in zip(NETWORKS.items(), ("found", "named") * 2, strict=True)],
)
def test_a_network_other_than_the_checkpoints_is_not_tested(name, value, where, trained, settings, tmp_path, capsys):
    named = ["--ckpt_path", str(trained / "checkpoints/last.ckpt"), "--run_dir", str(tmp_path)]
    place = ["--run_dir", str(trained)] if where == "found" else named
    line = refused(["test", *settings(), *place, f"--model.{name}", value], capsys)
    assert f"its network has other settings (model.{name} " in line
    assert f" -> {value})" in line


def test_settings_that_the_tested_training_did_not_have_are_named(trained, settings, tmp_path, capsys):
    checkpoint = ["--ckpt_path", str(trained / "checkpoints/last.ckpt"), "--run_dir", str(tmp_path)]
    given = "--model.lr 0.5 --data.augment.scale 0.2 --seed_everything 7 --data.num_workers 0 --method another"
    main(["test", *settings(), *checkpoint, *given.split(), "--trainer.limit_test_batches", "1"])
    assert (
        "was trained with other settings than given: data.augment.scale 0.1 -> 0.2; method mcss -> another;"
        " model.lr 0.002 -> 0.5; seed_everything 0 -> 7\n"
    ) in capsys.readouterr().out


def test_settings_that_nobody_typed_come_from_the_checkpoint(trained, store_path, tmp_path, capsys):
    """The defaults are a network of 224 px with ImageNet weights."""
    checkpoint, store = str(trained / "checkpoints/last.ckpt"), str(store_path)
    quiet = ["--trainer.enable_progress_bar", "false", "--trainer.logger", "false", "--trainer.accelerator", "cpu"]
    main(["test", "--ckpt_path", checkpoint, "--data.store", store, "--run_dir", str(tmp_path), *quiet])
    assert (tmp_path / "results.json").is_file()


def test_a_run_that_another_process_trains_is_not_trained_a_second_time(begun, settings, capsys):
    lock = str(begun.parent / ".run.lock")
    holds = f"import filelock, time; lock = filelock.FileLock({lock!r}); lock.acquire(); print(); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-u", "-c", holds], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        line = refused(["fit", *settings(), "--run_dir", str(begun)], capsys)
        other.kill()
    assert line == f"mcss: {begun}: another process is writing this run; wait for it to end"
    main(["fit", *settings(), "--run_dir", str(begun)])  # the lock of a killed process is gone
    assert "other settings" not in capsys.readouterr().out
