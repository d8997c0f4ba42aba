import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import wandb
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from mcss import sweep as sweeps
from mcss.cli import main as run
from mcss.results.layout import CURVE_METHODS, TABLES
from mcss.results.record import COLUMNS, read_table
from mcss.sweep import main
from mcss.sweep_file import expand, read_sweep

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "experiments/sweeps").glob("*.yaml"))


def expanded_by_wandb(command, point):
    """What ``wandb agent`` executes, from the agent's own helpers; the server is not needed for that."""
    arguments = create_sweep_command_args({"args": {name: {"value": value} for name, value in point.items()}})
    arguments |= {"env": ["/usr/bin/env"], "interpreter": ["python"]}
    words = create_sweep_command(list(command))
    return [part for word in words for part in (arguments[word[2:-1]] if word.startswith("${") else [word])]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_commands_are_those_of_a_wandb_agent(path, monkeypatch):
    monkeypatch.setenv("DATA", "tiny")
    monkeypatch.setenv("TRAINER", "auto")
    sweep = read_sweep(path)
    for point in sweep.points()[:3]:
        ours = expand(sweep.command, point)
        ours[ours.index(sys.executable)] = "python"
        assert ours == expanded_by_wandb(sweep.command, point)
        assert "experiments/data/tiny.yaml" in ours
        assert "experiments/trainer/auto.yaml" in ours


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_arguments_come_last_and_name_existing_settings(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATA", "tiny")
    monkeypatch.setenv("TRAINER", "auto")
    monkeypatch.setattr("mcss.run.identity.open_store", lambda _: SimpleNamespace(content_hash="of the store"))
    sweep = read_sweep(path)
    assert sweep.command[-1] == "${args}"
    command = expand(sweep.command, sweep.points()[-1])
    parsed = sweeps.parse_settings(command[command.index("fit") :])
    assert parsed["data"]["store"] == sweep.parameters.get("data.store", ("data/tiny",))[-1]
    method = [word for word in command if "experiments/method/" in word][-1]
    assert parsed["method"] == Path(method.removeprefix("--config=")).stem


def test_the_curve_has_every_level_method_and_three_seeds():
    parameters = read_sweep(ROOT / "experiments/sweeps/supervision_curve.yaml").parameters
    assert parameters["data.supervision"] == ("all", "S1+S5", "S1", "50%S1", "10%S1", "5%S1")
    assert sorted(Path(path).stem for path in parameters["config"]) == sorted(CURVE_METHODS)
    assert parameters["seed_everything"] == (0, 1, 2)


@pytest.fixture
def small_sweep(tmp_path, settings, monkeypatch):
    """A sweep file of two short runs on the synthetic store; runs and table go into the test's own folder."""
    command = ["${env}", "WANDB_RUN_GROUP=small", "${interpreter}", "-m", "mcss", "fit", *settings()]
    command += ["--then_test", "true", "${args}"]
    content = {"method": "grid", "command": command, "parameters": {"seed_everything": {"values": [0, 1]}}}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.chdir(tmp_path)
    Path("page.md").write_text("<!-- results:begin --><!-- results:end -->")
    return ["small.yaml", "--table", "runs.csv", "--page", "page.md"]


def figures(table):
    columns = ["seed", "mpjpe_mm", "n_mpjpe_mm", "settings_hash", "checkpoint_hash"]
    return list(read_table(Path(table))[columns].itertuples(index=False, name=None))


def in_this_process(command):
    """Stands in for ``_run``: a new process imports for longer than it trains."""
    run(command[command.index("fit") :])
    return 0


def test_an_interrupted_sweep_started_again_fills_the_same_table(small_sweep, store_path, tmp_path, monkeypatch):
    def until_the_second_run(command):
        if "--seed_everything=1" in command:
            raise KeyboardInterrupt
        return in_this_process(command)

    monkeypatch.setattr(sweeps, "_run", until_the_second_run)
    with pytest.raises(KeyboardInterrupt):
        main(small_sweep)
    (first,) = figures("runs.csv")
    monkeypatch.setattr(sweeps, "_run", in_this_process)
    main(small_sweep)
    resumed = figures("runs.csv")
    assert [seed for seed, *_ in resumed] == ["0", "1"]
    assert resumed[0] == first
    assert re.search(r"\| S1 +\| mcss +\| 2 +\| 20 ", Path("page.md").read_text())
    assert Path("supervision_curve.png").is_file()

    monkeypatch.setattr(sweeps, "_run", lambda _: pytest.fail("a finished run was started again"))
    main(small_sweep)
    assert figures("runs.csv") == resumed
    # Nor on a machine with the data elsewhere, that computes in another precision.
    shutil.copytree(store_path, tmp_path / "copied")
    monkeypatch.setattr("mcss.run.options.default_precision", lambda _: "16-mixed")
    content = yaml.safe_load(Path("small.yaml").read_text())
    content["command"] = ["./copied" if word == str(store_path) else word for word in content["command"]]
    Path("small.yaml").write_text(yaml.safe_dump(content))
    main(small_sweep)
    assert figures("runs.csv") == resumed


def test_the_list_is_of_every_run_and_runs_none(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATA", "tiny")
    monkeypatch.setenv("TRAINER", "auto")
    monkeypatch.setattr(sweeps, "_run", lambda _: pytest.fail("a run was started"))
    main(["experiments/sweeps/table1.yaml", "--list"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(TABLES["table1"].methods)
    for method in TABLES["table1"].methods:
        assert sum(f"experiments/method/{method}.yaml" in line for line in lines) == 2, method


def test_further_settings_go_to_every_run_after_those_of_the_file(small_sweep, capsys):
    main([*small_sweep, "--list", "--args", "--model.lr 0.5 --data.background remove"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("--seed_everything")[1] for line in lines] == [
        f"={seed} --model.lr 0.5 --data.background remove" for seed in (0, 1)
    ]


@pytest.mark.slow
def test_a_signal_reaches_the_run_and_ends_the_sweep(tmp_path):
    """A run that has begun to train saves itself; one that has not is ended. No other run is started."""
    saves = "signal.signal(15, lambda *_: (Path('saved').touch(), sys.exit(75)))"
    for name, handler in (("saves", saves), ("dies", "pass")):
        script = (
            f"import signal, sys, time; from pathlib import Path; {handler}; Path('{name}').touch(); time.sleep(60)"
        )
        (tmp_path / f"{name}.py").write_text(script)
    program = """
import sys
from mcss.sweep import _run
for name in ("saves.py", "dies.py"):
    try:
        for _ in range(2):
            _run([sys.executable, name])
    except SystemExit as stopped:
        print(stopped.code, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as sweep:
        for name in ("saves", "dies"):
            while not (tmp_path / name).is_file():
                time.sleep(0.05)
            sweep.terminate()
            assert sweep.stdout.readline() == "75\n"
        assert sweep.wait() == 0
    assert (tmp_path / "saved").is_file()


def test_a_table_of_other_data_is_refused_before_anything_runs(small_sweep, monkeypatch, capsys):
    row = dict.fromkeys(COLUMNS, "0") | {"test_data_hash": "rendered", "settings": "{}"}
    Path("runs.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    monkeypatch.setattr(sweeps, "_run", lambda _: pytest.fail("a run was started"))
    with pytest.raises(SystemExit) as caught:
        main(small_sweep)
    assert caught.value.code == 2
    assert "sweep: runs.csv holds runs on other data (hash rendered" in capsys.readouterr().err


def test_a_failed_run_is_named_and_the_others_go_on(small_sweep, capsys):
    content = yaml.safe_load(Path("small.yaml").read_text())
    content["command"] = [sys.executable, "-c", "import sys; sys.exit(3)", "fit", *content["command"][6:]]
    Path("small.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(SystemExit) as caught:
        main(small_sweep)
    assert caught.value.code == 1
    assert capsys.readouterr().err.count("sweep: failed: ") == 2


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (None, [], "small.yaml: no such sweep file"),
        ("command: [", [], "small.yaml: not a sweep with a command"),
        (
            "method: grid\ncommand: [a]",
            [],
            "not a sweep with a command and values of parameters (KeyError('parameters'))",
        ),
        (
            "method: bayes\ncommand: [fit]\nparameters: {}",
            [],
            "method 'bayes': only a grid can be run without a server",
        ),
        ("method: grid\ncommand: [a]\nparameters: {}", [], "the sweep's command does not run `mcss fit`: a"),
        ("method: grid\ncommand: ['${envvar:ABSENT}']\nparameters: {}", [], "needs the environment variable ABSENT"),
        (
            "method: grid\ncommand: ['${envvar:TWO}']\nparameters: {}",
            [],
            "TWO='gpu ddp': a sweep takes one",
        ),
        ("method: grid\ncommand: [fit]\nparameters: {}", ["--levels", "S1"], "does not vary data.supervision"),
    ],
)
def test_bad_input_gives_one_line_and_code_2(content, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWO", "gpu ddp")
    if content is not None:
        Path("small.yaml").write_text(content)
    with pytest.raises(SystemExit) as caught:
        main(["small.yaml", "--table", "runs.csv", *arguments])
    assert caught.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("sweep: ")
    assert message in error


@pytest.fixture
def server(monkeypatch):
    """A W&B server that makes sweeps; what it was asked for."""
    made = []
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setattr("wandb.Api", lambda: None)
    monkeypatch.setattr("wandb.sweep", lambda content, project: made.append((content, project)) or "abc123")
    return made


def test_an_agent_needs_a_login(small_sweep, server, monkeypatch, capsys):
    monkeypatch.setattr("wandb.Api", Mock(side_effect=wandb.errors.UsageError("No API key configured.\nLog in.")))
    with pytest.raises(SystemExit) as caught:
        main([small_sweep[0], "--agent"])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == ("sweep: Weights & Biases: No API key configured. Log in. (`make curve` needs no login)")


def test_an_agent_needs_the_server(small_sweep, server, monkeypatch, capsys):
    monkeypatch.setenv("WANDB_MODE", "offline")
    with pytest.raises(SystemExit) as caught:
        main([small_sweep[0], "--agent"])
    assert caught.value.code == 2
    assert "sweep: WANDB_MODE=offline: an agent needs the server" in capsys.readouterr().err
    assert server == []


def test_an_agent_makes_the_sweep_that_was_asked_for_and_joins_it(server, monkeypatch, capsys):
    executed = []

    def execute(program, words):
        executed.append((program, words, dict(os.environ)))
        raise SystemExit

    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DATA", "studio")
    monkeypatch.setenv("TRAINER", "gpu")
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr(sweeps.os, "execv", execute)
    with pytest.raises(SystemExit):
        main(["experiments/sweeps/supervision_curve.yaml", "--agent", "--levels", "S1 5%S1"])
    ((content, project),) = server
    assert project == "mcss"
    assert content["parameters"]["data.supervision"] == {"values": ["S1", "5%S1"]}
    assert content["command"][-1] == "${args}"
    ((program, words, environment),) = executed
    assert program == sys.executable
    assert words == [sys.executable, "-m", "wandb", "agent", "--project", "mcss", "abc123"]
    assert environment["WANDB_MODE"] == "online"
    assert environment["PATH"] == f"{Path(sys.executable).parent}:/usr/bin"  # where the agent looks for python
    assert "with: TRAINER=gpu DATA=studio wandb agent --project mcss abc123\n" in capsys.readouterr().out
