"""Lags of recordings without a common sound: those at which what happens in their pictures is most alike.

Nothing is guessed: a lag has to stand out from all that are farther away than the width of its peak. What two cameras
leave open several may tell, because the likenesses of one camera with all others whose clocks are known add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.ndimage import gaussian_filter1d

from data_modules.sources.footage.sync import Lag, between_samples
from data_modules.sources.footage.sync_signals import Light, Seen

GRID_HZ, MOST_LAG_S, LEAST_OVERLAP_S, LEAST_OVERLAP = 50, 30.0, 2.5, 0.4
LEAST_MOVING = 0.02
"""Mean change of the pixels, in grey values, in the busiest tenth of the frames, at least."""
SWINGS_S = (0.04, 1.0)
"""Spreads of the Gaussian windows whose means' difference is compared."""
LEAST_CORRELATION, PEAK_WIDTH_S = 0.4, 0.3
LEAST_LEAD, LEAST_JOINT_LEAD = 0.55, 0.35
"""By what share of its score the best lag leads all that are farther away: of two recordings, and of one with several
others, which seldom agree on a wrong lag. Of somebody who walks, lags that are a step apart are nearly as good."""

Signal = Float64[np.ndarray, "_ dim"]
"""Values ``GRID_HZ`` times a second."""
Lags = Float64[np.ndarray, " lags"]


@dataclass(frozen=True, eq=False)
class Trace:
    """What happens in a recording's pictures, from ``start_s`` of its own clock on."""

    signal: Signal
    start_s: float
    by: str
    """What it is made from: motion or embeddings."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike two traces are at lags, ascending, of the second one's clock behind the first one's."""

    lag_s: Lags
    correlation: Lags
    score: Lags
    """Of chance alone it has the same spread at every lag."""

    def reversed(self) -> "Likeness":
        """The first one behind the second."""
        return Likeness(-self.lag_s[::-1], self.correlation[::-1], self.score[::-1])

    def behind(self, offset_s: float) -> "Likeness":
        """Lags behind the clock behind which the first one's is by ``offset_s``."""
        return Likeness(self.lag_s + offset_s, self.correlation, self.score)


def motion_trace(light: Light) -> Trace | None:
    """Rise and fall of the motion in bands of rows; None of somebody still."""
    if np.quantile(light.moving.sum(axis=1), 0.9) < LEAST_MOVING:
        return None
    signal = _on_grid(light.time_s, np.sqrt(light.moving))
    fine, coarse = (gaussian_filter1d(signal, span_s * GRID_HZ, axis=0) for span_s in SWINGS_S)
    # How near the person is to a camera changes more slowly than within a second.
    return Trace(fine - coarse, float(light.time_s[0]), "motion")


def embedding_trace(seen: Seen) -> Trace | None:
    """A network's embeddings of the person; None where nobody is seen."""
    if len(seen.time_s) < 2:
        return None
    return Trace(_on_grid(seen.time_s, seen.embedding), float(seen.time_s[0]), "embeddings")


def likeness(one: Trace, other: Trace) -> Likeness | None:
    """How alike two traces are at all lags at which enough of them overlaps; None where there are no two such lags.

    By chance a short overlap is as alike as a long one often is: Fisher's z of a correlation has the same spread
    everywhere only when it is taken times the root of the overlap.
    """
    a, b = one.signal, other.signal
    least = int(max(GRID_HZ * LEAST_OVERLAP_S, LEAST_OVERLAP * min(len(a), len(b))))
    most = int(MOST_LAG_S * GRID_HZ)
    shifts = np.arange(max(least - len(a), -most), min(len(b) - least, most) + 1)
    if len(shifts) < 2:
        return None
    alike = np.array([_correlation(a, b, shift) for shift in shifts.tolist()])
    overlap_s = (np.minimum(len(a), len(b) - shifts) - np.maximum(0, -shifts)) / GRID_HZ
    score = np.arctanh(np.clip(alike, -0.999, 0.999)) * np.sqrt(overlap_s)
    return Likeness(shifts / GRID_HZ + other.start_s - one.start_s, alike, score)


def most_alike(likenesses: Sequence[Likeness], by: str) -> tuple[Lag, float]:
    """Lag at which all are most alike together, and by what share of its score it leads others (0: do not believe)."""
    first, last = min(one.lag_s[0] for one in likenesses), max(one.lag_s[-1] for one in likenesses)
    lags = np.arange(first, last + 0.5 / GRID_HZ, 1 / GRID_HZ)
    score = np.sum([np.interp(lags, one.lag_s, one.score, 0.0, 0.0) for one in likenesses], axis=0)
    best = int(score.argmax())
    fraction = between_samples(score[best - 1 : best + 2]) if 0 < best < len(score) - 1 else 0.0
    alike = float(np.mean([np.interp(lags[best], one.lag_s, one.correlation, 0.0, 0.0) for one in likenesses]))
    rival = score[np.abs(lags - lags[best]) > PEAK_WIDTH_S].max(initial=0.0)
    lead = float(1 - rival / score[best]) if alike >= LEAST_CORRELATION else 0.0
    return Lag(float(lags[best] + fraction / GRID_HZ), None, by, alike), lead


def _on_grid(time_s: Float64[np.ndarray, " frames"], values: Float64[np.ndarray, "frames dim"]) -> Signal:
    """Values from the first frame on, ``GRID_HZ`` times a second."""
    grid = np.arange(time_s[0], time_s[-1], 1 / GRID_HZ)
    return np.stack([np.interp(grid, time_s, column) for column in values.T], axis=1)


def _correlation(a: Signal, b: Signal, shift: int) -> float:
    """Pearson's, over time and columns, of what overlaps when b[i + shift] belongs to a[i]."""
    first, last = max(0, -shift), min(len(a), len(b) - shift)
    one, other = a[first:last], b[first + shift : last + shift]
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / size if size > 0 else 0.0
