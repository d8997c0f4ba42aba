"""Boxes of people in pictures by torchvision's smallest Faster R-CNN: nobody needs to move for that."""

import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import nn
from torchvision.models.detection import (
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    fasterrcnn_mobilenet_v3_large_320_fpn,
)

from data_modules.sources.footage.people import Boxes, Sightings, by_size, clothes
from data_modules.sources.footage.recordings import Recording, read_pictures
from mcss.errors import InputError
from mcss.hashing import file_hash
from mcss.models.backbone import read_state_dict

NETWORK = "fasterrcnn_mobilenet_v3_large_320_fpn"
NAMES = tuple(FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.__members__)
PERSON = FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1.meta["categories"].index("person")
LEAST_SCORE = 0.5
LOOKS_PER_S = 10
"""Between them a person moves little: the boxes are interpolated."""
DOWNLOAD_TIMEOUT_S = 10.0
"""For weights that nobody asked for: a machine without a network goes on without them."""


@dataclass(frozen=True)
class Detector:
    """Finds people by the network with ``weights``, a name of torchvision's or a file.

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
        return self.weights if self.weights in NAMES else file_hash(Path(self.weights))

    def sightings(self, recording: Recording) -> Sightings:
        """Look for people some times a second, and in the last picture.

        Raises:
            InputError: the recording or the weights cannot be read.
        """
        count = len(recording.time_s)
        step = max(1, round(recording.fps / LOOKS_PER_S))
        looked_at, boxes, worn = [], [], []
        for number, image in read_pictures(recording, sorted({*range(0, count, step), count - 1})):
            looked_at.append(number)
            boxes.append(self.people(image))
            worn.append(clothes(image, boxes[-1]))
        return Sightings(np.array(looked_at, dtype=np.int64), tuple(boxes), tuple(worn))

    def people(self, image: UInt8[np.ndarray, "rows columns 3"]) -> Boxes:
        """Boxes of everybody in an RGB picture of whom the network is sure, the largest first."""
        return people_in(load_detector(self.weights), image)


def available_detector() -> Detector | None:
    """Detector with torchvision's own weights, where they lie on this machine or can be downloaded now."""
    timeout_s = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_S)
    try:
        return Detector(NAMES[0])
    except InputError:
        return None
    finally:
        socket.setdefaulttimeout(timeout_s)


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
def people_in(network: nn.Module, image: UInt8[np.ndarray, "rows columns 3"]) -> Boxes:
    """Boxes of the people in an RGB image of whom the network is sure, the largest first."""
    (found,) = network([torch.tensor(image).permute(2, 0, 1).float() / 255])
    return by_size(found["boxes"][(found["labels"] == PERSON) & (found["scores"] >= LEAST_SCORE)].double().numpy())
