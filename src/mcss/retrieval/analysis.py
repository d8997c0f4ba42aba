"""What an embedding looks like: distance against pose, a map, chosen queries (paper, Figs. 1b, 5 and 7).

Whatever is chosen, is chosen by a rule that the figure states.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int
from scipy.stats import spearmanr

from data_modules.store import Store
from mcss.geometry.canonical import to_canonical, to_root
from mcss.metrics.retrieval import Retrieval
from mcss.retrieval.embeddings import Embedded
from mcss.run.predictions import at_quantiles
from mcss.skeleton import joint_indices

QUERIES_PER_SUBJECT = 200
"""Random queries of the distance figure. Paper: 200."""
BIN_MM = 25.0
MIN_QUERIES = 20
"""A bin that fewer queries fill is not drawn."""
MAP_INSTANTS = 400
"""Instants on the map, evenly spread over those of the test subjects, each with all its views."""
CHOSEN_INSTANTS = 5
SEED = 0


class DistanceByPose(NamedTuple):
    """Embedding distance to images of the query's subject, in bins of pose distance."""

    centre_mm: Float64[np.ndarray, " bins"]
    """Of the bin in MPJPE of the canonical poses, h36m16."""
    mean: Float64[np.ndarray, " bins"]
    """Over queries, of each query's mean distance in the bin; NaN where fewer than ``MIN_QUERIES`` have one."""
    deviation: Float64[np.ndarray, " bins"]
    """Standard deviation over queries."""
    correlation: float
    """Spearman's, over all pairs of a query and another image."""


def distance_by_pose(store: Store, embedded: Embedded) -> dict[str, DistanceByPose]:
    """Measure ``same view`` and ``different view``, from random queries of each test subject (paper, Fig. 7)."""
    row, rng = embedded.row, np.random.default_rng(SEED)
    pose_mm = to_canonical(to_root(torch.from_numpy(store.pose_world[row])))[0][:, list(joint_indices("h36m16"))]
    pairs: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"same view": [], "different view": []}
    for subject in np.unique(store.subject[row]):
        images = np.flatnonzero(store.subject[row] == subject)
        for query in rng.choice(images, min(QUERIES_PER_SUBJECT, len(images)), replace=False):
            pose_distance_mm = (pose_mm[images] - pose_mm[query]).norm(dim=-1).mean(dim=-1).numpy()
            distance = np.linalg.norm(embedded.embedding[images] - embedded.embedding[query], axis=1)
            same_view = store.camera[row[images]] == store.camera[row[query]]
            for name, chosen in (("same view", same_view & (images != query)), ("different view", ~same_view)):
                pairs[name].append((pose_distance_mm[chosen], distance[chosen]))
    return {name: _in_bins(by_query) for name, by_query in pairs.items() if any(len(pose) for pose, _ in by_query)}


def _in_bins(by_query: list[tuple[np.ndarray, np.ndarray]]) -> DistanceByPose:
    all_pose_mm, all_distance = (np.concatenate(parts) for parts in zip(*by_query, strict=True))
    bins = int(all_pose_mm.max() // BIN_MM) + 1
    count, total = np.zeros((2, len(by_query), bins))
    for query, (pose_mm, distance) in enumerate(by_query):
        place = (pose_mm // BIN_MM).astype(int)
        count[query] = np.bincount(place, minlength=bins)
        total[query] = np.bincount(place, weights=distance, minlength=bins)
    filled = count > 0
    enough = filled.sum(axis=0) >= min(MIN_QUERIES, len(by_query))
    own_mean = np.divide(total, count, out=np.zeros_like(total), where=filled)
    weight = filled[:, enough]
    mean, deviation = np.full((2, bins), np.nan)
    mean[enough] = np.average(own_mean[:, enough], axis=0, weights=weight)
    deviation[enough] = np.sqrt(np.average((own_mean[:, enough] - mean[enough]) ** 2, axis=0, weights=weight))
    centre_mm = (np.arange(bins) + 0.5) * BIN_MM
    return DistanceByPose(centre_mm, mean, deviation, float(spearmanr(all_pose_mm, all_distance).statistic))


class EmbeddingMap(NamedTuple):
    """Test images in the plane."""

    row: Int[np.ndarray, " images"]
    place: Float32[np.ndarray, "images 2"]
    """Axes and unit have no meaning; neighbours do."""


def embedding_map(store: Store, embedded: Embedded) -> EmbeddingMap:
    """t-SNE of ``MAP_INSTANTS`` instants with all their views (paper, supplement): perplexity 30, started from PCA."""
    from sklearn.manifold import TSNE  # takes a second, and only this figure needs it

    instant = store.instant[embedded.row]
    known = np.unique(instant)
    spread = known[np.linspace(0, len(known) - 1, min(MAP_INSTANTS, len(known))).round().astype(int)]
    chosen = np.isin(instant, spread)
    perplexity = min(30.0, (chosen.sum() - 1) / 3)
    place = TSNE(perplexity=perplexity, init="pca", random_state=SEED).fit_transform(embedded.embedding[chosen])
    return EmbeddingMap(embedded.row[chosen], place)


class FewImages(NamedTuple):
    """A few instants, each seen by the same two cameras, and the distances of all their images (paper, Fig. 1b)."""

    row: Int[np.ndarray, "2 instants"]
    """Row of each camera's image."""
    distance: Float[np.ndarray, "instants instants"]
    """Embedding distance of the first camera's image (row) and the second's (column)."""


def few_images(store: Store, embedded: Embedded) -> FewImages | None:
    """Take the middle instants of ``CHOSEN_INSTANTS`` clips, evenly spread over those of the first test subject.

    The two cameras are the first two of the store. None where no instant was seen by both.
    """
    place = {
        (int(store.instant[row]), str(store.camera[row])): index
        for index, row in enumerate(embedded.row)
        if store.subject[row] == store.subject[embedded.row[0]]
    }
    cameras = store.meta.cameras[:2]
    seen = [instant for instant in sorted({i for i, _ in place}) if all((instant, c) in place for c in cameras)]
    if not seen or len(cameras) < 2:
        return None
    shares = (np.arange(CHOSEN_INSTANTS) + 0.5) / CHOSEN_INSTANTS
    chosen = [seen[int(share * len(seen))] for share in shares]
    first, second = (np.array([place[instant, camera] for instant in chosen]) for camera in cameras)
    distance = np.linalg.norm(embedded.embedding[first, None] - embedded.embedding[None, second], axis=-1)
    return FewImages(embedded.row[np.stack([first, second])], distance)


def gallery_queries(retrieval: Retrieval, ks: tuple[int, ...], k: int) -> Int[np.ndarray, " queries"]:
    """Queries at fixed quantiles (``mcss.run.predictions.SHOWN_QUANTILES``) of the mean PA-MPJPE at K."""
    answered = np.flatnonzero(retrieval.database.numpy() > 0)
    return answered[at_quantiles(retrieval.embedding_mm[answered, ks.index(k)].numpy())]
