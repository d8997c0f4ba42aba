"""A run's folder: names of its files, whether it can be written to; and the commit of the code."""

import os
import subprocess
from pathlib import Path

from mcss.errors import InputError

CONFIG_FILE = "config.yaml"
RUN_FILE = "run.json"
RESULTS_FILE = "results.json"
TEST_PREDICTIONS_FILE = "test_predictions.npz"


def check_writable(folder: Path) -> None:
    """Check that ``folder`` can be written to, or made.

    Raises:
        InputError: it cannot.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"run_dir {folder}: {existing} is no folder that can be written to; choose another --run_dir")


def commit_of(folder: Path) -> str | None:
    """Commit of the git checkout that contains ``folder``; None if there is none.

    ``-dirty`` is appended if code, configuration or dependencies differ from the commit. Changes of documents and of
    ``experiments/results``, which every finished run of a sweep changes, do not count.
    """
    git = ["git", "-C", str(folder)]
    deciding = [":/src", ":/data_modules", ":/experiments", ":/setup.cfg", ":(top,exclude)experiments/results"]
    try:
        commit = _output([*git, "rev-parse", "HEAD"])
        changed = _output([*git, "status", "--porcelain", "--untracked-files=no", "--", *deciding])
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}-dirty" if changed else commit


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
