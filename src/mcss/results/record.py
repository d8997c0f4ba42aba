"""Reads the folders of finished runs, and reads and writes ``runs.csv``, which has one row for each test."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from data_modules.store import Store, open_store
from mcss.errors import InputError, message_in_one_line
from mcss.metrics.reported import METRICS
from mcss.run.folder import RESULTS_FILE, TEST_PREDICTIONS_FILE
from mcss.run.identity import settings_hash
from mcss.run.predictions import read_predictions
from mcss.run.scores import headline

UNKNOWN = "unknown"
NOT_RECORDED = {"settings": "not recorded"}
"""Settings of a training without a record."""

_TRAINED = ("method", "supervision", "labelled_instants", "seed", "steps", "world_size", "precision")
_TESTED = ("partial", "test_images", "frame")
_ORIGIN = ("commit", "dirty", "settings_hash", "checkpoint_hash", "data_hash", "test_data_hash")
FILMED = {f"filmed_{name}": name for name in METRICS}
"""Columns of the errors on filmed people, with their metric."""
VALIDATION = {f"validation_{name}": name for name in (*METRICS, "mean_pose_mpjpe_mm")}
"""Columns of the errors on the validation clips by which settings are chosen, with their names in ``results.json``."""
_MEASURED = (
    *(*METRICS, "mean_pose_mpjpe_mm", *FILMED, *VALIDATION, "labelled_mpjpe_mm"),
    *("test_mean_distance", "test_effective_rank"),
)
COLUMNS = (*_TRAINED, "labels_2d", *_TESTED, *_MEASURED, "images_seen", "wall_s", *_ORIGIN, "settings")
"""Columns of ``runs.csv``; errors of each person (``mpjpe_mm:S9``, ``filmed_mpjpe_mm:S5``) follow those of all."""


_NEEDED = {
    *("settings", "results", "mean_pose_results", "by_subject", "labelled_errors", "partial", "dirty"),
    *("method", "supervision", "seed", "checkpoint_hash", "test_data_hash"),
}
"""Of a ``results.json``, what a row of the table cannot do without."""


class TestedRun(NamedTuple):
    """The folder of a tested run."""

    folder: Path
    record: dict[str, Any]
    """Content of ``results.json``."""
    predictions: dict[str, np.ndarray]
    """Content of ``test_predictions.npz``."""

    def open_store(self) -> Store:
        """Open the store that the run was tested on.

        Raises:
            InputError: it is absent, or its content has changed.
        """
        store = open_store(Path(self.record["test_store"]))
        if store.content_hash != self.record["test_data_hash"]:
            raise InputError(f"{store.path}: not the data that {self.folder} was tested on")
        return store


def read_record(folder: Path) -> dict[str, Any]:
    """Content of a run's ``results.json``.

    Raises:
        InputError: there is none, it is damaged, or it was written by an earlier version.
    """
    path, command = folder / RESULTS_FILE, f"mcss test --config {folder}/config.yaml --run_dir {folder}"
    if not path.is_file():
        raise InputError(f"{path}: no such file; test the run first ({command})")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(f"{path}: damaged; test the run again ({command})") from None
    if not isinstance(record, dict) or not record.keys() >= _NEEDED:
        raise InputError(f"{path}: results of an earlier version; test the run again ({command})")
    return record


def read_tested_run(folder: Path) -> TestedRun:
    """Read the record and the predictions of a tested run.

    Raises:
        InputError: a file is absent or damaged, or it was written by an earlier version.
    """
    record, predictions = read_record(folder), folder / TEST_PREDICTIONS_FILE
    if not predictions.is_file() or "test_store" not in record:
        raise InputError(f"{folder}: no {TEST_PREDICTIONS_FILE}, or from an earlier version; test the run again")
    return TestedRun(folder, record, read_predictions(predictions))


def table_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Row of ``runs.csv`` for a ``results.json``: errors of h36m16, mean over images, in the network's frame."""
    settings = record["settings"] or {**NOT_RECORDED, "checkpoint": record["checkpoint_hash"]}
    filmed = record.get("filmed_people", {})
    people = (("", record["by_subject"]), ("filmed_", filmed.get("by_subject", {})))
    by_subject = {
        f"{whose}{name}:{subject}": errors[name]
        for whose, by_person in people
        for subject, errors in by_person.items()
        for name in METRICS
    }
    row = {
        **record,
        **headline(record["results"]),
        "mean_pose_mpjpe_mm": headline(record["mean_pose_results"])["mpjpe_mm"],
        **{column: filmed.get(name, "") for column, name in FILMED.items()},
        **{column: record.get("validation_errors", {}).get(name, "") for column, name in VALIDATION.items()},
        "labelled_mpjpe_mm": record["labelled_errors"].get("mpjpe_mm", ""),
        "settings_hash": settings_hash(settings),
        "settings": json.dumps(settings, sort_keys=True),
        **{name: {True: "yes", False: "no", None: None}[record[name]] for name in ("partial", "dirty")},
    }
    return {column: UNKNOWN if row.get(column) is None else row[column] for column in COLUMNS} | by_subject


