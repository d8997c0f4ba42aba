"""Finds the images with the nearest embeddings for each query, by blocks of all distances or with faiss.

Every image is the query once. Its database is the images of all cameras but its own, of the subjects that the *case*
names. Images of equal distance are ranked by (instant, camera), so that the result does not depend on their order.

Up to ``EXACT_INSTANTS`` distinct instants, PA-MPJPE of every pose against every other is held in memory. Among more,
faiss searches a flat index, which is exact but ranks images of equal distance in an order of its own; only retrieved
pairs are measured then: the random ranking's mean is estimated, and what needs all pairs (oracle, chance of a hit) is
NaN.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor
from torch.nn.functional import normalize, pad

from mcss.errors import InputError
from mcss.metrics.functional import pa_mpjpe, pairwise_pa_mpjpe

Case = Literal["all", "own", "cross"]
"""Subjects of the database: all (the paper's case 1), the query's own, or all others (case 2)."""
CASES: tuple[Case, ...] = get_args(Case)
EXACT_INSTANTS = 12_000
"""Largest number of distinct instants for which every pair of poses is measured: 8 bytes each, 1.2 GB."""
RANDOM_DRAWS = 20
"""Number of images drawn for each query to estimate the random ranking's mean above ``EXACT_INSTANTS``."""

_SEED = 0
_QUERIES_AT_ONCE = 256
_PAIRS_AT_ONCE = 100_000
_DISTANCE_STEPS = 2**24
"""Squared distances are rounded to multiples of 1 / this: the last bits of a matrix product vary."""


class Images(NamedTuple):
    """Images to retrieve from one another, ordered by (instant, camera)."""

    embedding: Float[Tensor, "images dim"]
    """Unit length; float64 where every pair of poses is measured."""
    pose_mm: Float[Tensor, "images joints 3"]
    subject: Int[Tensor, " images"]
    camera: Int[Tensor, " images"]
    instant: Int[Tensor, " images"]
    """Row of ``error_mm``, in which all views of an instant share one."""
    error_mm: Float64[Tensor, "instants instants"] | None
    """PA-MPJPE of each instant's pose (column) moved onto each other's (row); None where there are too many."""


def make_images(
    embedding: Float[Tensor, "images dim"],
    pose_mm: Float[Tensor, "images joints 3"],
    subject: Int[Tensor, " images"],
    camera: Int[Tensor, " images"],
    instant: Int[Tensor, " images"],
    *,
    exact_instants: int = EXACT_INSTANTS,
) -> Images:
    """Order images by (instant, camera); measure up to ``exact_instants`` poses against each other, once an instant.

    Raises:
        ValueError: a coordinate is not finite, an image occurs twice, or the views of an instant differ in pose.
    """
    views, order = torch.unique(torch.stack([instant, camera], dim=1).cpu(), dim=0, return_inverse=True)
    if len(views) < len(order):
        raise ValueError(f"{len(order) - len(views)} of {len(order)} images were added twice (same instant and camera)")
    order = order.argsort()
    embedding, pose_mm, subject = (values.cpu()[order] for values in (embedding, pose_mm, subject))
    number, instant = torch.unique_consecutive(views[:, 0], return_inverse=True)
    first = torch.searchsorted(instant, torch.arange(len(number)))
    if not torch.equal(pose_mm[first][instant], pose_mm):
        raise ValueError("the views of an instant differ in pose: pass the world's pose or the canonical one")
    exact = len(number) <= exact_instants
    error_mm = pairwise_pa_mpjpe(pose_mm[first]) if exact else None
    embedding = normalize(embedding.double() if exact else embedding.float(), dim=1)
    return Images(embedding, pose_mm, subject, views[:, 1], instant, error_mm)


class Found(NamedTuple):
    """What a search finds for some queries: the nearest images by embedding, and the two reference rankings."""

    database: Int[Tensor, " queries"]
    nearest: Int[Tensor, "queries largest_k"]
    oracle_mm: Float64[Tensor, "queries ks"]
    random_mm: Float64[Tensor, "queries ks"]
    oracle_hit: Float64[Tensor, "queries ks"]
    random_hit: Float64[Tensor, "queries ks"]


def search(images: Images, case: Case, ks: Sequence[int], hit_mm: float) -> Found:
    """Find the nearest images of every image.

    Raises:
        InputError: faiss is needed for so many images and not installed.
    """
    if images.error_mm is None:
        return _search_with_faiss(images, case, ks)
    blocks = torch.arange(len(images.instant)).split(_QUERIES_AT_ONCE)
    parts = [_search_block(images, images.error_mm, queries, case, ks, hit_mm) for queries in blocks]
    return Found(*(torch.cat(fields) for fields in zip(*parts, strict=True)))


def in_database(images: Images, queries: Int[Tensor, " queries"], case: Case) -> Bool[Tensor, "queries images"]:
    """Which images each query's database contains; none of the query's camera."""
    other_camera = images.camera[queries, None] != images.camera
    own_subject = images.subject[queries, None] == images.subject
    return other_camera & {"all": torch.ones_like(own_subject), "own": own_subject, "cross": ~own_subject}[case]


def _search_block(
    images: Images,
    error_mm: Float64[Tensor, "instants instants"],
    queries: Int[Tensor, " queries"],
    case: Case,
    ks: Sequence[int],
    hit_mm: float,
) -> Found:
    """Search with a matrix of all distances; the oracle ranks by a matrix of all errors."""
    allowed = in_database(images, queries, case)
    error_mm = error_mm[images.instant[queries]][:, images.instant]
    database, hits = allowed.sum(dim=1), (allowed & (error_mm <= hit_mm)).sum(dim=1)
    count = min(max(ks), len(images.instant))
    squared = 2 - 2 * images.embedding[queries] @ images.embedding.T
    # One distinct integer for each image: ordered by distance first, then by index.
    key = (squared * _DISTANCE_STEPS).round().long() * len(images.instant) + torch.arange(len(images.instant))
    nearest = key.masked_fill(~allowed, torch.iinfo(torch.int64).max).topk(count, largest=False).indices
    nearest = nearest.where(allowed.gather(1, nearest), -1)
    oracle_mm = error_mm.masked_fill(~allowed, torch.inf).topk(count, largest=False).values
    taken = torch.tensor(list(ks)).minimum(database[:, None])
    return Found(
        database,
        pad(nearest, (0, max(ks) - count), value=-1),
        mean_of_first(oracle_mm, taken),
        ((error_mm * allowed).sum(dim=1) / database)[:, None].expand(taken.shape),
        any_of_first(oracle_mm <= hit_mm, taken),
        _chance_of_hit(database, hits, taken),
    )


def _search_with_faiss(images: Images, case: Case, ks: Sequence[int]) -> Found:
    """Search each database with faiss; estimate the random ranking from ``RANDOM_DRAWS`` images of each query."""
    count, rng = len(images.instant), np.random.default_rng(_SEED)
    embedding = images.embedding.numpy()
    database = torch.zeros(count, dtype=torch.int64)
    nearest, drawn = (torch.full((count, width), -1) for width in (max(ks), RANDOM_DRAWS))
    for queries, members in _queries_with_one_database(images, case):
        database[queries] = len(members)
        if len(members):
            found = _nearest_of(embedding[members], embedding[queries], min(max(ks), len(members)))
            nearest[queries, : found.shape[1]] = members[torch.from_numpy(found)]
            drawn[queries] = members[torch.from_numpy(rng.integers(len(members), size=(len(queries), RANDOM_DRAWS)))]
    unknown = torch.full((count, len(ks)), torch.nan, dtype=torch.float64)
    random_mm = errors_of_retrieved(images, drawn).mean(dim=1, keepdim=True).expand(-1, len(ks))
    random_mm = random_mm.where(database[:, None] > 0, torch.nan)
    return Found(database, nearest, unknown, random_mm, unknown, unknown)


def _queries_with_one_database(
    images: Images, case: Case
) -> Iterator[tuple[Int[Tensor, " queries"], Int[Tensor, " database"]]]:
    """Indices of the queries that share a database (by camera and, unless the case is ``all``, subject), and of it."""
    subjects = [None] if case == "all" else images.subject.unique()
    for camera in images.camera.unique():
        for subject in subjects:
            of_camera = images.camera == camera
            queries = (of_camera if subject is None else of_camera & (images.subject == subject)).nonzero()[:, 0]
            if len(queries):
                yield queries, in_database(images, queries[:1], case)[0].nonzero()[:, 0]


def _nearest_of(
    database: Float[np.ndarray, "database dim"], queries: Float[np.ndarray, "queries dim"], count: int
) -> Int[np.ndarray, "queries count"]:
    try:
        import faiss
    except ImportError:
        raise InputError("faiss searches so many images: pip install -e '.[faiss]' in the project's folder") from None
    index = faiss.IndexFlatL2(database.shape[1])
    index.add(np.ascontiguousarray(database))
    return index.search(np.ascontiguousarray(queries), count)[1]


def errors_of_retrieved(images: Images, retrieved: Int[Tensor, "queries count"]) -> Float64[Tensor, "queries count"]:
    """PA-MPJPE of the retrieved poses aligned to the query's; infinite where none was retrieved (-1)."""
    query, place = torch.nonzero(retrieved >= 0, as_tuple=True)
    error_mm = torch.full(retrieved.shape, torch.inf, dtype=torch.float64)
    for pairs in torch.arange(len(query)).split(_PAIRS_AT_ONCE):
        here, slot = query[pairs], place[pairs]
        image = retrieved[here, slot]
        if images.error_mm is None:
            error_mm[here, slot] = pa_mpjpe(images.pose_mm[image], images.pose_mm[here])
        else:
            error_mm[here, slot] = images.error_mm[images.instant[here], images.instant[image]]
    return error_mm


def mean_of_first(
    error_mm: Float64[Tensor, "queries count"], taken: Int[Tensor, "queries ks"]
) -> Float64[Tensor, "queries ks"]:
    """Mean error of the first images of each query, for each number of images in ``taken``; NaN for none."""
    total_mm = error_mm.cumsum(dim=1).gather(1, (taken - 1).clamp(min=0))
    return total_mm.where(taken > 0, torch.nan) / taken


def any_of_first(hit: Bool[Tensor, "queries count"], taken: Int[Tensor, "queries ks"]) -> Float64[Tensor, "queries ks"]:
    """Whether (1 or 0) one of the first images of each query is a hit, for each number in ``taken``; NaN for none."""
    found = hit.long().cumsum(dim=1).gather(1, (taken - 1).clamp(min=0)) > 0
    return found.double().where(taken > 0, torch.nan)


def _chance_of_hit(
    database: Int[Tensor, " queries"], hits: Int[Tensor, " queries"], taken: Int[Tensor, "queries ks"]
) -> Float64[Tensor, "queries ks"]:
    """Probability of a hit among ``taken`` images drawn without replacement (hypergeometric distribution)."""
    size, misses = database[:, None].double(), (database - hits)[:, None].double()
    enough = misses >= taken
    log_ways = [torch.lgamma(n + 1) - torch.lgamma((n - taken).clamp(min=0) + 1) for n in (misses, size)]
    chance = 1 - (log_ways[0] - log_ways[1]).exp().where(enough, 0.0)
    return chance.where(taken > 0, torch.nan)
