"""Times two implementations in turn in one process, because ratios vary less than times on a shared machine."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Comparison(NamedTuple):
    """Speed relative to ``reference``: median and quartiles over the rounds."""

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
    """Ratio to reach; None if the ratio is for information."""


class Figure(NamedTuple):
    """A quantity, with its limit if it has one."""

    name: str
    value: float
    unit: str
    limit: float | None


class Missing(NamedTuple):
    """Something that was not measured, and the reason."""

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
