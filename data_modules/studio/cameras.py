"""The four cameras, their names after Human3.6M's, and the squares cut around a person."""

import numpy as np
from jaxtyping import Float

from data_modules.studio.config import StudioConfig
from mcss.geometry.camera import Camera

CAMERA_NAMES = ("54138969", "55011271", "58860488", "60457274")
"""Human3.6M's camera names, sorted."""
AZIMUTH_OFFSETS_RAD = (0.03, -0.05, 0.06, -0.02)
HEIGHT_OFFSETS_MM = (0.0, 60.0, -80.0, 30.0)
DISTORTION = (-0.06, 0.03, 0.0004, -0.0003, 0.0)
AIM_HEIGHT_MM = 950.0


def studio_cameras(config: StudioConfig) -> dict[str, Camera]:
    """Set up the cameras at the corners of the room, each a little off its corner, looking at its middle."""
    cameras = {}
    for index, name in enumerate(CAMERA_NAMES):
        azimuth = np.pi / 4 + index * np.pi / 2 + AZIMUTH_OFFSETS_RAD[index]
        height = config.camera_height_mm + HEIGHT_OFFSETS_MM[index]
        ground = config.camera_distance_mm * np.array([np.cos(azimuth), np.sin(azimuth)])
        size = (config.frame_size_px, config.frame_size_px)
        cameras[name] = Camera.look_at(
            np.array([*ground, height]),
            np.array([0.0, 0.0, AIM_HEIGHT_MM]),
            config.focal_px,
            size,
            np.array(DISTORTION),
        )
    return cameras


def person_box(
    points_px: Float[np.ndarray, "points 2"], margin: float, jitter: Float[np.ndarray, " 3"]
) -> tuple[float, float, float]:
    """Square (x, y, side) around a person's pixels, with ``margin`` around it and moved and scaled by ``jitter``.

    ``jitter`` counts in sides: two shifts and a relative change of size. The square may leave the frame.
    """
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    side = float((high - low).max()) * (1 + margin) * (1 + float(jitter[2]))
    x, y = (low + high) / 2 - side / 2 + side * jitter[:2]
    return float(x), float(y), side


def pixel_grid(
    box: tuple[float, float, float], size_px: tuple[int, int], samples: int = 1
) -> Float[np.ndarray, "rows columns samples 2"]:
    """Source pixels of the sub-pixel centres of an image of ``size_px`` (width, height) that shows ``box``.

    Each pixel has ``samples`` x ``samples`` centres on a regular grid. The box's side spans the image's width.
    """
    x, y, side = box
    width, height = size_px
    pixel = side / width
    inside = (np.arange(samples) + 0.5) / samples
    columns = x + pixel * (np.arange(width)[:, None] + inside)
    rows = y + pixel * (np.arange(height)[:, None] + inside)
    grid = np.empty((height, width, samples, samples, 2))
    grid[..., 0] = columns[None, :, None, :]
    grid[..., 1] = rows[:, None, :, None]
    return grid.reshape(height, width, samples * samples, 2)
