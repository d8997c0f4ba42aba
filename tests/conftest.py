"""Shared set-up: shapes in signatures are executed, nothing leaves the machine, one thread a test process."""

import os
import sys

import pytest
from jaxtyping import install_import_hook

os.environ.update(
    WANDB_MODE="offline", WANDB_SILENT="true", HF_DATASETS_OFFLINE="1", MPLBACKEND="Agg", OMP_NUM_THREADS="1"
)

install_import_hook(["mcss", "data_modules"], "beartype.beartype")

# LightningCLI warns where it is given arguments while the program's own command line has some: here, pytest's.
sys.argv = sys.argv[:1]

SLOW_FIXTURES = {"settings", "trained", "onnx", "performed", "tiny_store_path"}
"""They train through the command line, export a network, pose every clip of the studio or render."""


def pytest_collection_modifyitems(items):
    """Mark what needs slow fixtures, and put slow tests first: two processes then end at about the same time.

    Tests of a file share fixtures and stay in one process of pytest-xdist, and so do all tests that start ranks.
    """
    for item in items:
        if SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker("slow")
        item.add_marker(pytest.mark.xdist_group("ranks" if hasattr(item.module, "run_ranks") else str(item.path)))
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
