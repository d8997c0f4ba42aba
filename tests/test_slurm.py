"""The SLURM script, run with stand-ins for SLURM's commands."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from mcss.cli import parse_settings

ROOT = Path(__file__).parents[1]
STAND_IN = """#!/bin/bash
printf '%q ' "$(basename "$0")" "$@" >> "$LOG"; echo >> "$LOG"
case "$*" in *"mcss fit"*) exit "$FIT_CODE";; esac
"""


@pytest.fixture
def job(tmp_path):
    """Runs the script where ``mcss fit`` exits with a code; its own exit code, and the commands that it gave."""
    for name in (".venv/bin/activate", "bin/srun", "bin/scontrol"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("" if name.endswith("activate") else STAND_IN)
        (tmp_path / name).chmod(0o755)

    def run(fit_code, *arguments, **variables):
        slurm = {"SUBMIT_DIR": str(tmp_path), "NNODES": "2", "NTASKS_PER_NODE": "8", "JOB_ID": "17"}
        environment = os.environ | {f"SLURM_{name}": value for name, value in slurm.items()} | variables
        environment |= {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "LOG": f"{tmp_path}/log", "FIT_CODE": fit_code}
        command = ["bash", ROOT / "experiments/slurm/train.sbatch", *arguments]
        code = subprocess.run(command, env=environment, check=False).returncode
        return code, [shlex.split(line) for line in (tmp_path / "log").read_text().splitlines()]

    return run


def test_a_finished_training_is_tested(job, monkeypatch):
    code, (fit, test) = job("0", "--model.lr", "0.003", DATA="h36m", SUPERVISION="10%S1", SEED="3")
    assert code == 0
    assert fit[:3] == ["srun", "mcss", "fit"]
    monkeypatch.chdir(ROOT)
    settings = parse_settings(fit[2:])
    assert (settings["trainer"]["num_nodes"], int(settings["trainer"]["devices"])) == (2, 8)
    assert (settings["trainer"]["strategy"], settings["trainer"]["sync_batchnorm"]) == ("ddp", True)
    assert (settings["data"]["supervision"], settings["seed_everything"]) == ("10%S1", 3)
    assert (settings["model"]["lr"], settings["model"]["width"]) == (0.003, 64)
    run = "runs/h36m-mcss-10%S1-seed3-slurm"
    assert settings["run_dir"] == run
    assert test[:5] == ["srun", "mcss", "test", "--config", f"{run}/config.yaml"]
    assert test[-2:] == ["--run_dir", run]


def test_a_stopped_training_is_requeued(job):
    code, commands = job("75")
    assert code == 0
    assert [words[0] for words in commands] == ["srun", "scontrol"]
    assert commands[1] == ["scontrol", "requeue", "17"]


def test_a_failed_training_fails(job):
    code, commands = job("2")
    assert code == 2
    assert len(commands) == 1


def test_signal_requeue_and_tasks_are_asked_for():
    text = (ROOT / "experiments/slurm/train.sbatch").read_text()
    for line in ("--signal=TERM@300", "--requeue", "--ntasks-per-node=8", "--gpus-per-node=8", "--open-mode=append"):
        assert f"#SBATCH {line}\n" in text
