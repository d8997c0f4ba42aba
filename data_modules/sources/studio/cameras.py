"""The cameras of a site, and the squares cut around a person."""

import numpy as np
from jaxtyping import Float

from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.sites import SITES
from mcss.geometry.camera import Camera

DISTORTION = (-0.06, 0.03, 0.0004, -0.0003, 0.0)
AIM_HEIGHT_MM = 950.0


def studio_cameras(config: StudioConfig) -> dict[str, Camera]:
    """Set up the cameras of the configuration's site, looking at the middle of its room."""
    cameras = {}
    site = SITES[config.site]
    for name, azimuth, height_offset_mm in zip(site.cameras, site.azimuths_rad, site.height_offsets_mm, strict=True):
        ground = config.camera_distance_mm * np.array([np.cos(azimuth), np.sin(azimuth)])
        size = (config.frame_size_px, config.frame_size_px)
        cameras[name] = Camera.look_at(
            np.array([*ground, config.camera_height_mm + height_offset_mm]),
            np.array([0.0, 0.0, AIM_HEIGHT_MM]),
            config.focal_px,
            size,
            np.array(DISTORTION),
        )
    return cameras


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
