"""Finished runs to one tidy table."""

import csv
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mcss.errors import InputError
from mcss.results.metrics import METRICS
from mcss.results.table import headline
from mcss.run.folder import RESULTS_FILE

Rows = Sequence[dict[str, str]]

COLUMNS = (
    *("method", "supervision", "labelled_instants", "seed", "frame", *METRICS, "mean_pose_mpjpe_mm"),
    *("val_mean_distance", "val_effective_rank", "steps", "world_size", "images_seen", "wall_s"),
    *("commit", "config_hash", "data_hash"),
)
"""Of ``runs.csv``; empty where a run, or one from before the column, has no such value."""


def summary_row(record: dict[str, Any]) -> dict[str, Any]:
    """A line of ``runs.csv`` from the content of ``results.json``: errors of h36m16, micro, in the run's own frame."""
    errors = headline(record["results"])
    mean_pose = headline(record["mean_pose_results"])
    row = {**record, **errors, "mean_pose_mpjpe_mm": mean_pose["mpjpe_mm"]}
    return {column: row.get(column, "") for column in COLUMNS}


def collect(runs: Iterable[Path], table: Path) -> list[dict[str, str]]:
    """Add the runs in these folders to the CSV ``table``, in place of those with the same settings, data and ranks.

    Raises:
        InputError: a folder has no results, or the table holds runs on other data.
    """
    rows = read_rows(table)
    for folder in runs:
        path = folder / RESULTS_FILE
        if not path.is_file():
            raise InputError(f"{path}: no such file; test the run first")
        row = {column: str(value) for column, value in summary_row(json.loads(path.read_text())).items()}
        rows = [other for other in rows if _identity(other) != _identity(row)] + [row]
        check_same_data(rows, row["data_hash"], table)
    rows.sort(key=lambda row: (-int(row["labelled_instants"]), row["method"], int(row["seed"])))
    table.parent.mkdir(parents=True, exist_ok=True)
    partial = table.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(partial, table)  # in one move: a kill leaves the former table
    return rows


def check_same_data(rows: Iterable[dict[str, str]], data_hash: str, table: Path) -> None:
    """See that runs on data with this hash may stand beside ``rows``, whose errors they are compared with.

    Raises:
        InputError: a row's run was on other data.
    """
    for row in rows:
        if row["data_hash"] != data_hash:
            raise InputError(
                f"{table} holds runs on other data (hash {row['data_hash'][:8]}, here {data_hash[:8]}):"
                " name another table (make: TABLE=...), or remove that one"
            )


def read_rows(table: Path) -> list[dict[str, str]]:
    """Lines of a ``runs.csv``; none where there is no file."""
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _identity(row: dict[str, str]) -> tuple[str, ...]:
    # Batch sizes are those of a rank.
    return (*(row[column] for column in ("method", "config_hash", "data_hash")), row.get("world_size") or "1")
