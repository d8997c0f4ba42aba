"""Logs the values of a run to one CSV file, which a resumed run continues."""

import csv
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn

from mcss.errors import InputError


class MetricsHistory(Logger):
    """Writes logged values to ``metrics.csv`` in a run's folder: one row for each step, empty cells for missing values.

    Lightning's CSVLogger deletes the file of an earlier attempt, or begins a second one. This logger continues it: on
    resuming, ``forget_after`` drops what was logged after the checkpoint, and those steps are logged again.

    Values are written when they are logged, so a killed run loses none. Usually a line is appended; the file is
    rewritten when a column is new, and at the end. Until then a step that was logged twice has two lines.

    Args:
        save_dir: folder of the run; ``None`` takes the run's folder (the command line fills it in).
    """

    FILE = "metrics.csv"

    def __init__(self, save_dir: str | None = None) -> None:
        super().__init__()
        self._save_dir = Path(save_dir or ".")
        self._rows: dict[int, dict[str, float]] = read_history(self.path)
        self._pending: list[dict[str, float]] = []
        # Columns of the file that this process wrote; if empty, the next write rewrites the file.
        self._columns: list[str] = []

    @property
    def name(self) -> str:
        """Empty, because the log lies directly in the run's folder."""
        return ""

    @property
    def version(self) -> str:
        """Empty, because a run has one history."""
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
        """Does nothing: ``config.yaml`` in the run's folder holds the configuration."""

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
        """Write what was logged since the last call; Lightning calls this after every ``log_metrics``."""
        super().save()
        if self._pending:
            self._write(whole=any(name not in self._columns for line in self._pending for name in line))

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Rewrite the file with one row for each step."""
        if self._rows:
            self._write(whole=True)

    def _write(self, whole: bool) -> None:
        try:
            if whole:
                self._replace()
            else:
                self._append()
            self._pending.clear()
        except OSError as error:  # the values stay in memory, and the next write rewrites the file
            self._columns = []
            rank_zero_warn(f"{self.path} could not be written ({error.strerror}); training continues")

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
        with self.path.open("r+", newline="", encoding="utf-8") as file:  # "a" would create a lost file without header
            file.seek(0, os.SEEK_END)
            csv.DictWriter(file, self._columns).writerows(self._pending)


def read_history(path: Path) -> dict[int, dict[str, float]]:
    """Values by step of a ``metrics.csv``; empty where there is none.

    Lines of the same step are merged. A last line without a line break is incomplete and ignored.

    Raises:
        InputError: the file is damaged.
    """
    if not path.is_file():
        return {}
    history: dict[int, dict[str, float]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = [line for line in file if line.endswith("\n")]
        for row in csv.DictReader(lines):
            values = history.setdefault(int(row.pop("step")), {})
            values.update({name: float(value) for name, value in row.items() if value})
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: damaged; remove it: the run goes on without the values that were logged") from None
    return history
