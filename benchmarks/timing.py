"""Ways to do the same, timed in turn in one process: on a shared machine only such ratios mean something."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Comparison(NamedTuple):
    """How many times faster than ``reference`` we are: median and quartiles over the rounds."""

    name: str
    reference: str
    ratio: float
    ratio_low: float
    ratio_high: float
    ours_s: float
    """Median."""
    reference_s: float
    rounds: int
    wanted: float | None
    """Ratio that the project promises, None where a figure is for information."""


class Figure(NamedTuple):
    """A quantity that has a limit, or none, and nothing to be compared with."""

    name: str
    value: float
    unit: str
    limit: float | None


class Missing(NamedTuple):
    """Something that was not measured here, and why."""

    name: str
    reason: str


def compare(
    name: str,
    ours: Callable[[], Any],
    reference: Callable[[], Any],
    against: str,
    *,
    rounds: int = 11,
    wanted: float | None = None,
) -> Comparison:
    """Run ``ours`` and ``reference`` in turn, after one round that is not counted."""
    return summarise(name, [(seconds(ours), seconds(reference)) for _ in range(rounds + 1)][1:], against, wanted)


def summarise(name: str, times_s: Sequence[tuple[float, float]], against: str, wanted: float | None) -> Comparison:
    """Comparison from pairs (ours, reference) of times."""
    low, middle, high = statistics.quantiles([theirs / own for own, theirs in times_s], n=4)
    ours_s, reference_s = (statistics.median(column) for column in zip(*times_s, strict=True))
    return Comparison(name, against, middle, low, high, ours_s, reference_s, len(times_s), wanted)


def seconds(action: Callable[[], Any]) -> float:
    """Wall time of one call."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun
