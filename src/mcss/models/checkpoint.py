"""Reads a checkpoint file into a network. ``mcss.run.checkpoints`` writes them and chooses which one a run resumes.

Files are read with ``weights_only=True``: a checkpoint from elsewhere cannot execute code.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mcss.errors import InputError

REGRESSED_JOINTS = "h36m16"
"""Joint set that the networks of this project regress; a checkpoint names its own."""
OBJECTIVE = "objective."
"""What the names of an objective's tensors begin with: they are no part of the network."""
PREVIOUS_CHECKPOINT = "previous.ckpt"
"""Name of the file beside a checkpoint that holds the one written before it."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Content of a run's checkpoint, on the CPU.

    Raises:
        InputError: there is no such file, it is damaged, or it is no checkpoint of this project.
    """
    check_exists(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises half a dozen types on a file that is not its own
        raise InputError(
            f"{path}: damaged, or not a checkpoint of a run ({type(error).__name__}); {_remedy(path)}"
        ) from None
    if not isinstance(content, dict) or "pose_mean_mm" not in content.get("state_dict", {}):
        raise InputError(f"{path}: not a checkpoint of a run of this project; name RUN/checkpoints/last.ckpt")
    return content


def check_exists(path: Path) -> None:
    """Check that there is a file.

    Raises:
        InputError: there is none.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint; train first (make train), or name RUN/checkpoints/last.ckpt")


def network_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of the network among those of a training, without those of its objective."""
    return {name: value for name, value in state.items() if not name.startswith(OBJECTIVE)}


def check_network(network: nn.Module, checkpoint: dict[str, Any], source: str) -> None:
    """Check that a checkpoint holds the tensors of ``network``, for the same joints.

    Raises:
        InputError: it does not; names ``source`` and the first tensor that differs.
    """
    joint_set = checkpoint.get("joint_set", REGRESSED_JOINTS)
    if joint_set != REGRESSED_JOINTS:
        raise InputError(
            f"{source}: its network regresses the joint set {joint_set}, this program {REGRESSED_JOINTS}: train again"
        )
    own, state = network_state(network.state_dict()), network_state(checkpoint["state_dict"])
    differ = sorted(name for name in own.keys() | state.keys() if _shape(own, name) != _shape(state, name))
    if differ:
        name = differ[0]
        raise InputError(
            f"{source}: the network of another run: {len(differ)} tensors differ, first {name}"
            f" ({_shape(state, name)}, here {_shape(own, name)}); use that run's model settings"
        )


def load_network_weights(network: nn.Module, path: Path) -> None:
    """Copy the weights and buffers of a run's checkpoint into ``network``, and nothing else of it.

    Raises:
        InputError: there is no such file, it is no checkpoint, or its network has other tensors.
    """
    try:
        checkpoint = read_checkpoint(path)
        check_network(network, checkpoint, str(path))
    except InputError as error:
        raise InputError(f"model.init_from {error}") from None
    network.load_state_dict({**network.state_dict(), **network_state(checkpoint["state_dict"])})


def _shape(state: dict[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(state[name].shape) if name in state else None


def _remedy(path: Path) -> str:
    previous = path.with_name(PREVIOUS_CHECKPOINT)
    if previous.is_file() and previous != path:
        return f"resume from the previous one: mv {previous} {path}"
    return "name another one, or remove it to train from the start"
