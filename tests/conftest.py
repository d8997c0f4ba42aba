"""Shared set-up: shapes in signatures are executed, nothing leaves the machine, one thread a test process."""

import os
import sys

import pytest
from filelock import FileLock
from jaxtyping import install_import_hook

os.environ.update(
    WANDB_MODE="offline", WANDB_SILENT="true", HF_DATASETS_OFFLINE="1", MPLBACKEND="Agg", OMP_NUM_THREADS="1"
)

install_import_hook(["mcss", "data_modules"], "beartype.beartype")

# LightningCLI warns where it is given arguments while the program's own command line has some: here, pytest's.
sys.argv = sys.argv[:1]

SLOW_FIXTURES = {"settings", "trained", "onnx", "performed", "tiny_store_path"}
"""They train through the command line, export a network, pose every clip of the studio or render."""
STARTS_PROCESSES = ("run_ranks", "run_until_killed", "run_unchecked")
"""Helpers whose processes are forks of one that each process of pytest-xdist starts anew, which takes seconds."""
LONGEST = (
    "test_method",
    "test_experiments",
    "test_ranks",
    "test_motion",
    "test_source",
    "test_chain",
    "test_label_page",
)
"""Files that take longest, by their names."""


def pytest_collection_modifyitems(items):
    """Mark what needs slow fixtures, and put long tests first: two processes then end at about the same time.

    Tests of a file share fixtures and stay in one process of pytest-xdist, and so do all tests that start processes.
    """
    for item in items:
        if SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker("slow")
        starts_processes = any(hasattr(item.module, name) for name in STARTS_PROCESSES)
        item.add_marker(pytest.mark.xdist_group("processes" if starts_processes else str(item.path)))
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, _place(item)))


def _place(item):
    return LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """A function that gives the place of a file or folder for reading only, which ``make`` writes.

    All processes of pytest-xdist share it: the first one that asks makes it, and the others wait.
    """
    root = tmp_path_factory.getbasetemp()
    root = root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root

    def once(name, make):
        done = root / f"{name}.done"
        with FileLock(root / f"{name}.lock"):
            if not done.exists():
                make(root / name)
                done.touch()
        return root / name

    return once
