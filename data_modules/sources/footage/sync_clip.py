"""Offsets of all cameras of a clip from the lags between every two of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations, product

from data_modules.sources.footage.recordings import Recording
from data_modules.sources.footage.sync import Lag, flash_lag, sound_lag
from data_modules.sources.footage.sync_likeness import (
    LEAST_JOINT_LEAD,
    LEAST_LEAD,
    Likeness,
    Trace,
    embedding_trace,
    likeness,
    most_alike,
    motion_trace,
)
from data_modules.sources.footage.sync_signals import Light, Seen, read_light, read_sound

RANK = {"sound": 3, "flash": 2, "embeddings": 1, "motion": 0}
"""What is believed before what."""

Pairs = dict[tuple[str, str], Lag | None]
"""Lag of the second camera behind the first; None where nothing tells."""


Alike = tuple[list[Likeness], str]
"""How alike the pictures of two recordings are, and what tells it best."""


@dataclass(frozen=True)
class ClipSync:
    """What is known of the clocks of a clip's cameras, whose recordings are on their own clocks."""

    pairs: Pairs
    """By the two recordings alone."""
    offsets: dict[str, Lag]
    """Lag of each camera behind the first one that has any; cameras that nothing ties to it are not there."""


class _Pictures:
    """What can be told from the pictures of recordings; each recording is decoded when it is first asked for."""

    def __init__(self, recordings: list[Recording], see: Callable[[Recording], Seen] | None) -> None:
        self._recordings, self._see = {recording.camera: recording for recording in recordings}, see
        self._lights: dict[str, Light] = {}
        self._traces: dict[str, list[Trace]] = {}

    def light(self, camera: str) -> Light:
        if camera not in self._lights:
            self._lights[camera] = read_light(self._recordings[camera])
        return self._lights[camera]

    def alike(self, a: str, b: str) -> "Alike | None":
        """By all that both cameras have: motion tells the lag more exactly, embeddings which of several it is."""
        found = {
            one.by: part
            for one, other in product(self._traces_of(a), self._traces_of(b))
            if one.by == other.by and (part := likeness(one, other))
        }
        return (list(found.values()), max(found, key=RANK.__getitem__)) if found else None

    def _traces_of(self, camera: str) -> list[Trace]:
        if camera not in self._traces:
            seen = embedding_trace(self._see(self._recordings[camera])) if self._see else None
            self._traces[camera] = [trace for trace in (seen, motion_trace(self.light(camera))) if trace]
        return self._traces[camera]


def sync_clip(
    recordings: list[Recording], sound_only: bool = False, see: Callable[[Recording], Seen] | None = None
) -> ClipSync:
    """Measure the lag between every two recordings of a clip.

    Args:
        recordings: on their own clocks.
        sound_only: look at no picture, which takes as long as decoding the videos.
        see: the person by a network, which tells more than the amount of motion does.

    Raises:
        InputError: a recording cannot be read.
    """
    sounds = {recording.camera: read_sound(recording.path) for recording in recordings}
    pictures = _Pictures(recordings, see)
    pairs: Pairs = {}
    alike: dict[tuple[str, str], Alike] = {}
    for a, b in combinations(sounds, 2):
        sound_a, sound_b = sounds[a], sounds[b]
        lag = sound_lag(sound_a, sound_b) if sound_a is not None and sound_b is not None else None
        if lag is None and not sound_only:
            lag = flash_lag(pictures.light(a), pictures.light(b))
            if lag is None and (found := pictures.alike(a, b)):
                alike[a, b] = found
                best, lead = most_alike(*found)
                lag = best if lead >= LEAST_LEAD else None
        pairs[a, b] = lag
    return ClipSync(pairs, _offsets(list(sounds), pairs, alike))


def _offsets(
    cameras: list[str],
    pairs: Mapping[tuple[str, str], Lag | None],
    alike: Mapping[tuple[str, str], Alike],
) -> dict[str, Lag]:
    """Follow the most trustworthy lags from the first camera that has any, then ask all known cameras together."""
    known = {pair: lag for pair, lag in pairs.items() if lag is not None}
    if not known:
        return {}
    first = next(camera for camera in cameras if any(camera in pair for pair in known))
    offsets = {first: Lag(0.0, 0.0, "itself", 1.0)}
    while len(offsets) < len(cameras):
        if edges := {pair: lag for pair, lag in known.items() if (pair[0] in offsets) != (pair[1] in offsets)}:
            (a, b), lag = max(edges.items(), key=lambda edge: (RANK[edge[1].by], edge[1].confidence))
            if a in offsets:
                offsets[b] = _after(offsets[a], lag)
            else:
                offsets[a] = _after(offsets[b], _reversed(lag))
            continue
        found = {
            camera: joint for camera in cameras if camera not in offsets and (joint := _joint(camera, offsets, alike))
        }
        camera = max(found, key=lambda camera: found[camera][1], default=None)
        if camera is None or found[camera][1] < LEAST_JOINT_LEAD:
            break
        offsets[camera] = found[camera][0]
    return offsets


def _joint(camera: str, offsets: Mapping[str, Lag], alike: Mapping[tuple[str, str], Alike]) -> tuple[Lag, float] | None:
    """Lag of a camera by its likeness to two or more whose offsets are known, and its lead."""
    parts, others, by = [], set(), "motion"
    for (a, b), (found, by_pair) in alike.items():
        if camera in (a, b) and (other := b if camera == a else a) in offsets:
            others.add(other)
            parts += [(one if camera == b else one.reversed()).behind(offsets[other].lag_s) for one in found]
            by = max(by, by_pair, key=RANK.__getitem__)
    return most_alike(parts, by) if len(others) > 1 else None


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
