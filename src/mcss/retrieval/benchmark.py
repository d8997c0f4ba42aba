"""Retrieval figures of several embeddings of the same images, with bootstrap intervals over the test clips."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int

from data_modules.store import Store
from mcss.errors import InputError
from mcss.metrics.retrieval import CASES, HIT_MM, KS, Case, Retrieval, make_images, retrieve
from mcss.retrieval.embeddings import Embedded
from mcss.retrieval.large import EXACT_INSTANTS, retrieve_large
from mcss.skeleton import joint_indices

RESAMPLES = 2000
SEED = 0
LEVEL = 0.95
JOINT_SET = "h36m16"

DEFINITIONS = {
    "mean_pa_mpjpe_mm": "mean over queries of the mean PA-MPJPE of the K nearest images; the retrieved pose is aligned"
    f" onto the query's (scale, proper rotation, translation), in the query's mm, joint set {JOINT_SET}",
    "above_oracle_mm": "mean_pa_mpjpe_mm less the oracle's",
    "hit": f"share of queries with at least one image of PA-MPJPE <= {HIT_MM:g} mm among the K nearest",
    "database": "images of all cameras but the query's; all: of all test subjects (paper, case 1), own: of the query's"
    " subject, cross: of the other subjects (paper, case 2)",
    "rankings": "embedding: by distance of embeddings; oracle: by PA-MPJPE; random: the expectation over all orders",
    "intervals": f"{LEVEL:.0%} percentile bootstrap, {RESAMPLES} resamples of the queries' clips, seed {SEED}; the"
    " subjects and the database are not resampled",
}

PerClip = tuple[Float64[np.ndarray, "clips ks"], Float64[np.ndarray, " clips"]]


class Line(NamedTuple):
    """One figure: of a run's embedding, of the oracle's or the random ranking (then ``run`` is empty)."""

    run: str
    case: str
    ranking: str
    measure: str
    k: int
    value: float
    low: float
    high: float
    queries: int


class Difference(NamedTuple):
    """A run's mean_pa_mpjpe_mm less that of another run, or of the random ranking, on the same queries; mm."""

    run: str
    against: str
    case: str
    k: int
    value: float
    low: float
    high: float


def retrieve_all(
    store: Store, embedded: Sequence[Embedded], query_cameras: Sequence[str] = ()
) -> dict[str, dict[str, Retrieval]]:
    """What each run retrieves in each case that has a database; images in the order of ``embedded``, the store's.

    With ``query_cameras`` only their images are queries: all others count as queries without a database. Beyond
    ``EXACT_INSTANTS`` instants faiss searches, and what needs all pairs of poses is NaN.

    Raises:
        InputError: two runs bear the same name, the store has no such camera, or faiss is wanted and not installed.
    """
    unknown = sorted(set(query_cameras) - set(store.meta.cameras))
    if unknown:
        raise InputError(f"query camera {unknown[0]}: {store.path} has {', '.join(store.meta.cameras)}")
    if len({run.name for run in embedded}) < len(embedded):
        raise InputError(f"runs of the same name: {', '.join(run.name for run in embedded)}; name each once")
    found = _retrievals(store, embedded)
    if query_cameras:
        is_query = torch.from_numpy(np.isin(store.camera[embedded[0].row], query_cameras))
        found = {run: {case: _only(r, is_query) for case, r in cases.items()} for run, cases in found.items()}
    answered = [case for case in CASES if (found[embedded[0].name][case].database > 0).any()]
    return {name: {case: cases[case] for case in answered} for name, cases in found.items()}


def _retrievals(store: Store, embedded: Sequence[Embedded]) -> dict[str, dict[Case, Retrieval]]:
    row = embedded[0].row
    pose_root = store.pose_world[row] - store.pose_world[row, :1]
    pose_mm = torch.from_numpy(pose_root[:, list(joint_indices(JOINT_SET))])
    subject, camera = (np.unique(column, return_inverse=True)[1][row] for column in (store.subject, store.camera))
    if len(np.unique(store.instant[row])) > EXACT_INSTANTS:
        return {
            run.name: {case: retrieve_large(run.embedding, pose_mm, subject, camera, case) for case in CASES}
            for run in embedded
        }
    # The poses' errors are the same for every embedding.
    images = make_images(
        torch.from_numpy(embedded[0].embedding),
        pose_mm,
        *(torch.from_numpy(column) for column in (subject, camera, store.instant[row])),
    )
    seen = {run.name: images._replace(embedding=torch.from_numpy(run.embedding).double()) for run in embedded}
    return {name: {case: retrieve(images, case) for case in CASES} for name, images in seen.items()}


