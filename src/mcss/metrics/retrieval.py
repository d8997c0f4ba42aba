"""Cross-view pose retrieval (paper, Sec. 6.1): pose errors of the images whose embeddings are nearest to a query.

A retrieved pose is moved onto the query's by its best similarity (PA-MPJPE, in the query's mm). Three rankings of the
same database are compared: by distance of embeddings; the *oracle*, by the error itself; and *random*, the exact
expectation over all orders. ``mcss.metrics.retrieval_search`` defines queries and databases.

Where a query's database has fewer than K images, all of them are its K nearest. A query without a database is left out
of its case.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int
from torch import Tensor

from mcss.metrics.retrieval_search import Case, Images, any_of_first, errors_of_retrieved, mean_of_first, search

KS = (1, 5, 10, 20)
HIT_MM = 60.0
"""Largest PA-MPJPE of a hit. Project default: the paper has no such measure."""


class Retrieval(NamedTuple):
    """Retrieval result of each query, for several numbers K of nearest images."""

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


def retrieve(images: Images, case: Case, ks: Sequence[int] = KS, hit_mm: float = HIT_MM) -> Retrieval:
    """Use every image once as a query.

    Raises:
        InputError: faiss is needed for so many images and not installed.
    """
    found = search(images, case, ks, hit_mm)
    error_mm = errors_of_retrieved(images, found.nearest)
    taken = torch.tensor(list(ks)).minimum(found.database[:, None])
    return Retrieval(
        **found._asdict(),
        embedding_mm=mean_of_first(error_mm, taken),
        embedding_hit=any_of_first(error_mm <= hit_mm, taken),
    )


def means(retrieval: Retrieval) -> dict[str, Float64[Tensor, " ks"]]:
    """Averages over the queries that have a database; empty if none has."""
    answered = retrieval.database > 0
    if not answered.any():
        return {}
    names = [name for name in Retrieval._fields if name not in ("database", "nearest")]
    values = {name: getattr(retrieval, name)[answered].mean(dim=0) for name in names}
    return values | {"above_oracle_mm": values["embedding_mm"] - values["oracle_mm"]}
