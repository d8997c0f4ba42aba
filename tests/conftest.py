"""Shared set-up: shapes in signatures are executed, nothing leaves the machine, one thread a test process."""

import os

from jaxtyping import install_import_hook

os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", HF_DATASETS_OFFLINE="1", MPLBACKEND="Agg")

install_import_hook(["mcss", "data_modules"], "beartype.beartype")
