"""Boxes of the person in a recording by torchvision's smallest Faster R-CNN, who need not move for that."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from torch import nn
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    fasterrcnn_mobilenet_v3_large_320_fpn,
)

from data_modules.sources.footage.box_track import box_track
from data_modules.sources.footage.recordings import Recording, read_frames
from mcss.errors import InputError
from mcss.models.backbone import read_state_dict

NETWORK = "fasterrcnn_mobilenet_v3_large_320_fpn"
NAMES = tuple(FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.__members__)
PERSON = FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1.meta["categories"].index("person")
LEAST_SCORE = 0.5
LOOKS_PER_S = 10
"""And at the last frame. Between them a person moves little: the boxes are interpolated."""


@dataclass(frozen=True)
class Detector:
    """Finds the person by the network with ``weights``, a name of torchvision's or a file.

    Only this name travels to worker processes; each loads the network when it needs it.

    Raises:
        InputError: the weights cannot be had or do not fit the network.
    """

    weights: str

    def __post_init__(self) -> None:
        load_detector(self.weights)

    @property
    def id(self) -> str:
        """What stands for the weights in the description of a store: the name, or the hash of a file's content."""
        if self.weights in NAMES:
            return self.weights
        return hashlib.sha256(Path(self.weights).read_bytes()).hexdigest()

    def boxes(self, recording: Recording) -> Float64[np.ndarray, "frames 4"]:
        """Left, top, right, bottom of the person in every frame, pixels of the frame; of several people the largest.

        Not a number in frames without anybody.

        Raises:
            InputError: the recording or the weights cannot be read, or nobody is found.
        """
        network = load_detector(self.weights)
        count = len(recording.time_s)
        step = max(1, round(recording.fps / LOOKS_PER_S))
        looked_at = np.unique([*range(0, count, step), count - 1])
        boxes = [largest_person(network, image) for image in read_frames(recording, looked_at.tolist())]
        return box_track(recording, looked_at[: len(boxes)], np.array(boxes).reshape(-1, 4), "a person")


@lru_cache(maxsize=1)
def load_detector(weights: str) -> nn.Module:
    """Make the network with torchvision's ``weights`` by name, or those of a file.

    Raises:
        InputError: they cannot be had or do not fit the network.
    """
    if weights in NAMES:
        try:
            state = FasterRCNN_MobileNet_V3_Large_320_FPN_Weights[weights].get_state_dict(check_hash=True)
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"--detector {weights}: could not be downloaded ({error}); give the path of torchvision's file"
            ) from None
    elif Path(weights).is_file():
        state = read_state_dict(Path(weights))
    else:
        raise InputError(f"--detector {weights}: no such file; write {' or '.join(NAMES)}, or the path of a state dict")
    network = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    try:
        network.load_state_dict(state)
    except RuntimeError:  # which lists hundreds of keys
        raise InputError(f"--detector {weights}: not the weights of torchvision's {NETWORK}") from None
    return network.eval()


@torch.inference_mode()
def largest_person(network: nn.Module, image: UInt8[np.ndarray, "rows columns 3"]) -> Float64[np.ndarray, " 4"]:
    """Box of the largest person in an RGB image; not a number where the network is sure of nobody."""
    (found,) = network([torch.tensor(image).permute(2, 0, 1).float() / 255])
    boxes = found["boxes"][(found["labels"] == PERSON) & (found["scores"] >= LEAST_SCORE)].double().numpy()
    if not len(boxes):
        return np.full(4, np.nan)
    return boxes[np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).argmax()]
