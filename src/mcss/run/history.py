"""The logged values of a run in one file, continued when the run is interrupted and resumed."""

import csv
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn


class MetricsHistory(Logger):
    """Logged values by step in ``metrics.csv`` of a run's folder: a row a step, an empty cell where nothing was logged.

    Lightning's CSVLogger deletes the file of an earlier attempt, or begins a second one. This logger continues it: on
    resuming, ``forget_after`` drops what was logged after the checkpoint, and those steps are logged again.

    Values are written at once, so a killed run loses none. Usually a line is appended; the whole file is rewritten when
    a column is new, and at the end. Until then a step that was logged twice has two lines.

    Args:
        save_dir: folder of the run; ``None`` takes the run's folder (the command line fills it in).
    """

    FILE = "metrics.csv"

    def __init__(self, save_dir: str | None = None) -> None:
        super().__init__()
        self._save_dir = Path(save_dir or ".")
        self._rows: dict[int, dict[str, float]] = read_history(self.path)
        self._pending: list[dict[str, float]] = []
        # Of the file as this process wrote it; none, and the next line makes it write the whole.
        self._columns: list[str] = []

    @property
    def name(self) -> str:
        """Empty: the folder of the run is the folder of the log."""
        return ""

    @property
    def version(self) -> str:
        """Empty: a run has one history."""
        return ""

    @property
    def save_dir(self) -> str:
        """Folder of the run."""
        return str(self._save_dir)

    @property
    def log_dir(self) -> str:
        """Folder of the run."""
        return str(self._save_dir)

    @property
    def path(self) -> Path:
        """The file."""
        return self._save_dir / self.FILE

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the run's folder holds the whole configuration already."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add ``metrics`` to the values of ``step``."""
        step = step or 0
        self._rows.setdefault(step, {}).update(metrics)
        self._pending.append({"step": step, **metrics})

    @rank_zero_only
    def forget_after(self, step: int) -> None:
        """Drop the values of all steps later than ``step``."""
        self._rows = {logged: row for logged, row in self._rows.items() if logged <= step}
        self._columns = []

    @rank_zero_only
    def save(self) -> None:
        """Write what was logged since the last time; Lightning calls this after every ``log_metrics``."""
        super().save()
        if self._pending:
            self._write(whole=any(name not in self._columns for line in self._pending for name in line))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write a row a step."""
        if self._rows:
            self._write(whole=True)

    def _write(self, whole: bool) -> None:
        try:
            if whole:
                self._replace()
            else:
                self._append()
            self._pending.clear()
        except OSError as error:  # everything stays in memory, and is written as a whole the next time
            self._columns = []
            rank_zero_warn(f"{self.path} could not be written ({error.strerror}); training goes on")

    def _replace(self) -> None:
        self._save_dir.mkdir(parents=True, exist_ok=True)
        columns = ["step", *sorted({name for row in self._rows.values() for name in row} - {"step"})]
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows({"step": step, **row} for step, row in sorted(self._rows.items()))
        os.replace(partial, self.path)
        self._columns = columns

    def _append(self) -> None:
        with self.path.open("r+", newline="", encoding="utf-8") as file:  # not "a": a lost file would lack its header
            file.seek(0, os.SEEK_END)
            csv.DictWriter(file, self._columns).writerows(self._pending)


def read_history(path: Path) -> dict[int, dict[str, float]]:
    """Values by step of a ``metrics.csv``; empty where there is none.

    The lines of a step are put together. A last line without its end was cut off by a kill, and does not count.
    """
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        lines = [line for line in file if line.endswith("\n")]
    history: dict[int, dict[str, float]] = {}
    for row in csv.DictReader(lines):
        values = history.setdefault(int(row.pop("step")), {})
        values.update({name: float(value) for name, value in row.items() if value})
    return history
