"""Which instants of a clip to label first: those whose pictures differ most from each other."""

import cv2
import numpy as np
from jaxtyping import Float64, Int64

from data_modules.sources.footage.recordings import Recording, read_pictures

CANDIDATES, THUMBNAIL_PX = 150, 24
"""Instants that are looked at, evenly over the clip, and how large."""


def proposed_instants(
    recordings: list[Recording], frames: Int64[np.ndarray, "instants cameras"], count: int
) -> list[int]:
    """Rows of ``frames`` that are worth labelling, best first: each one farthest from those before it (k-centre).

    The distance is that of small pictures less the clip's median picture, so the person's posture and place count.

    Raises:
        InputError: a recording cannot be read.
    """
    whole = np.flatnonzero((frames >= 0).all(axis=1))
    if not len(whole):
        return []
    chosen = whole[np.unique(np.linspace(0, len(whole) - 1, min(CANDIDATES, len(whole))).round().astype(int))]
    features = np.concatenate([_thumbnails(r, frames[chosen, n]) for n, r in enumerate(recordings)], axis=1)
    return [int(chosen[place]) for place in _farthest_first(features, count)]


def _thumbnails(recording: Recording, frames: Int64[np.ndarray, " chosen"]) -> Float64[np.ndarray, "chosen values"]:
    """Small pictures of the frames less their median."""
    wanted, place = np.unique(frames, return_inverse=True)
    small = [
        cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
        for _, image in read_pictures(recording, wanted.tolist())
    ]
    pictures = np.array(small, dtype=np.float64).reshape(len(small), -1)
    return (pictures - np.median(pictures, axis=0))[place.clip(max=len(small) - 1)]


def _farthest_first(features: Float64[np.ndarray, "items values"], count: int) -> list[int]:
    """Greedy k-centre: the first item is the farthest from the mean."""
    order = [int(np.linalg.norm(features - features.mean(axis=0), axis=1).argmax())]
    away = np.linalg.norm(features - features[order[0]], axis=1)
    while len(order) < min(count, len(features)):
        order.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(features - features[order[-1]], axis=1))
    return order
