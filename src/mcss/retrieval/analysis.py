"""Properties of one embedding: distance against pose, map, distance matrix, gallery queries (paper, Figs. 1b, 5, 7).

Images are chosen by rules that the figures state.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float32, Int
from scipy.stats import spearmanr

from data_modules.store import Store
from mcss.geometry.canonical import to_canonical, to_root
from mcss.metrics.retrieval import Retrieval
from mcss.retrieval.embeddings import RunEmbeddings
from mcss.run.figures import at_quantiles
from mcss.skeleton import joint_indices

QUERIES_PER_SUBJECT = 200
"""Number of random queries of each test subject in the distance figure. Paper: 200."""
BIN_MM = 25.0
MIN_QUERIES = 20
"""Bins with fewer queries are not drawn."""
MAP_INSTANTS = 400
"""Number of instants on the map, evenly spread over the test subjects' instants, with all views."""
MATRIX_INSTANTS = 5
"""Number of instants in the distance matrix."""
SEED = 0


def distance_by_pose(store: Store, run: RunEmbeddings) -> pd.DataFrame:
    """Embedding distance to images of the query's subject, in bins of pose distance (paper, Fig. 7).

    Queries are drawn at random from each test subject; images of their own camera (``same view``) and of the others
    (``different view``) are kept apart. Poses are compared by MPJPE, h36m16, canonical frame.

    Returns:
        A row for each ``view`` and bin that at least ``MIN_QUERIES`` queries have an image in: ``centre_mm`` of the
        bin, ``mean`` and standard ``deviation`` over queries of a query's mean distance in it, and, for each view,
        Spearman's ``correlation`` over all pairs of a query and another image.
    """
    row, rng = run.row, np.random.default_rng(SEED)
    pose_mm = to_canonical(to_root(torch.from_numpy(store.pose_world[row])))[0][:, list(joint_indices("h36m16"))]
    parts = []
    for subject in np.unique(store.subject[row]):
        images = np.flatnonzero(store.subject[row] == subject)
        for query in rng.choice(images, min(QUERIES_PER_SUBJECT, len(images)), replace=False):
            same = store.camera[row[images]] == store.camera[row[query]]
            content = {
                "view": np.where(same, "same view", "different view"),
                "query": query,
                "pose_mm": (pose_mm[images] - pose_mm[query]).norm(dim=-1).mean(dim=-1).numpy(),
                "distance": np.linalg.norm(run.embedding[images] - run.embedding[query], axis=1),
            }
            parts.append(pd.DataFrame(content)[images != query])
    pairs = pd.concat(parts)
    pairs["centre_mm"] = (pairs["pose_mm"] // BIN_MM + 0.5) * BIN_MM
    by_query = pairs.groupby(["view", "centre_mm", "query"])["distance"].mean()
    bins = by_query.groupby(["view", "centre_mm"]).agg(mean="mean", deviation=lambda x: x.std(ddof=0), queries="count")
    bins = bins[bins["queries"] >= min(MIN_QUERIES, len(parts))].reset_index()
    correlations = {
        view: spearmanr(members["pose_mm"], members["distance"]).statistic for view, members in pairs.groupby("view")
    }
    return bins.assign(correlation=bins["view"].map(correlations))


class EmbeddingMap(NamedTuple):
    """Test images in the plane."""

    row: Int[np.ndarray, " images"]
    place: Float32[np.ndarray, "images 2"]
    """Position by t-SNE: only neighbourhoods have a meaning."""


def embedding_map(store: Store, run: RunEmbeddings) -> EmbeddingMap:
    """t-SNE of ``MAP_INSTANTS`` instants with all their views (paper, supplement): perplexity 30, started from PCA."""
    from sklearn.manifold import TSNE  # slow to import, and only this figure needs it

    instant = store.instant[run.row]
    known = np.unique(instant)
    spread = known[np.linspace(0, len(known) - 1, min(MAP_INSTANTS, len(known))).round().astype(int)]
    chosen = np.isin(instant, spread)
    perplexity = min(30.0, (chosen.sum() - 1) / 3)
    place = TSNE(perplexity=perplexity, init="pca", random_state=SEED).fit_transform(run.embedding[chosen])
    return EmbeddingMap(run.row[chosen], place)


class DistanceMatrix(NamedTuple):
    """Distances of a few instants, each seen by the same two cameras (paper, Fig. 1b)."""

    row: Int[np.ndarray, "2 instants"]
    """Row of each camera's image."""
    distance: Float[np.ndarray, "instants instants"]
    """Embedding distance of the first camera's image (row) and the second's (column)."""


def distance_matrix(store: Store, run: RunEmbeddings) -> DistanceMatrix | None:
    """Take ``MATRIX_INSTANTS`` instants, evenly spread over those of the first test subject.

    The two cameras are the first two of the store. None where no instant was seen by both.
    """
    images = pd.DataFrame({"instant": store.instant[run.row], "camera": store.camera[run.row]})
    images = images[store.subject[run.row] == store.subject[run.row[0]]].reset_index(names="index")
    by_camera = images.pivot(index="instant", columns="camera", values="index").reindex(
        columns=list(store.meta.cameras[:2])
    )
    seen = by_camera.dropna().astype(int)
    if seen.empty or seen.shape[1] < 2:
        return None
    shares = (np.arange(MATRIX_INSTANTS) + 0.5) / MATRIX_INSTANTS
    first, second = seen.to_numpy()[(shares * len(seen)).astype(int)].T
    distance = np.linalg.norm(run.embedding[first, None] - run.embedding[None, second], axis=-1)
    return DistanceMatrix(run.row[np.stack([first, second])], distance)


def gallery_queries(retrieval: Retrieval, ks: tuple[int, ...], k: int) -> Int[np.ndarray, " queries"]:
    """Queries at fixed quantiles (``mcss.run.figures.SHOWN_QUANTILES``) of the mean PA-MPJPE at K."""
    answered = np.flatnonzero(retrieval.database.numpy() > 0)
    return answered[at_quantiles(retrieval.embedding_mm[answered, ks.index(k)].numpy())]
