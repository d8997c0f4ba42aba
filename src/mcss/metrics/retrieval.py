"""Cross-view pose retrieval (paper, Sec. 6.1): how near in pose the images are that an embedding calls nearest.

Every image is once the query. Its database are the images of all cameras but its own, of the subjects that the *case*
names. What is retrieved is moved onto the query by its best similarity (PA-MPJPE, in the query's mm). Three rankings of
the same database stand side by side: by distance of embeddings; the *oracle*, by the error itself; and *random*, which
is exact, the expectation over all orders, and has no seed.

Where a query's database has fewer than K images, all of them are its K nearest. A query without any is left out of its
case. Images of equal distance are ranked by (instant, camera), so that the result does not depend on their order.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor
from torch.nn.functional import normalize, pad

from mcss.metrics.functional import pairwise_pa_mpjpe

Case = Literal["all", "own", "cross"]
"""Whose images are the database: all subjects' (the paper's case 1), the query's own, or the others' (case 2)."""
CASES: tuple[Case, ...] = get_args(Case)
KS = (1, 5, 10, 20)
HIT_MM = 60.0
"""A retrieved pose counts as a hit up to this PA-MPJPE. Project default: the paper has no such measure."""

_QUERIES_AT_ONCE = 256
_DISTANCE_STEPS = 2**24
"""Squared distances count in steps of 1 / this: the last bits of a matrix product would break ties by chance."""


class Images(NamedTuple):
    """Images to retrieve from one another, ordered by (instant, camera)."""

    embedding: Float64[Tensor, "images dim"]
    """Unit length."""
    subject: Int[Tensor, " images"]
    camera: Int[Tensor, " images"]
    instant: Int[Tensor, " images"]
    """Row of ``error_mm``, in which all views of an instant share one."""
    error_mm: Float64[Tensor, "instants instants"]
    """PA-MPJPE of each instant's pose (column) moved onto each other's (row)."""


class Retrieval(NamedTuple):
    """What every query retrieves, for each of some numbers K of nearest images."""

    database: Int[Tensor, " queries"]
    """Size of the query's database. Where it is 0, everything else is NaN."""
    nearest: Int[Tensor, "queries largest_k"]
    """Index of the nearest images by embedding, nearest first; -1 beyond the end of the database."""
    embedding_mm: Float64[Tensor, "queries ks"]
    """Mean PA-MPJPE of the K nearest images by embedding."""
    oracle_mm: Float64[Tensor, "queries ks"]
    random_mm: Float64[Tensor, "queries ks"]
    embedding_hit: Float64[Tensor, "queries ks"]
    """Whether one of the K nearest is a hit: 1 or 0; for ``random_hit`` the chance of one."""
    oracle_hit: Float64[Tensor, "queries ks"]
    random_hit: Float64[Tensor, "queries ks"]


def in_database(images: Images, queries: Int[Tensor, " queries"], case: Case) -> Bool[Tensor, "queries images"]:
    """Tell which images each query's database holds: never one of its own camera."""
    other_camera = images.camera[queries, None] != images.camera
    own_subject = images.subject[queries, None] == images.subject
    return other_camera & {"all": torch.ones_like(own_subject), "own": own_subject, "cross": ~own_subject}[case]


def retrieve(images: Images, case: Case, ks: Sequence[int] = KS, hit_mm: float = HIT_MM) -> Retrieval:
    """Let every image query the others, exactly, a block of queries at a time."""
    blocks = [
        _retrieve_block(images, queries, case, torch.tensor(ks), hit_mm)
        for queries in torch.arange(len(images.instant)).split(_QUERIES_AT_ONCE)
    ]
    return Retrieval(*(torch.cat(fields) for fields in zip(*blocks, strict=True)))