def _only(retrieval: Retrieval, is_query: Bool[torch.Tensor, " images"]) -> Retrieval:
    """Leave out all other queries, as those without a database are."""
    empty = Retrieval(
        *(torch.full_like(values, torch.nan if values.is_floating_point() else -1) for values in retrieval)
    )._replace(database=torch.zeros_like(retrieval.database))
    kept = (
        torch.where(is_query if mine.ndim == 1 else is_query[:, None], mine, none)
        for mine, none in zip(retrieval, empty, strict=True)
    )
    return Retrieval(*kept)


def lines(found: Mapping[str, Mapping[str, Retrieval]], clip: Int[np.ndarray, " queries"]) -> list[Line]:
    """All figures: the rankings that no run decides once, then those of each run."""
    first = next(iter(found.values()))
    result = [
        line
        for ranking in ("oracle", "random")
        for case, retrieval in first.items()
        for line in _lines("", case, ranking, retrieval, clip)
    ]
    for run, cases in found.items():
        for case, retrieval in cases.items():
            result += _lines(run, case, "embedding", retrieval, clip)
    return result


def _lines(run: str, case: str, ranking: str, retrieval: Retrieval, clip: Int[np.ndarray, " queries"]) -> list[Line]:
    error_mm, hit = getattr(retrieval, f"{ranking}_mm"), getattr(retrieval, f"{ranking}_hit")
    values = {"mean_pa_mpjpe_mm": error_mm, "above_oracle_mm": error_mm - retrieval.oracle_mm, "hit": hit}
    queries = int((retrieval.database > 0).sum())
    return [
        Line(run, case, ranking, measure, k, *figures, queries)
        for measure, per_query in values.items()
        if not per_query.isnan().all()  # not measured among so many images
        for k, figures in zip(KS, mean_with_interval(per_query.numpy(), clip), strict=True)
    ]


def differences(found: Mapping[str, Mapping[str, Retrieval]], clip: Int[np.ndarray, " queries"]) -> list[Difference]:
    """Each run against the random ranking, and the first run against every other, on the same resampled clips."""
    (first, first_cases), *others = found.items()
    pairs = [(run, "random", case, r.embedding_mm - r.random_mm) for run, rs in found.items() for case, r in rs.items()]
    pairs += [
        (first, other, case, first_cases[case].embedding_mm - r.embedding_mm)
        for other, cases in others
        for case, r in cases.items()
    ]
    return [
        Difference(run, against, case, k, *figures)
        for run, against, case, per_query_mm in pairs
        for k, figures in zip(KS, mean_with_interval(per_query_mm.numpy(), clip), strict=True)
    ]


def mean_with_interval(
    per_query: Float64[np.ndarray, "queries ks"], clip: Int[np.ndarray, " queries"]
) -> list[tuple[float, float, float]]:
    """Mean over queries and its bootstrap interval, for each K; NaN, a query without a database, does not count.

    Clips are resampled, not queries: the images of one clip are alike.
    """
    answered = ~np.isnan(per_query[:, 0])
    per_query, clip = per_query[answered], np.unique(clip[answered], return_inverse=True)[1]
    count = np.bincount(clip).astype(np.float64)
    total = np.stack([np.bincount(clip, weights=column) for column in per_query.T], axis=1)
    rng = np.random.default_rng(SEED)
    weight = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=RESAMPLES).astype(np.float64)
    resampled = (weight @ total) / (weight @ count)[:, None]
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    mean = per_query.mean(axis=0)
    rounded = (np.round(values, 4).tolist() for values in (mean, low, high))
    return list(zip(*rounded, strict=True))
