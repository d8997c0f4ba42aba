"""What a trained network makes of the person in a recording: equal poses lie close whatever the camera."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, UInt8

from data_modules.crop import BOX_MARGIN, CROP_PX, cut_square, resize, square_around
from data_modules.sources.footage.recordings import Recording, read_pictures
from data_modules.sources.footage.tracks import Track
from data_modules.training.augment import Augment, AugmentSettings
from mcss.models.network import load_network

BATCH = 64


class Embedder:
    """The network of a run's checkpoint.

    Raises:
        InputError: the file is no checkpoint.
    """

    def __init__(self, checkpoint: Path) -> None:
        self._network = load_network(checkpoint)
        self._side_px = self._network.image_size_px
        self._normalise = Augment(AugmentSettings(), self._side_px, seed=0).normalise

    def embed(self, recording: Recording, track: Track, pictures: Sequence[int]) -> Float64[np.ndarray, "pictures dim"]:
        """Unit vectors of the ascending ``pictures``; NaN where the person is not seen.

        Raises:
            InputError: the recording cannot be read.
        """
        embedding = np.full((len(pictures), self._network.embedding_dim), np.nan)
        place = {picture: number for number, picture in enumerate(pictures)}
        crops: dict[int, UInt8[np.ndarray, "side side 3"]] = {}
        seen = [picture for picture in pictures if track.box(picture) is not None]
        for picture, image in read_pictures(recording, seen):
            box = track.boxes[picture]
            crop = cut_square(image, square_around(box[:2], box[2:], BOX_MARGIN), max(CROP_PX, self._side_px))
            crops[place[picture]] = resize(crop, self._side_px)
            if len(crops) == BATCH:
                embedding[list(crops)] = self._embedded(list(crops.values()))
                crops.clear()
        if crops:
            embedding[list(crops)] = self._embedded(list(crops.values()))
        return embedding

    def _embedded(self, crops: Sequence[UInt8[np.ndarray, "side side 3"]]) -> Float64[np.ndarray, "crops dim"]:
        with torch.inference_mode():
            images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
            return self._network.embed(self._normalise(images)).double().numpy()
