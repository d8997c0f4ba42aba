"""How many offsets between videos are found, and how many wrong ones: with sound, and of silent rehearsal footage."""

import csv
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from benchmarks.timing import Figure
from data_modules.sources.footage.sync import sound_lag
from data_modules.sources.footage.sync_clip import sync_clip
from data_modules.sources.footage.sync_signals import SOUND_HZ, Sound
from data_modules.sources.footage.sync_table import own_clocks
from data_modules.sources.footage.videos import Videos
from data_modules.sources.studio import sound as scene
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.rehearsal import CLAP_S, LATEST_START_S, MOST_DRIFT_PPM, Shoot, film_views

WITH_SOUND, SOUND_FRAME_S = 40, 1 / 30
SILENT_CLIPS = [("S1", "Directions", 1), ("S1", "Phoning", 1), ("S9", "Greeting", 1)]
SILENT_FRAME_S = 1 / 24
"""Of the slowest camera."""


def sound_errors_s(rng: np.random.Generator) -> list[float]:
    """Error of the lag of each of ``WITH_SOUND`` pairs of recordings at the middle of the take; NaN if not found."""
    errors = []
    for _ in range(WITH_SOUND):
        duration_s = float(rng.choice([8.0, 20.0, 60.0]))
        heard = scene.scene_sound(rng, duration_s + LATEST_START_S, CLAP_S)
        start_s, drift_ppm = rng.uniform(0, LATEST_START_S, 2), rng.uniform(-MOST_DRIFT_PPM, MOST_DRIFT_PPM, 2)
        own_s = np.arange(int(duration_s * scene.SOUND_HZ)) / scene.SOUND_HZ
        a, b = (
            Sound(
                resample_poly(
                    scene.heard(heard, start + own_s / (1 + 1e-6 * drift), rng), 1, scene.SOUND_HZ // SOUND_HZ
                ),
                0.0,
            )
            for start, drift in zip(start_s, drift_ppm, strict=True)
        )
        lag, middle_s = sound_lag(a, b), duration_s / 2
        rates = 1 + 1e-6 * drift_ppm
        true_s = (start_s[0] - start_s[1] + middle_s / rates[0]) * rates[1] - middle_s
        found_s = np.nan if lag is None else lag.lag_s + 1e-6 * (lag.drift_ppm or 0.0) * middle_s
        errors.append(abs(found_s - true_s))
    return errors


def silent_errors_s(folder: Path) -> list[float]:
    """Error of the offsets of every two cameras of silent clips to each other; NaN where they cannot be told."""
    errors = []
    film_views(PRESETS["studio"], SILENT_CLIPS, folder, Shoot((192, 108), sound=False))
    with (folder / "truth/sync.csv").open(newline="") as file:
        offset_s = {row["video"]: float(row["offset_s"]) for row in csv.DictReader(file)}
    source = Videos(folder)
    for clip in source.clips():
        offsets = sync_clip(own_clocks(source, clip, {})).offsets
        for a, b in combinations(source.cameras(clip), 2):
            true_s = offset_s[f"{clip[0]}/{clip[1]}/{b}"] - offset_s[f"{clip[0]}/{clip[1]}/{a}"]
            is_known = {a, b} <= offsets.keys()
            errors.append(abs(offsets[b].lag_s - offsets[a].lag_s - true_s) if is_known else np.nan)
    return errors


def measure() -> list[Figure]:
    """Shares of all pairs, in percent."""
    with_sound = np.array(sound_errors_s(np.random.default_rng(0)))
    with tempfile.TemporaryDirectory() as folder:
        silent = np.array(silent_errors_s(Path(folder)))
    return [
        Figure("offsets with sound: not within a frame", 100 * float((~(with_sound <= SOUND_FRAME_S)).mean()), "%", 5),
        Figure("offsets of silent videos: two frames off", 100 * float((silent > 2 * SILENT_FRAME_S).mean()), "%", 5),
        Figure("offsets of silent videos: cannot tell", 100 * float(np.isnan(silent).mean()), "%", 50),
    ]