def _retrieve_block(
    images: Images, queries: Int[Tensor, " queries"], case: Case, ks: Int[Tensor, " ks"], hit_mm: float
) -> Retrieval:
    allowed = in_database(images, queries, case)
    error_mm = images.error_mm[images.instant[queries]][:, images.instant]
    database, hits = allowed.sum(dim=1), (allowed & (error_mm <= hit_mm)).sum(dim=1)
    largest = min(int(ks.max()), len(images.instant))
    nearest, error_nearest_mm = _nearest(images, queries, allowed, error_mm, largest)
    oracle_mm = error_mm.masked_fill(~allowed, torch.inf).topk(largest, largest=False).values
    mean_mm = (error_mm * allowed).sum(dim=1) / database
    taken = ks.minimum(database[:, None])
    return Retrieval(
        database,
        pad(nearest, (0, int(ks.max()) - largest), value=-1),
        _mean_of_first(error_nearest_mm, taken),
        _mean_of_first(oracle_mm, taken),
        mean_mm[:, None].expand(taken.shape),
        _any_of_first(error_nearest_mm <= hit_mm, taken),
        _any_of_first(oracle_mm <= hit_mm, taken),
        _chance_of_hit(database, hits, taken),
    )


def _nearest(
    images: Images,
    queries: Int[Tensor, " queries"],
    allowed: Bool[Tensor, "queries images"],
    error_mm: Float64[Tensor, "queries images"],
    count: int,
) -> tuple[Int[Tensor, "queries count"], Float64[Tensor, "queries count"]]:
    """Index and error of each query's nearest images by embedding; -1 and infinity beyond the end of the database."""
    squared = 2 - 2 * images.embedding[queries] @ images.embedding.T
    # One whole number an image, no two of them equal: the distance first, then the image's place.
    key = (squared * _DISTANCE_STEPS).round().long() * len(images.instant) + torch.arange(len(images.instant))
    nearest = key.masked_fill(~allowed, torch.iinfo(torch.int64).max).topk(count, largest=False).indices
    inside = allowed.gather(1, nearest)
    return nearest.where(inside, -1), error_mm.gather(1, nearest).where(inside, torch.inf)


def _mean_of_first(
    error_mm: Float64[Tensor, "queries count"], taken: Int[Tensor, "queries ks"]
) -> Float64[Tensor, "queries ks"]:
    total_mm = error_mm.cumsum(dim=1).gather(1, (taken - 1).clamp(min=0))
    return total_mm.where(taken > 0, torch.nan) / taken


def _any_of_first(
    hit: Bool[Tensor, "queries count"], taken: Int[Tensor, "queries ks"]
) -> Float64[Tensor, "queries ks"]:
    found = hit.long().cumsum(dim=1).gather(1, (taken - 1).clamp(min=0)) > 0
    return found.double().where(taken > 0, torch.nan)


def _chance_of_hit(
    database: Int[Tensor, " queries"], hits: Int[Tensor, " queries"], taken: Int[Tensor, "queries ks"]
) -> Float64[Tensor, "queries ks"]:
    """Chance of at least one hit among ``taken`` images drawn without replacement (hypergeometric distribution)."""
    size, misses = database[:, None].double(), (database - hits)[:, None].double()
    enough = misses >= taken
    log_ways = [torch.lgamma(n + 1) - torch.lgamma((n - taken).clamp(min=0) + 1) for n in (misses, size)]
    chance = 1 - (log_ways[0] - log_ways[1]).exp().where(enough, 0.0)
    return chance.where(taken > 0, torch.nan)


def make_images(
    embedding: Float[Tensor, "images dim"],
    pose_mm: Float[Tensor, "images joints 3"],
    subject: Int[Tensor, " images"],
    camera: Int[Tensor, " images"],
    instant: Int[Tensor, " images"],
) -> Images:
    """Order images by (instant, camera) and measure all poses against each other, the views of an instant once.

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
    error_mm = pairwise_pa_mpjpe(pose_mm[first])
    return Images(normalize(embedding.double(), dim=1), subject, views[:, 1], instant, error_mm)


def means(retrieval: Retrieval) -> dict[str, Float64[Tensor, " ks"]]:
    """Averages over the queries that have a database; empty if none has."""
    answered = retrieval.database > 0
    if not answered.any():
        return {}
    names = [name for name in Retrieval._fields if name not in ("database", "nearest")]
    values = {name: getattr(retrieval, name)[answered].mean(dim=0) for name in names}
    return values | {"above_oracle_mm": values["embedding_mm"] - values["oracle_mm"]}
