import numpy as np
import pytest
import torch

from mcss.metrics.retrieval import KS, Retrieval
from mcss.retrieval.benchmark import LEVEL, RESAMPLES, SEED, differences, lines, mean_with_interval


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
    ((mean, low, high),) = mean_with_interval(value[:, None], clip)
    assert mean == pytest.approx(np.nanmean(value), abs=1e-4)
    assert [low, high] == pytest.approx(np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]), abs=1e-4)


def test_lines_hold_the_references_once_and_count_answered_queries():
    found = {name: {"all": retrieval([50.0, 70.0, np.nan])} for name in ("a", "b")}
    result = lines(found, np.array([0, 1, 1]))
    kinds = [(line.run, line.ranking) for line in result if (line.measure, line.k) == ("mean_pa_mpjpe_mm", 1)]
    assert kinds == [("", "oracle"), ("", "random"), ("a", "embedding"), ("b", "embedding")]
    value = {(line.run, line.ranking, line.measure): line for line in result}
    assert value["a", "embedding", "mean_pa_mpjpe_mm"].value == 60
    assert value["a", "embedding", "above_oracle_mm"].value == 10
    assert value["a", "embedding", "hit"].value == 0.5
    assert value["", "random", "mean_pa_mpjpe_mm"].value == 110
    assert {line.queries for line in result} == {2}


def test_differences_are_taken_query_by_query():
    found = {"a": {"all": retrieval([50.0, 70.0])}, "b": {"all": retrieval([53.0, 73.0])}}
    result = {(d.run, d.against): d for d in differences(found, np.array([0, 1]))}
    assert result["a", "b"][4:] == (-3, -3, -3)  # equal in every resample, however the clips differ
    assert result["a", "random"][4:] == result["b", "random"][4:] == (-50, -50, -50)
    assert ("b", "a") not in result
