"""Retrieval among more images than all poses can be compared of: faiss searches, only retrieved pairs are measured.

The exact benchmark holds PA-MPJPE of every instant against every other, 8 bytes each; what needs all of it, the oracle
and the chance of a hit, is NaN here. The search itself is exact too (a flat index of squared distances), but images at
equal distance come in faiss's order.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from mcss.errors import InputError
from mcss.metrics.functional import pa_mpjpe
from mcss.metrics.retrieval import HIT_MM, KS, Case, Retrieval

EXACT_INSTANTS = 12_000
"""Up to so many distinct instants every pair is measured: 1.2 GB."""
RANDOM_DRAWS = 20
"""Images drawn for each query to estimate the random ranking's mean."""
SEED = 0
_PAIRS_AT_ONCE = 100_000


def retrieve_large(
    embedding: Float32[np.ndarray, "images dim"],
    pose_mm: Float[Tensor, "images joints 3"],
    subject: Int[np.ndarray, " images"],
    camera: Int[np.ndarray, " images"],
    case: Case,
    ks: Sequence[int] = KS,
    hit_mm: float = HIT_MM,
) -> Retrieval:
    """Let every image query the others; ``random_mm`` is a mean over ``RANDOM_DRAWS`` images, the oracle is NaN.

    Args:
        embedding: unit length; may be mapped from a file.
        pose_mm: in any frame that the views of an instant share.
        subject: of each image, as a number.
        camera: likewise.
        case: whose images are the database.
        ks: numbers of nearest images.
        hit_mm: largest PA-MPJPE of a hit.

    Raises:
        InputError: faiss is not installed.
    """
    size, nearest, drawn = _found_and_drawn(embedding, _groups(subject, camera, case), max(ks))
    error_mm = _errors_mm(pose_mm, nearest)
    taken = torch.tensor(list(ks)).minimum(size[:, None])
    unknown = torch.full(taken.shape, torch.nan, dtype=torch.float64)
    last = (taken - 1).clamp(min=0)
    mean_mm = (error_mm.nan_to_num().cumsum(dim=1).gather(1, last) / taken).where(taken > 0, torch.nan)
    hit = (error_mm <= hit_mm).long().cumsum(dim=1).gather(1, last).clamp(max=1).double().where(taken > 0, torch.nan)
    random_mm = _errors_mm(pose_mm, drawn).mean(dim=1, keepdim=True).expand(-1, len(ks))
    return Retrieval(size, nearest, mean_mm, unknown, random_mm, hit, unknown, unknown)


def _groups(
    subject: Int[np.ndarray, " images"], camera: Int[np.ndarray, " images"], case: Case
) -> Iterator[tuple[Int[np.ndarray, " queries"], Int[np.ndarray, " database"]]]:
    """Queries that share a database, and that database: never an image of their camera."""
    for one_camera in np.unique(camera):
        other_camera = camera != one_camera
        if case == "all":
            yield np.flatnonzero(~other_camera), np.flatnonzero(other_camera)
            continue
        for one_subject in np.unique(subject[~other_camera]):
            own = subject == one_subject
            yield np.flatnonzero(~other_camera & own), np.flatnonzero(other_camera & (own if case == "own" else ~own))


def _found_and_drawn(
    embedding: Float32[np.ndarray, "images dim"],
    groups: Iterator[tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]],
    largest: int,
) -> tuple[Int[Tensor, " images"], Int[Tensor, "images largest"], Int[Tensor, "images draws"]]:
    """Of every query: size of its database, the nearest images there, and some drawn at random; -1 for none."""
    count = len(embedding)
    database = np.zeros(count, dtype=np.int64)
    nearest, drawn = np.full((count, largest), -1), np.full((count, RANDOM_DRAWS), -1)
    rng = np.random.default_rng(SEED)
    for queries, images in groups:
        database[queries] = len(images)
        if not len(images):
            continue
        found = _search(embedding[images], embedding[queries], min(largest, len(images)))
        nearest[queries, : found.shape[1]] = images[found]
        drawn[queries] = images[rng.integers(len(images), size=(len(queries), RANDOM_DRAWS))]
    return torch.from_numpy(database), torch.from_numpy(nearest), torch.from_numpy(drawn)


def _search(
    database: Float32[np.ndarray, "database dim"], queries: Float32[np.ndarray, "queries dim"], count: int
) -> Int[np.ndarray, "queries count"]:
    """Index of each query's nearest images, nearest first."""
    try:
        import faiss
    except ImportError:
        raise InputError("faiss searches so many images: pip install -e '.[faiss]' in the project's folder") from None
    index = faiss.IndexFlatL2(database.shape[1])
    index.add(np.ascontiguousarray(database))
    return index.search(np.ascontiguousarray(queries), count)[1]


def _errors_mm(
    pose_mm: Float[Tensor, "images joints 3"], retrieved: Int[Tensor, "queries count"]
) -> Float[Tensor, "queries count"]:
    """PA-MPJPE of the retrieved poses moved onto the query's; NaN where there is none (-1)."""
    query, place = torch.nonzero(retrieved >= 0, as_tuple=True)
    error_mm = torch.full(retrieved.shape, torch.nan, dtype=torch.float64)
    for pairs in torch.arange(len(query)).split(_PAIRS_AT_ONCE):
        here, slot = query[pairs], place[pairs]
        error_mm[here, slot] = pa_mpjpe(pose_mm[retrieved[here, slot]], pose_mm[here])
    return error_mm
