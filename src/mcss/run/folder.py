"""Names of the files in a run's folder, and the commit of the code."""

import subprocess
from pathlib import Path

CONFIG_FILE = "config.yaml"
RUN_FILE = "run.json"
RESULTS_FILE = "results.json"
TEST_PREDICTIONS_FILE = "test_predictions.npz"


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
