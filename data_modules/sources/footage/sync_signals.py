"""What two recordings of one scene have in common: their sound, the person's motion, and flashes of light."""

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from jaxtyping import Float64

from data_modules.sources.footage.recordings import Recording, read_pictures
from data_modules.video_files import open_video

SOUND_HZ = 8000
SILENCE = 1e-4
"""Standard deviation of a sound (1 = full scale) below which there is none."""
SMALL_PX = 96
"""Longer side of the pictures whose differences are motion."""
NOISE = 6
"""Grey values by which sensor noise may change a pixel from frame to frame; what is more is motion."""
BANDS = 8
"""Bands of rows with as much motion each over the recording: all cameras see what is high and what is low alike."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Mono sound; ``start_s`` is the time of its first sample on the video's own clock."""

    samples: Float64[np.ndarray, " samples"]
    start_s: float


@dataclass(frozen=True, eq=False)
class Light:
    """Of each frame on the recording's own clock: how much moves, and mean brightness."""

    time_s: Float64[np.ndarray, " frames"]
    moving: Float64[np.ndarray, "frames bands"]
    """Change of the pixels since the frame before, from the upper band of rows to the lower, in grey values of the mean
    pixel."""
    brightness: Float64[np.ndarray, " frames"]


@dataclass(frozen=True, eq=False)
class Seen:
    """Of frames that show the person, on the recording's own clock: a network's embedding."""

    time_s: Float64[np.ndarray, " frames"]
    embedding: Float64[np.ndarray, "frames dim"]


def read_sound(path: Path) -> Sound | None:
    """Sound of a video; none where it has no sound, or silence.

    Raises:
        InputError: the file is no video.
    """
    if path.is_dir():
        return None
    with open_video(path) as container:
        if not container.streams.audio:
            return None
        video, audio = container.streams.video[0], container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SOUND_HZ)
        parts, start_s = [], None
        try:
            for frame in container.decode(audio):
                start_s = frame.time if start_s is None else start_s
                parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        except av.FFmpegError:  # what was read until there may be enough
            pass
        parts += [part.to_ndarray()[0] for part in resampler.resample(None)] if parts else []
        first_frame_s = float((video.start_time or 0) * (video.time_base or 0))
    samples = np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)
    if len(samples) < SOUND_HZ or samples.std() < SILENCE:
        return None
    return Sound(samples, (start_s or 0.0) - first_frame_s)


def read_light(recording: Recording) -> Light:
    """Motion and brightness of every frame; times as the recording's.

    Raises:
        InputError: the recording cannot be read.
    """
    rows, brightness, pictures = [], [], []
    before = np.zeros((0, 0))
    for picture, image in read_pictures(recording, range(len(recording.time_s))):
        pictures.append(picture)
        scale = SMALL_PX / max(image.shape[:2])
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float64)
        brightness.append(float(small.mean()))
        small -= small.mean()  # a flash brightens all pixels alike; it is no motion
        change = np.maximum(np.abs(small - before) - NOISE, 0) if before.shape == small.shape else np.zeros(small.shape)
        rows.append(change.mean(axis=1) / len(change))
        before = small
    rows[0] = rows[min(1, len(rows) - 1)]
    return Light(recording.time_s[pictures], in_bands(np.array(rows)), np.array(brightness))


def in_bands(rows: Float64[np.ndarray, "frames rows"]) -> Float64[np.ndarray, "frames bands"]:
    """Sums over ``BANDS`` bands of rows, each of which has about as much in all frames together."""
    share = np.cumsum(rows.sum(axis=0)) / max(float(rows.sum()), 1e-12)
    ends = np.searchsorted(share, np.arange(1, BANDS) / BANDS) + 1
    return np.stack([band.sum(axis=1) for band in np.split(rows, ends, axis=1)], axis=1)
