"""What a run sends to Weights & Biases, read from an offline run's folder."""

import json

import pytest
import torch
import wandb

from mcss.cli import main
from mcss.run.history import read_history
from mcss.run.scores import headline
from tests.references.offline_wandb import read_offline_run, read_offline_runs


@pytest.fixture(scope="module")
def logged(settings, tmp_path_factory):
    """Folder of a run with the two loggers of base.yaml, and its offline W&B run."""
    folder = tmp_path_factory.mktemp("runs") / "logged"
    overlay = folder.parent / "wandb.yaml"
    overlay.write_text(
        "trainer:\n  logger:\n    - class_path: mcss.run.history.MetricsHistory\n"
        "    - class_path: pytorch_lightning.loggers.WandbLogger\n      init_args: {project: mcss, resume: allow}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_RUN_GROUP", "curve")
        arguments = [*settings(), "--config", str(overlay), "--data.supervision", "S1", "--then_test", "true"]
        main(["fit", *arguments, "--run_dir", str(folder)])
        wandb.finish()
        wandb.teardown()  # waits until everything is on disk; finish() does not
    return folder, *read_offline_run(folder)


def test_configuration_and_origin_are_sent(logged):
    folder, group, config, _ = logged
    record = json.loads((folder / "run.json").read_text())
    assert group == "curve"
    assert config["data"]["supervision"] == "S1"
    assert config["model"]["objective"]["init_args"]["margin"] == 0.6
    assert config["trainer"]["max_steps"] == 20
    for name in ("method", "supervision", "seed", "settings_hash", "commit"):
        assert config[name] == record[name], name


def test_metrics_are_sent_by_step(logged):
    folder, _, _, history = logged
    ours = read_history(folder / "metrics.csv")
    theirs = {}
    for row in history:
        theirs.setdefault(row["trainer/global_step"], {}).update(row)
    for name in ("train/loss", "val/n_mpjpe_mm", "val/mean_distance"):
        expected = {step: row[name] for step, row in ours.items() if name in row}
        assert expected
        assert {step: row[name] for step, row in theirs.items() if name in row} == pytest.approx(expected), name


def test_figures_and_the_final_table_are_sent(logged):
    folder, _, _, history = logged
    sent = {name: value for row in history for name, value in row.items()}
    (media,) = folder.glob("wandb/offline-run-*/files")
    for name in ("test_poses", "curves"):
        (image,) = (media / path for path in sent[f"{name}/filenames"])
        assert image.read_bytes() == (folder / f"{name}.png").read_bytes()
    table = json.loads((media / sent["results/path"]).read_text())
    record = json.loads((folder / "results.json").read_text())
    assert [dict(zip(table["columns"], row, strict=True)) for row in table["data"]] == record["results"]
    assert {name.removeprefix("test/"): sent[name] for name in sent if name.startswith("test/")} == pytest.approx(
        headline(record["results"]), abs=1e-3
    )


def test_processes_of_a_run_are_offline_runs_that_do_not_replace_each_other(
    settings, frequent_checkpoints, tmp_path, fit_killed, monkeypatch
):
    """An interrupted fit, the fit that resumes it, and the test: each file counts from its own step 0."""
    overlay = tmp_path / "wandb.yaml"
    overlay.write_text("trainer:\n  logger:\n    - class_path: pytorch_lightning.loggers.WandbLogger\n")
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder = tmp_path / "run"
    configs = ["--config", str(frequent_checkpoints), "--config", str(overlay), "--trainer.log_every_n_steps", "1"]
    arguments = [*settings(), *configs, "--trainer.max_steps", "8", "--run_dir", str(folder)]
    fit_killed(6, *arguments)
    wandb.finish()
    main(["fit", *arguments])
    wandb.finish()
    main(["test", "--config", str(folder / "config.yaml"), "--run_dir", str(folder)])
    wandb.finish()
    wandb.teardown()
    runs = {run.id: run for run in read_offline_runs(folder)}
    assert [run.group for run in runs.values()] == ["run", "run", "run"]
    assert sorted(run.job_type for run in runs.values()) == ["fit", "fit", "test"]
    fits = [run for run in runs.values() if run.job_type == "fit"]
    logged = sorted([row["trainer/global_step"] for row in run.history if "train/loss" in row] for run in fits)
    assert logged == [[0, 1, 2, 3, 4, 5], [4, 5, 6, 7]]


def test_an_unreachable_server_does_not_touch_the_run(settings, trained, tmp_path, monkeypatch):
    overlay = tmp_path / "wandb.yaml"
    overlay.write_text("trainer:\n  logger:\n    - class_path: pytorch_lightning.loggers.WandbLogger\n")
    server = {"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_INIT_TIMEOUT": "1"}
    for name, value in (server | {"WANDB_MODE": "online"}).items():
        monkeypatch.setenv(name, value)
    with pytest.warns(UserWarning, match=r"W&B cannot be used \(.*connection refused\): this run is logged offline"):
        main(["fit", *settings(), "--config", str(overlay), "--run_dir", str(tmp_path / "run")])
    wandb.finish()
    wandb.teardown()
    states = [torch.load(run / "checkpoints/last.ckpt", weights_only=True) for run in (tmp_path / "run", trained)]
    assert all(torch.equal(value, states[1]["state_dict"][name]) for name, value in states[0]["state_dict"].items())
    *_, history = read_offline_run(tmp_path / "run")
    assert any("train/loss" in row for row in history)
