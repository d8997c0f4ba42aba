"""The cameras, drawn: where they stand and what lens each has; and the pixels of the squares cut around a person."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream
from mcss.geometry.camera import Camera

GOLDEN_ANGLE_RAD = np.pi * (3 - 5**0.5)
"""From one camera to the next around the room: any number of the first ones stand well apart."""
AZIMUTH_JITTER_RAD = 0.15
DISTANCE_MM = (3300.0, 5500.0)
"""In the plane, from the middle of the room."""
HEIGHT_MM = (900.0, 2300.0)
AIM_MM = ((-150.0, 150.0), (-150.0, 150.0), (850.0, 1050.0))
"""Each coordinate of the point that a camera looks at."""
ROLL_DEG = 2.5
"""Standard deviation; no camera is tilted by more than twice as much."""
FILLED = (0.75, 0.98)
"""Share of half of the frame that the space where people move fills: the shorter, the wider the lens."""
OFF_CENTER_SHARE = 0.012
"""Of the principal point from the middle, standard deviation as a share of the frame's side."""
SEEN_RADIUS_MM, SEEN_HEIGHT_MM = 1900.0, 2000.0
"""The cylinder in the middle of the room that every camera sees all of."""


def studio_cameras(config: StudioConfig) -> dict[str, Camera]:
    """Draw the cameras. The n-th one is the same whatever the number of cameras."""
    return {name: _draw_camera(config, number) for number, name in enumerate(config.cameras)}


def _draw_camera(config: StudioConfig, number: int) -> Camera:
    first_rad = stream(config.seed, "cameras").uniform(-np.pi, np.pi)
    rng = stream(config.seed, "camera", number)
    azimuth = first_rad + number * GOLDEN_ANGLE_RAD + rng.uniform(-AZIMUTH_JITTER_RAD, AZIMUTH_JITTER_RAD)
    ground = rng.uniform(*DISTANCE_MM) * np.array([np.cos(azimuth), np.sin(azimuth)])
    center = np.array([*ground, rng.uniform(*HEIGHT_MM)])
    target = np.array([rng.uniform(*bounds) for bounds in AIM_MM])
    roll_deg = float(np.clip(rng.normal(0, ROLL_DEG), -2 * ROLL_DEG, 2 * ROLL_DEG))
    distortion = np.array([rng.uniform(-0.08, 0.01), rng.uniform(0.0, 0.03), *rng.normal(0, 0.0004, 2), 0.0])
    filled, off_center = rng.uniform(*FILLED), rng.normal(0, OFF_CENTER_SHARE, 2)
    size = (config.frame_size_px, config.frame_size_px)
    level = Camera.look_at(center, target, 1.0, size, distortion)
    rot = Rotation.from_euler("z", roll_deg, degrees=True).as_matrix() @ level.rot_world_to_cam
    middle = config.frame_size_px * (0.5 + off_center)
    unit = Camera(rot, -rot @ center, np.eye(3), distortion, size)
    # With focal length f, a point at the normalised place x is seen at f x + middle.
    seen = unit.project(_seen_cylinder())
    room_px = np.where(seen > 0, config.frame_size_px - middle, middle)
    focal_px = filled * float((room_px / np.maximum(np.abs(seen), 1e-6)).min())
    intrinsics = np.array([[focal_px, 0.0, middle[0]], [0.0, focal_px, middle[1]], [0.0, 0.0, 1.0]])
    return Camera(rot, unit.trans_mm, intrinsics, distortion, size)


def _seen_cylinder() -> Float[np.ndarray, "points 3"]:
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = SEEN_RADIUS_MM * np.stack([np.cos(around), np.sin(around)], axis=-1)
    return np.concatenate([np.insert(ring, 2, height, axis=1) for height in (0.0, SEEN_HEIGHT_MM)])


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
