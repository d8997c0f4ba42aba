"""Runs on a rendered store that a benchmark trains and tests by the command line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcss.cli import main as mcss
from mcss.run.folder import RESULTS_FILE

ROOT = Path(__file__).parents[1]


def trained_and_tested(folder: Path, method: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Record of the run's test; a run that is tested already is read."""
    if not (folder / RESULTS_FILE).is_file():
        overlays = ("base", "data/studio", f"method/{method}", "logger/csv")
        configs = [word for name in overlays for word in ("--config", str(ROOT / f"experiments/{name}.yaml"))]
        all_settings = {**settings, "trainer.enable_progress_bar": "false", "run_dir": folder, "then_test": "true"}
        mcss(["fit", *configs, *(word for name, value in all_settings.items() for word in (f"--{name}", str(value)))])
    return json.loads((folder / RESULTS_FILE).read_text(encoding="utf-8"))
