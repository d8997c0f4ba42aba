"""``python -m mcss.sweep FILE``: runs the grid of a W&B sweep file on this machine, one run after the other.

Runs that the table of results contains are skipped, and interrupted runs are resumed. No server is needed. With
``--agent`` the same file defines a sweep on a W&B server, which agents on other machines can join.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import yaml
from tqdm import tqdm

from mcss.cli import parse_settings
from mcss.errors import InputError, message_in_one_line
from mcss.results.__main__ import write_report
from mcss.results.record import check_same_data, read_table
from mcss.results.tuning import add_tries, read_tries
from mcss.run.folder import RESULTS_FILE
from mcss.run.identity import resolved_settings, settings_hash
from mcss.run.preemption import EXIT_CODE_AGAIN
from mcss.run.process import prepare_process
from mcss.stop_signals import STOP_SIGNALS
from mcss.sweep_file import ENVIRONMENT_VARIABLE, Sweep, expand, read_sweep

METHOD_FILE = "experiments/method/{}.yaml"
SHORTHANDS = {"methods": "config", "levels": "data.supervision", "seeds": "seed_everything"}
"""Parameter of the file that each of these options of the command line replaces."""


def tune(sweep: Sweep, tries: Path) -> list[str]:
    """Train what the table of tries lacks; add each to it, without any test. Return the commands that failed.

    Raises:
        InputError: the sweep's command cannot be run, or a training was not validated.
    """
    failed: list[str] = []
    for point in tqdm(sweep.points(), desc=sweep.path.stem, unit="try"):
        command = expand(sweep.command, point)
        settings = parse_settings(_arguments(command))
        known = read_tries(tries)
        same = known["settings_hash"].eq(settings_hash(resolved_settings(settings)))
        if (same & known["seed"].eq(settings["seed_everything"])).any():
            continue
        if _run(command):
            failed.append(" ".join(command))
        else:
            add_tries([Path(settings["run_dir"])], tries)
    return failed


def run_all(sweep: Sweep, table: Path, page: Path | None = None) -> list[str]:
    """Run what ``table`` lacks; add each run to the report when it is tested. Return the commands that failed.

    Raises:
        InputError: the sweep is no grid, its command cannot be run, or the table holds runs on other data.
    """
    if sweep.method != "grid":
        raise InputError(
            f"{sweep.path}: method {sweep.method!r}: only a grid can be run without a server; use make sweep"
        )
    failed: list[str] = []
    finished: list[Path] = []
    progress = tqdm(sweep.points(), desc=sweep.path.stem, unit="run")
    for point in progress:
        command = expand(sweep.command, point)
        settings = parse_settings(_arguments(command))
        folder = Path(settings["run_dir"])
        progress.set_postfix_str(folder.name)
        if not _is_done(settings, table):
            if _run(command):
                failed.append(" ".join(command))
                continue
            write_report([*finished, folder], table, page)
        if (folder / RESULTS_FILE).is_file():  # absent if the table came with the checkout
            finished.append(folder)
    return failed


def _run(command: Sequence[str]) -> int:
    """Exit code of a run. A stop signal to this process reaches the run, which saves itself; then this process ends.

    Raises:
        SystemExit: this process or the run was stopped by a signal; with the code of a run that resumes.
    """
    received: list[int] = []

    def hand_on(number: int, frame: FrameType | None) -> None:
        received.append(number)
        run.send_signal(number)

    with subprocess.Popen(command) as run:
        before = {number: signal.signal(number, hand_on) for number in STOP_SIGNALS}
        try:
            code = run.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    if received or code == EXIT_CODE_AGAIN:
        print("sweep: stopped by a signal: the same command goes on from here", file=sys.stderr)
        raise SystemExit(EXIT_CODE_AGAIN)
    return code


def _arguments(command: Sequence[str]) -> list[str]:
    """Arguments that the command passes to ``mcss``: the subcommand and all that follows."""
    if "fit" not in command:
        raise InputError(f"the sweep's command does not run `mcss fit`: {' '.join(command)}")
    return list(command[command.index("fit") :])


def _is_done(settings: Mapping[str, Any], table: Path) -> bool:
    """Whether the table has a whole test of a finished run with these settings, seed and number of processes."""
    identity = resolved_settings(settings)
    rows = read_table(table)
    check_same_data(rows, identity["data.test_store"], table)
    trainer = settings["trainer"]
    same = (
        rows["settings_hash"].eq(settings_hash(identity))
        & rows["method"].eq(settings["method"])
        & rows["seed"].eq(str(settings["seed_everything"]))
        & rows["world_size"].eq(str(_world_size(trainer)))
        & pd.to_numeric(rows["steps"], errors="coerce").ge(trainer["max_steps"])
    )
    limited = trainer.get("limit_test_batches") is not None  # the grid requests partial tests
    return bool((same if limited else same & rows["partial"].eq("no")).any())


def _world_size(trainer: Mapping[str, Any]) -> int:
    """Number of processes of a run with these settings on this machine, as Lightning resolves them."""
    if trainer["devices"] == 1 and trainer["num_nodes"] == 1:
        return 1
    names = ("accelerator", "devices", "num_nodes", "strategy")
    quiet = pl.Trainer(**{name: trainer[name] for name in names}, logger=False, barebones=True)
    return quiet.world_size


def start_agent(sweep: Sweep) -> None:
    """Create the sweep on the W&B server, print how others join it, and start its first agent.

    Raises:
        InputError: nobody is logged in to W&B, the server refuses, W&B is switched off by ``WANDB_MODE``, or the
            command asks for an environment variable that is not set.
    """
    import wandb

    if os.environ["WANDB_MODE"] != "online":
        raise InputError(f"WANDB_MODE={os.environ['WANDB_MODE']}: an agent needs the server; unset it, or `make curve`")
    expand(sweep.command, {})  # checks the environment variables of the command
    content = yaml.safe_load(sweep.path.read_text(encoding="utf-8"))
    content["parameters"] = {name: {"values": list(values)} for name, values in sweep.parameters.items()}
    try:
        wandb.Api()  # asks for the key on a terminal, raises elsewhere
        sweep_id = wandb.sweep(content, project=content["project"])
    except wandb.Error as error:
        reason = " ".join(str(error).split())
        raise InputError(f"Weights & Biases: {reason} (`make curve` needs no login)") from None
    agent = ["wandb", "agent", "--project", content["project"], sweep_id]
    names = ENVIRONMENT_VARIABLE.findall(" ".join(sweep.command))
    environment = [f"{name}={os.environ[name]}" for name in names]
    print(f"join from other machines with: {' '.join([*environment, *agent])}", flush=True)
    # An agent runs the first `python` of PATH for ${interpreter}: make it this one also without an active environment.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.execv(sys.executable, [sys.executable, "-m", *agent])


def main(args: Sequence[str] | None = None) -> None:
    """Run the program: exit code 2 after one line for bad input, 1 where runs failed."""
    parser = argparse.ArgumentParser(prog="python -m mcss.sweep", description=__doc__)
    parser.add_argument("file", type=Path, help="a sweep file, experiments/sweeps/NAME.yaml")
    parser.add_argument("--table", type=Path, help="the CSV of finished runs, experiments/results/DATA/runs.csv")
    parser.add_argument("--tries", type=Path, help="the CSV of tries, experiments/results/DATA/tries.csv: tune")
    parser.add_argument("--page", type=Path, help="a Markdown file with result marks to fill in, README.md")
    parser.add_argument("--methods", help="names of experiments/method, instead of the file's")
    parser.add_argument("--levels", help="supervision levels, instead of the file's")
    parser.add_argument("--seeds", help="seeds, instead of the file's")
    parser.add_argument("--args", default="", help="further settings of every run, after the file's")
    parser.add_argument("--list", action="store_true", help="print the command of every run, and run nothing")
    parser.add_argument(
        "--agent", action="store_true", help="use a W&B server: make a sweep of the file, start an agent"
    )
    options = parser.parse_args(args)
    if options.agent:  # every run inherits the environment of the agent
        os.environ.setdefault("WANDB_MODE", "online")
    prepare_process()
    try:
        sweep = _replaced(read_sweep(options.file), options)
        if options.list:
            print(*(" ".join(expand(sweep.command, point)) for point in sweep.points()), sep="\n")
            return
        if options.agent:
            start_agent(sweep)
        if options.tries:
            failed = tune(sweep, options.tries)
        elif options.table:
            failed = run_all(sweep, options.table, options.page)
        else:
            raise InputError("name the table of finished runs with --table or of tries with --tries, or use --agent")
    except InputError as error:
        print(f"sweep: {message_in_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None
    for command in failed:
        print(f"sweep: failed: {command}", file=sys.stderr)
    if failed:
        raise SystemExit(1)


def _replaced(sweep: Sweep, options: argparse.Namespace) -> Sweep:
    """The sweep with values of the command line in place of those of the file."""
    parameters = dict(sweep.parameters)
    for option, parameter in SHORTHANDS.items():
        words = getattr(options, option)
        if words:
            if parameter not in parameters:
                raise InputError(f"{sweep.path} does not vary {parameter}: leave --{option} out")
            names = words.split()
            parameters[parameter] = tuple(METHOD_FILE.format(name) if option == "methods" else name for name in names)
    return replace(sweep, parameters=parameters, command=(*sweep.command, *shlex.split(options.args)))


if __name__ == "__main__":
    main()