def read_table(path: Path) -> pd.DataFrame:
    """All rows of a ``runs.csv``, every cell as text; none where there is no file.

    Columns that an earlier version did not have are empty.

    Raises:
        InputError: the table is damaged, or was written by a version that did not record the settings of runs.
    """
    if not path.exists():
        return pd.DataFrame(columns=list(COLUMNS), dtype=str)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "settings" not in table:
            raise InputError(f"{path}: a table of an earlier version, without the column settings: rename or remove it")
        if not all(isinstance(json.loads(settings), dict) for settings in table["settings"]):
            raise ValueError("settings that are none")
    except InputError:
        raise
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path}: not a table of runs, or damaged ({message_in_one_line(error)}): restore it, or remove it and add"
            " the folders of its runs again"
        ) from None
    return _in_order(table)


def add_runs(runs: Iterable[Path], path: Path) -> pd.DataFrame:
    """Add the tests in these folders to the table at ``path``, and return the table.

    A test replaces an earlier one of the same checkpoint on the same data, but a partial test never replaces a whole
    one.

    Raises:
        InputError: a folder has no results, or the table holds tests on other data.
    """
    table = read_table(path)
    for folder in runs:
        row = pd.DataFrame([table_row(read_record(folder))]).astype(str)
        check_same_data(table, row.loc[0, "test_data_hash"], path)
        same = _test_of(table) == _test_of(row)[0]
        if row.loc[0, "partial"] == "yes" and (table.loc[same, "partial"] == "no").any():
            print(f"{folder}: partial test, not added; {path} keeps the whole test of this checkpoint")
            continue
        table = pd.concat([table[~same], row]).reset_index(drop=True)
    table = _in_order(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    table.to_csv(partial, index=False, lineterminator="\n")
    os.replace(partial, path)  # atomic, so that a killed program leaves the old table
    return table


def check_same_data(table: pd.DataFrame, test_data_hash: str, path: Path) -> None:
    """Check that the tests in ``table`` are on the same data, so that errors can be compared.

    Raises:
        InputError: they are on other data.
    """
    for other in table["test_data_hash"].unique():
        if other != test_data_hash:
            raise InputError(
                f"{path} holds runs on other data (hash {other[:8]}, here {test_data_hash[:8]}):"
                " name another table (make: TABLE=...), or remove that one"
            )


def _test_of(table: pd.DataFrame) -> pd.Series:
    """Key that is equal for tests of the same weights: the checkpoint's hash, or settings and seed without one."""
    known = ~table["checkpoint_hash"].isin([UNKNOWN, ""])
    settings = table["method"] + table["settings_hash"] + table["world_size"] + " " + table["seed"]
    return table["checkpoint_hash"].where(known, settings)


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Sort columns, errors of test subjects after those of all, and rows by the number of labels."""
    others = sorted(set(table.columns) - set(COLUMNS), key=lambda name: (name.partition(":")[0], len(name), name))
    place = COLUMNS.index("mean_pose_mpjpe_mm")
    table = table.reindex(columns=[*COLUMNS[:place], *others, *COLUMNS[place:]]).astype(object).fillna("").astype(str)
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in ("labelled_instants", "seed")}
    keys = ["labelled_instants", "supervision", "method", "steps", "seed", "settings_hash"]
    order = table.assign(**numbers).sort_values(keys, ascending=[key != keys[0] for key in keys], kind="stable")
    return table.loc[order.index].reset_index(drop=True)
