"""The network inside a run's checkpoint."""

from pathlib import Path

import torch
from torch import nn

from mcss.errors import InputError


def load_network_weights(network: nn.Module, checkpoint: Path) -> None:
    """Give ``network`` the weights and buffers that a run's checkpoint holds, and nothing else of it.

    Raises:
        InputError: there is no such file, it is no checkpoint, or its network has other tensors.
    """
    if not checkpoint.is_file():
        raise InputError(f"init_from {checkpoint}: no such checkpoint; name RUN/checkpoints/last.ckpt")
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    except Exception as error:  # torch.load raises half a dozen types on a file that is not its own
        raise InputError(f"init_from {checkpoint}: not a checkpoint of a run ({type(error).__name__})") from None
    own = network.state_dict()
    differ = sorted(name for name in own.keys() | state.keys() if _shape(own, name) != _shape(state, name))
    if differ:
        name = differ[0]
        raise InputError(
            f"init_from {checkpoint}: the network of another run: {len(differ)} tensors differ, first {name}"
            f" ({_shape(state, name)}, here {_shape(own, name)}); use that run's model settings"
        )
    network.load_state_dict(state)


def _shape(state: dict[str, torch.Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(state[name].shape) if name in state else None
