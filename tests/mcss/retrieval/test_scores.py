import numpy as np
import pytest
import torch

from mcss.metrics.retrieval import KS, Retrieval
from mcss.retrieval.scores import LEVEL, RESAMPLES, SEED, difference_table, means_with_intervals, score_table


def retrieval(embedding_mm):
    """A case in which the oracle is 10 mm better and the random ranking 50 mm worse."""
    embedding_mm = torch.tensor(embedding_mm, dtype=torch.float64)[:, None].expand(-1, len(KS))
    database = (~embedding_mm[:, 0].isnan()).long()
    hit = (embedding_mm <= 60).double() + 0 * embedding_mm  # NaN without a database
    nearest = torch.zeros(len(database), 1, dtype=torch.int64)
    return Retrieval(database, nearest, embedding_mm, embedding_mm - 10, embedding_mm + 50, hit, hit, hit)


def test_interval_equals_drawing_clips_one_by_one():
    rng = np.random.default_rng(1)
    clip = np.repeat([3, 4, 7, 9], (5, 2, 8, 1))
    value = rng.normal(100, 20, len(clip)) + 10 * clip
    value[:2] = np.nan
    draws = np.random.default_rng(SEED).multinomial(4, np.full(4, 1 / 4), size=RESAMPLES)
    answered = ~np.isnan(value)
    resampled = []
    for draw in draws:
        chosen = [
            value[(clip == c) & answered] for c, times in zip((3, 4, 7, 9), draw, strict=True) for _ in range(times)
        ]
        resampled.append(np.concatenate(chosen).mean())
    (score,) = means_with_intervals(value[:, None], clip)
    assert score["value"] == pytest.approx(np.nanmean(value), abs=1e-4)
    assert [score["low"], score["high"]] == pytest.approx(
        np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]), abs=1e-4
    )


def test_scores_hold_the_references_once_and_count_answered_queries():
    found = {name: {"all": retrieval([50.0, 70.0, np.nan])} for name in ("a", "b")}
    scores = score_table(found, np.array([0, 1, 1]))
    first = scores.query("measure == 'mean_pa_mpjpe_mm' and k == 1")
    assert list(zip(first["run"], first["ranking"], strict=True)) == [
        *(("", "oracle"), ("", "random"), ("a", "embedding"), ("b", "embedding"))
    ]
    value = scores.query("k == 1").set_index(["run", "ranking", "measure"])["value"]
    assert value["a", "embedding", "mean_pa_mpjpe_mm"] == 60
    assert value["a", "embedding", "above_oracle_mm"] == 10
    assert value["a", "embedding", "hit"] == 0.5
    assert value["", "random", "mean_pa_mpjpe_mm"] == 110
    assert set(scores["queries"]) == {2}


def test_differences_are_taken_query_by_query():
    found = {"a": {"all": retrieval([50.0, 70.0])}, "b": {"all": retrieval([53.0, 73.0])}}
    table = difference_table(found, np.array([0, 1]))
    result = {(d.run, d.against): (d.value, d.low, d.high) for d in table.itertuples()}
    assert result["a", "b"] == (-3, -3, -3)  # equal in every resample, however the clips differ
    assert result["a", "random"] == result["b", "random"] == (-50, -50, -50)
    assert ("b", "a") not in result
