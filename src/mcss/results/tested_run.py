"""What a tested run left in its folder."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from data_modules.store import Store, open_store
from mcss.errors import InputError
from mcss.run.folder import CONFIG_FILE, RESULTS_FILE, TEST_PREDICTIONS_FILE


class TestedRun(NamedTuple):
    """A run's settings, its results, and every prediction behind them."""

    folder: Path
    config: dict[str, Any]
    record: dict[str, Any]
    """Content of ``results.json``."""
    predictions: dict[str, np.ndarray]
    """``row`` of the store, ``pose_pred_mm`` and ``pose_true_mm`` (in the record's frame), ``embedding``."""

    def open_store(self) -> Store:
        """Open the data that the run was tested on.

        Raises:
            InputError: the store is absent, or holds other data by now.
        """
        store = open_store(Path(self.config["data"].get("test_store") or self.config["data"]["store"]))
        if store.content_hash != self.record["test_data_hash"]:
            raise InputError(f"{store.path}: not the data that {self.folder} was tested on")
        return store


def read_tested_run(folder: Path) -> TestedRun:
    """Read the folder of a tested run.

    Raises:
        InputError: a file of it is absent.
    """
    for name in (CONFIG_FILE, RESULTS_FILE, TEST_PREDICTIONS_FILE):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no such file; test the run again")
    config = yaml.safe_load((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    record = json.loads((folder / RESULTS_FILE).read_text(encoding="utf-8"))
    with np.load(folder / TEST_PREDICTIONS_FILE, allow_pickle=False) as file:
        return TestedRun(folder, config, record, dict(file))
