"""The network of a run's checkpoint, for everything that uses it without training."""

from pathlib import Path

from mcss.models.checkpoint import read_checkpoint
from mcss.models.module import MCSSModule


def load_network(path: Path) -> MCSSModule:
    """The network of a run's checkpoint, on the CPU, ready to be evaluated.

    Raises:
        InputError: there is no such file, it is damaged, or it is no checkpoint of this project.
    """
    read_checkpoint(path)  # for its errors: Lightning's own are of half a dozen types
    return MCSSModule.load_from_checkpoint(path, map_location="cpu", weights="none", weights_only=True).eval()
