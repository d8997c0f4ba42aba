"""Offsets of all cameras of a clip from the lags between every two of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

from data_modules.sources.footage.recordings import Recording
from data_modules.sources.footage.sync import Lag, embedding_lag, flash_lag, motion_lag, sound_lag
from data_modules.sources.footage.sync_signals import Light, Seen, read_light, read_sound

RANK = {"sound": 3, "flash": 2, "embeddings": 1, "motion": 0}
"""What is believed before what."""


@dataclass(frozen=True)
class ClipSync:
    """What is known of the clocks of a clip's cameras, whose recordings are on their own clocks."""

    pairs: dict[tuple[str, str], Lag | None]
    """Lag of the second camera behind the first; None where nothing tells."""
    offsets: dict[str, Lag]
    """Lag of each camera behind the first one that has any; cameras that nothing ties to it are not there."""


def sync_clip(
    recordings: list[Recording], sound_only: bool = False, see: Callable[[Recording], Seen] | None = None
) -> ClipSync:
    """Measure the lag between every two recordings of a clip.

    Args:
        recordings: on their own clocks.
        sound_only: look at no picture, which takes as long as decoding the videos.
        see: the person by a network, which tells more exactly than the amount of motion does.

    Raises:
        InputError: a recording cannot be read.
    """
    sounds = {recording.camera: read_sound(recording.path) for recording in recordings}
    by_name = {recording.camera: recording for recording in recordings}
    lights: dict[str, Light] = {}
    seen: dict[str, Seen] = {}
    pairs: dict[tuple[str, str], Lag | None] = {}
    for a, b in combinations(sounds, 2):
        sound_a, sound_b = sounds[a], sounds[b]
        lag = sound_lag(sound_a, sound_b) if sound_a is not None and sound_b is not None else None
        if lag is None and not sound_only:
            for camera in {a, b} - lights.keys():
                lights[camera] = read_light(by_name[camera])
            lag = flash_lag(lights[a], lights[b])
            if lag is None and see is not None:
                for camera in {a, b} - seen.keys():
                    seen[camera] = see(by_name[camera])
                lag = embedding_lag(seen[a], seen[b])
            lag = lag or motion_lag(lights[a], lights[b])
        pairs[a, b] = lag
    return ClipSync(pairs, _offsets(list(sounds), pairs))


def _offsets(cameras: list[str], pairs: Mapping[tuple[str, str], Lag | None]) -> dict[str, Lag]:
    """Follow the most trustworthy lags from the first camera that has any."""
    known = {pair: lag for pair, lag in pairs.items() if lag is not None}
    if not known:
        return {}
    first = next(camera for camera in cameras if any(camera in pair for pair in known))
    offsets = {first: Lag(0.0, 0.0, "itself", 1.0)}
    while edges := {pair: lag for pair, lag in known.items() if (pair[0] in offsets) != (pair[1] in offsets)}:
        (a, b), lag = max(edges.items(), key=lambda edge: (RANK[edge[1].by], edge[1].confidence))
        if a in offsets:
            offsets[b] = _after(offsets[a], lag)
        else:
            offsets[a] = _after(offsets[b], _reversed(lag))
    return offsets


def _after(first: Lag, second: Lag) -> Lag:
    """Lag of c behind a, from that of b behind a and that of c behind b; drifts of millionths add up."""
    drift = None if first.drift_ppm is None or second.drift_ppm is None else first.drift_ppm + second.drift_ppm
    rate = 1 + 1e-6 * (second.drift_ppm or 0.0)
    confidence = min(first.confidence, second.confidence)
    return Lag(first.lag_s * rate + second.lag_s, drift, second.by, confidence)


def _reversed(lag: Lag) -> Lag:
    rate = 1 + 1e-6 * (lag.drift_ppm or 0.0)
    return Lag(-lag.lag_s / rate, None if lag.drift_ppm is None else -lag.drift_ppm, lag.by, lag.confidence)


def differences(name: str, found: ClipSync, recordings: list[Recording], written: Mapping[str, float]) -> list[str]:
    """Pairs of videos whose written offsets differ from the measured lag by more than a frame of the slower one."""
    frame_s = {recording.camera: 1 / recording.fps for recording in recordings}
    lines = []
    for (a, b), lag in found.pairs.items():
        if lag is None or a not in written or b not in written:
            continue
        apart_s = written[b] - written[a] - lag.lag_s
        if abs(apart_s) > max(frame_s[a], frame_s[b]):
            lines.append(
                f"{name}: sync.csv puts {b} {written[b] - written[a]:+.3f} s behind {a}, their {lag.by} says "
                f"{lag.lag_s:+.3f} s; check the offsets"
            )
    return lines
