"""The sound of a scene, and what a phone records of it."""

import numpy as np
from jaxtyping import Float64

SOUND_HZ = 48_000
EVENTS_PER_S = 3


def scene_sound(rng: np.random.Generator, duration_s: float, clap_s: float) -> Float64[np.ndarray, " samples"]:
    """A clap at ``clap_s``, and now and then steps and bursts as of speech, each of noise that fades."""
    sound = np.zeros(int(SOUND_HZ * duration_s))
    count = int(EVENTS_PER_S * duration_s)
    starts_s = np.append(rng.uniform(0, duration_s, count), clap_s)
    loudness = np.append(rng.uniform(0.05, 0.3, count), 1.0)
    decays_s = np.append(rng.uniform(0.01, 0.15, count), 0.01)
    for start_s, loud, decay_s in zip(starts_s, loudness, decays_s, strict=True):
        first = int(SOUND_HZ * start_s)
        length = min(int(6 * SOUND_HZ * decay_s), len(sound) - first)
        fade = np.exp(-np.arange(length) / (SOUND_HZ * decay_s))
        sound[first : first + length] += loud * fade * rng.normal(size=length)
    return sound


def heard(
    sound: Float64[np.ndarray, " samples"], scene_time_s: Float64[np.ndarray, " times"], rng: np.random.Generator
) -> Float64[np.ndarray, " times"]:
    """What a phone records of a sound at these times of the scene: between -1 and 1, with noise of its own."""
    own = np.interp(scene_time_s, np.arange(len(sound)) / SOUND_HZ, sound, left=0.0, right=0.0)
    own = rng.uniform(0.3, 1.0) * own + rng.normal(0, 0.01, len(own))
    return own / max(1.0, float(np.abs(own).max()))
