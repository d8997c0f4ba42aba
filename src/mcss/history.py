"""One history of a run's logged values, however often the run is killed and resumed."""

import csv
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only, rank_zero_warn


class MetricsHistory(Logger):
    """Logged values by step in ``metrics.csv`` of a run's folder: a row a step, an empty cell where nothing was logged.

    Lightning's CSVLogger deletes the file of an earlier attempt, or begins a second one. This one goes on with it: on
    resuming, ``forget_after`` drops what was logged beyond the checkpoint, and those steps are logged again.

    Args:
        save_dir: folder of the run; ``None`` takes the run's folder (the command line fills it in).
        flush_every_n_steps: how often the file is written, always as a whole.
    """

    FILE = "metrics.csv"

    def __init__(self, save_dir: str | None = None, flush_every_n_steps: int = 200) -> None:
        super().__init__()
        self._save_dir = Path(save_dir or ".")
        self._flush_every_n_steps = flush_every_n_steps
        self._flushed_step = 0
        self._rows: dict[int, dict[str, float]] = read_history(self.path)

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
        """Keep ``metrics`` as the values of ``step``, beside what was logged for it before."""
        step = step or 0
        self._rows.setdefault(step, {}).update(metrics)
        if step >= self._flushed_step + self._flush_every_n_steps:
            self.save()

    @rank_zero_only
    def forget_after(self, step: int) -> None:
        """Drop the values of all steps later than ``step``."""
        self._rows = {logged: row for logged, row in self._rows.items() if logged <= step}
        self._flushed_step = step

    @rank_zero_only
    def save(self) -> None:
        """Write the file."""
        super().save()
        if not self._rows:
            return
        columns = ["step", *sorted({name for row in self._rows.values() for name in row} - {"step"})]
        try:
            self._write(columns)
        except OSError as error:  # everything stays in memory, and is written the next time
            rank_zero_warn(f"{self.path} could not be written ({error.strerror}); training goes on")
        self._flushed_step = max(self._rows)

    def _write(self, columns: list[str]) -> None:
        self._save_dir.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows({"step": step, **row} for step, row in sorted(self._rows.items()))
        os.replace(partial, self.path)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is left."""
        self.save()


def read_history(path: Path) -> dict[int, dict[str, float]]:
    """Values by step of a ``metrics.csv``; empty where there is none."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {int(row.pop("step")): {name: float(value) for name, value in row.items() if value} for row in rows}
