"""Environment variables, log levels and warning filters of the programs that run trainings."""

import logging
import os
import warnings


def prepare_process() -> None:
    """Set the mode of W&B, and filter log messages and warnings, before any run is read or started."""
    # Without a key W&B would ask for one, or wait for the network; the agent of a sweep has its own login.
    if not any(os.environ.get(name) for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_SWEEP_ID")):
        os.environ["WANDB_MODE"] = "offline"
    os.environ.setdefault("WANDB_SILENT", "true")
    # RunRecord prints what a run does.
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    # Lightning 2.6 uses a function that PyTorch 2.14 deprecates; a user cannot change that.
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    # With decoded images in memory (cache_images) workers would only cost time.
    warnings.filterwarnings("ignore", message=r".*does not have many workers")
    # A checkpoint holds the averaged weights where a run averages them; these are what is tested.
    warnings.filterwarnings("ignore", message=r".*WeightAveraging callback, but loading a checkpoint")
    # parse_settings parses the arguments of a run within a program that has arguments of its own.
    warnings.filterwarnings("ignore", message=r".*LightningCLI's args parameter")
