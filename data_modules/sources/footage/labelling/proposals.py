"""Which instants of a clip to label first: those that differ most from each other, and on which views disagree."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float64, Int64

from data_modules.sources.footage.recordings import Recording, read_pictures
from data_modules.sources.footage.videos import Videos

CANDIDATES, THUMBNAIL_PX = 150, 24
"""Instants that are looked at, evenly over the clip, and how large."""

Features = Callable[[Recording, Int64[np.ndarray, " chosen"]], Float64[np.ndarray, "chosen values"]]
"""What tells pictures of a recording from one another; NaN where a picture has nothing to tell."""


def features_by(source: Videos, checkpoint: Path | None) -> Features:
    """Embeddings of the person by a network, or without one small pictures less the clip's median picture.

    Raises:
        InputError: the file is no checkpoint.
    """
    if checkpoint is None:
        return thumbnails
    from data_modules.sources.footage.embeddings import Embedder  # brings torch

    embedder = Embedder(checkpoint)

    def embeddings(recording: Recording, pictures: Int64[np.ndarray, " chosen"]) -> Float64[np.ndarray, "chosen dim"]:
        wanted, place = np.unique(pictures, return_inverse=True)
        return embedder.embed(recording, source.track(recording), wanted.tolist())[place]

    return embeddings


def proposed_instants(
    recordings: list[Recording], pictures: Int64[np.ndarray, "instants cameras"], count: int, features: Features
) -> list[int]:
    """Rows of ``pictures`` that are worth labelling, best first: each one farthest from those before it (k-centre).

    The distance is that of the features of all views together: with embeddings, which of one instant are alike, an
    instant on which the views disagree is far from all others, too.

    Raises:
        InputError: a recording cannot be read, or nobody is found in it where the features need somebody.
    """
    whole = np.flatnonzero((pictures >= 0).all(axis=1))
    if not len(whole):
        return []
    chosen = whole[np.unique(np.linspace(0, len(whole) - 1, min(CANDIDATES, len(whole))).round().astype(int))]
    views = np.stack([features(recording, pictures[chosen, n]) for n, recording in enumerate(recordings)], axis=1)
    known = np.isfinite(views).all(axis=(1, 2))
    chosen, views = chosen[known], views[known]
    if not len(chosen):
        return []
    return [int(chosen[place]) for place in farthest_first(views.reshape(len(views), -1), count)]


def thumbnails(recording: Recording, pictures: Int64[np.ndarray, " chosen"]) -> Float64[np.ndarray, "chosen values"]:
    """Small pictures less their median."""
    wanted, place = np.unique(pictures, return_inverse=True)
    small = [
        cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
        for _, image in read_pictures(recording, wanted.tolist())
    ]
    values = np.array(small, dtype=np.float64).reshape(len(small), -1)
    return (values - np.median(values, axis=0))[place.clip(max=len(small) - 1)]


def farthest_first(features: Float64[np.ndarray, "items values"], count: int) -> list[int]:
    """Greedy k-centre: the first item is the farthest from the mean."""
    order = [int(np.linalg.norm(features - features.mean(axis=0), axis=1).argmax())]
    away = np.linalg.norm(features - features[order[0]], axis=1)
    while len(order) < min(count, len(features)):
        order.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(features - features[order[-1]], axis=1))
    return order
