"""``python -m mcss.results.tuning``: adds tuning runs to the table of tries and writes tuning.md from it.

A try is scored on the validation clips, never on test subjects. Every try stays in the table, also what did not help;
how many each method had is told, because a method that was tuned longer looks better.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mcss.errors import InputError, message_in_one_line
from mcss.results.groups import described
from mcss.run.folder import RUN_FILE
from mcss.run.history import read_history

FEWEST_TRIES = 6
"""Of each method, so that none is tuned less than the others."""
SCORE = "tuning_n_mpjpe_mm"
"""On the validation clips of people whose labels are trained on, since no other labels may be known."""
_KEYS = ("settings_hash", "seed")
_FIGURES = (SCORE, "n_mpjpe_mm", "mpjpe_mm", "pa_mpjpe_mm", "mean_distance", "effective_rank")
COLUMNS = ("method", "supervision", "steps", "seed", *_FIGURES, "settings_hash", "commit", "settings")


def read_tries(table: Path) -> pd.DataFrame:
    """Rows of the table of tries; none where there is no table."""
    if not table.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.read_csv(table, dtype={"seed": int, "supervision": str, "settings_hash": str})


def read_try(folder: Path) -> dict[str, Any]:
    """Row of a finished training: its settings, and its last errors on the validation clips.

    Raises:
        InputError: the training is not finished, or was not validated.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        raise InputError(f"{path}: no such file; the training is not finished: start it again, it resumes")
    record = json.loads(path.read_text(encoding="utf-8"))
    if record["steps"] < (wanted := record["settings"]["trainer.max_steps"]):
        raise InputError(f"{folder}: ended at step {record['steps']} of {wanted}: start it again, it resumes")
    history = read_history(folder / "metrics.csv")
    validated = [step for step, values in history.items() if f"val/{SCORE}" in values]
    if not validated:
        raise InputError(f"{folder}: no errors on validation clips; name some with data.validation_clips")
    last = history[max(validated)]
    figures = {name: last.get(f"val/{name}") for name in _FIGURES}
    row = {**record, **figures, "settings": json.dumps(record["settings"], sort_keys=True)}
    return {name: row.get(name) for name in COLUMNS}


def add_tries(folders: Iterable[Path], table: Path) -> pd.DataFrame:
    """Add finished trainings to ``table`` and write tuning.md beside it; a try of the same settings and seed once.

    Raises:
        InputError: a training is not finished, or was not validated.
    """
    new = pd.DataFrame([read_try(folder) for folder in folders], columns=list(COLUMNS))
    old = read_tries(table)
    tries = pd.concat([part for part in (old, new) if len(part)]) if len(old) or len(new) else old
    tries = tries.drop_duplicates(list(_KEYS), keep="last").sort_values(["method", "supervision", "steps", SCORE])
    table.parent.mkdir(parents=True, exist_ok=True)
    tries.to_csv(table, index=False, lineterminator="\n")
    table.with_name("tuning.md").write_text(tuning_page(tries, table.parent.name), encoding="utf-8")
    return tries


def tuning_page(tries: pd.DataFrame, data: str) -> str:
    """How many tries each method had, then every try, best first, with the settings in which tries differ."""
    lines = [
        f"# Tries on {data}",
        "",
        "Written by `make recipe`. Errors on the validation clips (h36m16, mean over images, the network's frame, mm),"
        " never on test subjects. Settings are chosen by the *score*, the N-MPJPE on the clips of people who have"
        " labels; the others are on all validation clips.",
        "",
        "| method | tries |",
        "|---|---:|",
    ]
    for method, count in tries["method"].value_counts(sort=False).sort_index().items():
        lines.append(f"| {method} | {count}{'' if count >= FEWEST_TRIES else f', fewer than {FEWEST_TRIES}'} |")
    for (method, supervision, steps), members in tries.groupby(["method", "supervision", "steps"]):
        lines += ["", f"## {method}, labels of {supervision}, {steps:,} steps", ""]
        lines += ["| settings | seed | score | N-MPJPE | MPJPE | PA-MPJPE | mean distance | effective rank |"]
        lines += ["|---|---:|---:|---:|---:|---:|---:|---:|"]
        for changes, row in zip(_differing(members), members.itertuples(), strict=True):
            errors = (row.tuning_n_mpjpe_mm, row.n_mpjpe_mm, row.mpjpe_mm, row.pa_mpjpe_mm)
            figures = tuple(_figure(error, 1) for error in errors)
            spread = (_figure(row.mean_distance, 2), _figure(row.effective_rank, 1))
            lines.append(f"| {' | '.join([described(changes) or 'as shipped', str(row.seed), *figures, *spread])} |")
    return "\n".join(lines) + "\n"


def _differing(members: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each try the settings in which these tries differ."""
    settings = [json.loads(text) for text in members["settings"]]
    names = sorted({name for one in settings for name in one})
    varied = [name for name in names if len({json.dumps(one.get(name)) for one in settings}) > 1]
    return [{name: one.get(name) for name in varied} for one in settings]


def _figure(value: float | None, digits: int) -> str:
    return "" if value is None or pd.isna(value) else f"{value:.{digits}f}"


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; exit with code 2 after one line on stderr if the input is invalid."""
    parser = argparse.ArgumentParser(prog="python -m mcss.results.tuning", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished trainings")
    parser.add_argument("--table", type=Path, required=True, help="the CSV file, experiments/results/DATA/tries.csv")
    options = parser.parse_args(args)
    try:
        print(f"{options.table}: {len(add_tries(options.runs, options.table))} tries")
    except InputError as error:
        print(f"tuning: {message_in_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
