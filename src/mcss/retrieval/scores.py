"""Retrieval scores of several embeddings of the same images, with bootstrap intervals over the test clips."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float64, Int

from data_modules.store import Store
from mcss.errors import InputError
from mcss.metrics.retrieval import HIT_MM, KS, Retrieval, retrieve
from mcss.metrics.retrieval_search import CASES, EXACT_INSTANTS, make_images
from mcss.retrieval.embeddings import RunEmbeddings
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

Retrievals = Mapping[str, Mapping[str, Retrieval]]
"""Retrievals by name of the run and by case."""


def retrieve_all(
    store: Store,
    embeddings: Sequence[RunEmbeddings],
    query_cameras: Sequence[str] = (),
    exact_instants: int = EXACT_INSTANTS,
) -> Retrievals:
    """Retrieve with each run's embeddings in each case that has a database; images in the order of the store.

    With ``query_cameras`` only their images are queries: all others count as queries without a database.

    Raises:
        InputError: two runs have the same name, the store has no such camera, or faiss is needed and not installed.
    """
    unknown = sorted(set(query_cameras) - set(store.meta.cameras))
    if unknown:
        raise InputError(f"query camera {unknown[0]}: {store.path} has {', '.join(store.meta.cameras)}")
    if len({run.name for run in embeddings}) < len(embeddings):
        raise InputError(f"runs of the same name: {', '.join(run.name for run in embeddings)}; name each once")
    row = embeddings[0].row
    pose_root = store.pose_world[row] - store.pose_world[row, :1]
    pose_mm = torch.from_numpy(pose_root[:, list(joint_indices(JOINT_SET))])
    subject, camera = (np.unique(column, return_inverse=True)[1][row] for column in (store.subject, store.camera))
    numbers = [torch.from_numpy(column) for column in (subject, camera, store.instant[row])]
    # The errors between poses are computed once, because they do not depend on the embedding.
    images = make_images(torch.from_numpy(embeddings[0].embedding), pose_mm, *numbers, exact_instants=exact_instants)
    is_query = torch.from_numpy(np.isin(store.camera[row], query_cameras or store.meta.cameras))
    found = {}
    for run in embeddings:
        seen = images._replace(embedding=torch.from_numpy(run.embedding).to(images.embedding.dtype))
        found[run.name] = {case: _only(retrieve(seen, case), is_query) for case in CASES}
    answered = [case for case in CASES if (found[embeddings[0].name][case].database > 0).any()]
    return {name: {case: cases[case] for case in answered} for name, cases in found.items()}


def _only(retrieval: Retrieval, is_query: Bool[torch.Tensor, " images"]) -> Retrieval:
    """Treat all other images as queries without a database."""
    empty = Retrieval(
        *(torch.full_like(values, torch.nan if values.is_floating_point() else -1) for values in retrieval)
    )._replace(database=torch.zeros_like(retrieval.database))
    kept = (
        torch.where(is_query if mine.ndim == 1 else is_query[:, None], mine, none)
        for mine, none in zip(retrieval, empty, strict=True)
    )
    return Retrieval(*kept)


def score_table(found: Retrievals, clip: Int[np.ndarray, " queries"]) -> pd.DataFrame:
    """All scores with intervals: one row for each run, case, ranking, measure and K.

    Oracle and random ranking do not depend on the run: they have one row each, with an empty ``run``.
    """
    first = next(iter(found.values()))
    rankings = [("", case, ranking, values) for ranking in ("oracle", "random") for case, values in first.items()]
    rankings += [(run, case, "embedding", values) for run, cases in found.items() for case, values in cases.items()]
    rows = []
    for run, case, ranking, values in rankings:
        error_mm, hit = getattr(values, f"{ranking}_mm"), getattr(values, f"{ranking}_hit")
        measures = {"mean_pa_mpjpe_mm": error_mm, "above_oracle_mm": error_mm - values.oracle_mm, "hit": hit}
        queries = int((values.database > 0).sum())
        rows += [
            {"run": run, "case": case, "ranking": ranking, "measure": measure, **scores, "queries": queries}
            for measure, per_query in measures.items()
            if not per_query.isnan().all()  # not measured above ``EXACT_INSTANTS``
            for scores in means_with_intervals(per_query.numpy(), clip)
        ]
    return pd.DataFrame(rows)


def difference_table(found: Retrievals, clip: Int[np.ndarray, " queries"]) -> pd.DataFrame:
    """Differences in mean_pa_mpjpe_mm on the same queries: each run minus random, and the first minus each other."""
    (first, first_cases), *others = found.items()
    pairs = [(run, "random", case, r.embedding_mm - r.random_mm) for run, rs in found.items() for case, r in rs.items()]
    pairs += [
        (first, other, case, first_cases[case].embedding_mm - r.embedding_mm)
        for other, cases in others
        for case, r in cases.items()
    ]
    return pd.DataFrame(
        {"run": run, "against": against, "case": case, **scores}
        for run, against, case, per_query_mm in pairs
        for scores in means_with_intervals(per_query_mm.numpy(), clip)
    )


def means_with_intervals(
    per_query: Float64[np.ndarray, "queries ks"], clip: Int[np.ndarray, " queries"]
) -> list[dict[str, int | float]]:
    """Mean over queries (``value``) and its bootstrap interval (``low``, ``high``), for each K of ``KS``.

    Queries without a database (NaN) are ignored. Clips are resampled instead of queries, because images of a clip are
    similar.
    """
    answered = ~np.isnan(per_query[:, 0])
    per_query, clip = per_query[answered], np.unique(clip[answered], return_inverse=True)[1]
    count = np.bincount(clip).astype(np.float64)
    total = np.stack([np.bincount(clip, weights=column) for column in per_query.T], axis=1)
    rng = np.random.default_rng(SEED)
    weight = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=RESAMPLES).astype(np.float64)
    resampled = (weight @ total) / (weight @ count)[:, None]
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    scores = zip(KS, *np.round([per_query.mean(axis=0), low, high], 4).tolist(), strict=False)
    return [{"k": k, "value": value, "low": least, "high": most} for k, value, least, most in scores]
