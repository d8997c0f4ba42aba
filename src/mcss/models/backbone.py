"""The first four residual stages of a ResNet, with BatchNorm without learned affine by option (paper, Sec. 4)."""

import logging
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import get_model_weights
from torchvision.models.resnet import BasicBlock, Bottleneck

from mcss.errors import InputError

BackboneName = Literal["resnet18", "resnet34", "resnet50"]

_STAGES: dict[str, tuple[type[BasicBlock | Bottleneck], tuple[int, int, int, int]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
}
_IMAGENET_WIDTH = 64

log = logging.getLogger(__name__)


class Backbone(nn.Module):
    """Image to feature map, 32 times smaller: torchvision's ResNet without pooling and classifier.

    Module names are torchvision's, so that its weight files load. A ``width`` other than 64 scales every layer and
    needs ``weights="none"`` or a file of the same width.

    Args:
        name: depth of the network; the paper compares ResNet-18 and ResNet-34.
        width: channels of the first stage; the paper's networks have 64.
        weights: ``imagenet``, ``none`` or the path of a state dict.
        batchnorm_affine: learn scale and shift in BatchNorm; the paper turns them off.

    Raises:
        InputError: the weights cannot be had or do not fit this network.
    """

    def __init__(self, name: BackboneName, width: int, weights: str, batchnorm_affine: bool) -> None:
        super().__init__()
        block, depths = _STAGES[name]
        norm = partial(nn.BatchNorm2d, affine=batchnorm_affine)
        self.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        channels_in = width
        for stage, depth in enumerate(depths):
            channels = width * 2**stage
            layer = _stage(block, channels_in, channels, depth, stride=1 if stage == 0 else 2, norm=norm)
            self.add_module(f"layer{stage + 1}", layer)
            channels_in = channels * block.expansion
        self.out_channels = channels_in
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if weights != "none":
            _load_weights(self, _read_weights(name, width, weights), weights)

    def forward(self, images: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch channels rows columns"]:
        """Feature map of the last stage."""
        features = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for stage in range(1, 5):
            features = self.get_submodule(f"layer{stage}")(features)
        return features


def _stage(
    block: type[BasicBlock | Bottleneck],
    channels_in: int,
    channels: int,
    depth: int,
    stride: int,
    norm: partial[nn.BatchNorm2d],
) -> nn.Sequential:
    channels_out = channels * block.expansion
    shortcut = None
    if stride != 1 or channels_in != channels_out:
        shortcut = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, kernel_size=1, stride=stride, bias=False), norm(channels_out)
        )
    first = block(channels_in, channels, stride, shortcut, norm_layer=norm)
    rest = [block(channels_out, channels, norm_layer=norm) for _ in range(depth - 1)]
    return nn.Sequential(first, *rest)


def _read_weights(name: BackboneName, width: int, weights: str) -> dict[str, Tensor]:
    if weights == "imagenet":
        if width != _IMAGENET_WIDTH:
            raise InputError(
                f"weights 'imagenet' have width {_IMAGENET_WIDTH}, the model has width {width}:"
                f" set --model.width {_IMAGENET_WIDTH} or --model.weights none"
            )
        try:
            return dict(get_model_weights(name)["IMAGENET1K_V1"].get_state_dict(progress=True, check_hash=True))
        except OSError as error:
            raise InputError(
                f"weights 'imagenet' of {name} could not be downloaded ({error}):"
                " give the path of torchvision's file with --model.weights PATH, or --model.weights none"
            ) from None
    path = Path(weights)
    if not path.is_file():
        raise InputError(f"weights {weights!r}: no such file; use 'imagenet', 'none' or the path of a state dict")
    return read_state_dict(path)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read the weights of a network from a file that holds a state dict, or a checkpoint around one.

    Raises:
        InputError: the file is something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises half a dozen types on a file that is not its own
        raise InputError(f"weights {path}: not a PyTorch state dict ({type(error).__name__})") from None
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"weights {path}: expected a state dict of tensors, found something else")
    return state


def _load_weights(backbone: Backbone, state: dict[str, Tensor], source: str) -> None:
    """Copy ``state`` into ``backbone``; only the classifier and BatchNorm's unused affine may be dropped."""
    wanted = backbone.state_dict()
    dropped = [key for key in state if key not in wanted]
    # num_batches_tracked is missing in files of old PyTorch versions and does not influence the output.
    missing = [key for key in wanted if key not in state and not key.endswith("num_batches_tracked")]
    surplus = [key for key in dropped if not (key.startswith("fc.") or _is_batchnorm_affine(backbone, key))]
    misfit = [key for key in wanted if key in state and state[key].shape != wanted[key].shape]
    for problem, keys in (("missing", missing), ("unknown", surplus), ("wrong shape", misfit)):
        if keys:
            raise InputError(
                f"weights {source}: {len(keys)} entries {problem}, first {keys[0]!r}:"
                " not the weights of this backbone, width and BatchNorm setting"
            )
    backbone.load_state_dict({key: state[key] for key in wanted if key in state}, strict=False)
    log.info("weights %s: dropped %s", source, ", ".join(dropped) or "nothing")


def _is_batchnorm_affine(backbone: Backbone, key: str) -> bool:
    owner, _, parameter = key.rpartition(".")
    modules = dict(backbone.named_modules())
    return parameter in ("weight", "bias") and isinstance(modules.get(owner), nn.BatchNorm2d)
