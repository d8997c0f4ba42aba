"""By how much two recordings' clocks differ, by their sound or by a flash that both saw.

The lag of b behind a is what b's clock shows minus what a's clock shows at one moment. Nothing is guessed: an answer
has to stand out from all other lags.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.stats import theilslopes

from data_modules.sources.footage.sync_signals import SOUND_HZ, Light, Sound

BAND_HZ = (100.0, 3500.0)
WINDOWS, SHORTEST_WINDOW_S, LONGEST_WINDOW_S = 12, 2.0, 10.0
LEAST_PEAK = 9.0
"""Height of a correlation's peak over the spread of all its values; of noise the highest is about 5."""
LEAST_PEAK_LEAD, PEAK_WIDTH_SAMPLES = 2.0, 8
"""How many times as high the peak is as all that is farther away than this. Two different bangs have no such peak."""
AGREE_S = 0.02
"""Windows agree whose lags differ by less than this, and by what MOST_DRIFT makes of the time between them."""
MOST_DRIFT = 3e-4
LEAST_AGREEING = 0.6
DRIFT_SPAN_S = 20.0
"""A drift is measured where the windows lie farther apart than this."""
FLASH_SPREADS, FLASH_GREY = 8.0, 4.0
"""A flash: brightness rises by this many times its usual change, and by this many grey values."""


@dataclass(frozen=True)
class Lag:
    """How much later a moment is on b's clock than on a's."""

    lag_s: float
    """Where a's clock is at 0."""
    drift_ppm: float | None
    """By how much b's clock runs faster than a's; None where the recordings are too short to tell."""
    by: str
    """What told: sound, flash, embeddings or motion."""
    confidence: float
    """From 0 to 1: share of the windows of sound that agree, or the correlation of motion or embeddings."""


def sound_lag(a: Sound, b: Sound) -> Lag | None:
    """Lag by the generalised cross-correlation with phase transform of windows of a with all of b.

    Knapp and Carter, "The generalized correlation method for estimation of time delay", 1976.
    """
    duration_s = len(a.samples) / SOUND_HZ
    window = int(SOUND_HZ * min(max(duration_s / 4, SHORTEST_WINDOW_S), LONGEST_WINDOW_S, duration_s))
    size = next_fast_len(window + len(b.samples), real=True)
    spectrum_b = rfft(b.samples - b.samples.mean(), size)
    frequency = rfftfreq(size, 1 / SOUND_HZ)
    in_band = (frequency >= BAND_HZ[0]) & (frequency <= BAND_HZ[1])
    times, lags, heights = [], [], []
    count = min(WINDOWS, len(a.samples) // window)  # apart from each other: one bang is in one window
    for first in np.linspace(0, len(a.samples) - window, count).astype(int).tolist():
        cross = np.conj(rfft(a.samples[first : first + window], size)) * spectrum_b
        size_of = np.abs(cross)
        cross = np.where(in_band & (size_of > 0), cross / np.maximum(size_of, 1e-30), 0)
        shift, height = _peak(irfft(cross, size), window)
        times.append(a.start_s + (first + window / 2) / SOUND_HZ)
        lags.append(b.start_s - a.start_s + (shift - first) / SOUND_HZ)
        heights.append(height)
    return _agreed(np.array(times), np.array(lags), np.array(heights))


def _peak(correlation: Float64[np.ndarray, " lags"], window: int) -> tuple[float, float]:
    """Shift of the highest value, to a fraction of a sample, and its height in standard deviations; 0 without lead."""
    best = int(correlation.argmax())
    top = correlation[best]
    fraction = between_samples(correlation[[best - 1, best, (best + 1) % len(correlation)]])
    shift = best - len(correlation) if best > len(correlation) - window else best
    others = np.roll(correlation, PEAK_WIDTH_SAMPLES - best)[2 * PEAK_WIDTH_SAMPLES + 1 :]
    height = float(top / correlation.std()) if top >= LEAST_PEAK_LEAD * others.max() else 0.0
    return shift + fraction, height


def between_samples(around: Float64[np.ndarray, " 3"]) -> float:
    """Place of the top of the parabola through a highest value and its neighbours, from the middle one."""
    below, top, above = around.tolist()
    curve = below - 2 * top + above
    return min(max(0.5 * (below - above) / curve, -0.5), 0.5) if curve < 0 else 0.0


def _agreed(
    time_s: Float64[np.ndarray, " windows"],
    lag_s: Float64[np.ndarray, " windows"],
    height: Float64[np.ndarray, " windows"],
) -> Lag | None:
    """Line through the lags of those windows that stand out and agree, or None."""
    clear = height >= LEAST_PEAK
    if not clear.any():
        return None
    time_s, lag_s = time_s[clear], lag_s[clear]
    apart_s = np.abs(time_s[:, None] - time_s)
    agree = np.abs(lag_s[:, None] - lag_s) <= AGREE_S + MOST_DRIFT * apart_s
    best = agree[agree.sum(axis=1).argmax()]
    if best.sum() < LEAST_AGREEING * len(best):
        return None
    time_s, lag_s = time_s[best], lag_s[best]
    confidence = float(best.mean())
    if np.ptp(time_s) < DRIFT_SPAN_S:
        return Lag(float(np.median(lag_s)), None, "sound", confidence)
    slope, intercept, _, _ = theilslopes(lag_s, time_s)
    return Lag(float(intercept), 1e6 * float(slope), "sound", confidence)


def flash_lag(a: Light, b: Light) -> Lag | None:
    """Lag between the only sudden rise of brightness in each."""
    times = [_flash_s(light) for light in (a, b)]
    if times[0] is None or times[1] is None:
        return None
    return Lag(times[1] - times[0], None, "flash", 1.0)


def _flash_s(light: Light) -> float | None:
    rise = np.diff(light.brightness)
    usual = float(np.median(np.abs(rise - np.median(rise)))) if len(rise) else 0.0
    found = np.flatnonzero(rise > max(FLASH_SPREADS * usual, FLASH_GREY))
    if not len(found) or found[-1] - found[0] > 2:
        return None
    return float(light.time_s[found[0] + 1])
