"""The room: a box with drawn surfaces, lamps and furniture, the same for everybody who is filmed in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from data_modules.sources.studio.backgrounds import pictured_sides
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream
from data_modules.sources.studio.furniture import furnish
from data_modules.sources.studio.lamps import Lighting, draw_lighting
from data_modules.sources.studio.solids import Solid
from data_modules.sources.studio.textures import TEXEL_MM, draw_ceiling, draw_floor, draw_wall
from mcss.geometry.camera import Camera

BEYOND_CAMERAS_MM = (250.0, 1300.0)
"""Distance of each wall from the camera that stands nearest to it."""
HEIGHT_MM = (2500.0, 3800.0)
ABOVE_CAMERAS_MM = 300.0


@dataclass(frozen=True, eq=False)
class Room:
    """An axis-aligned box seen from inside.

    Attributes:
        low_mm, high_mm: opposite corners.
        textures: RGB in [0, 1] of the sides at -X, +X, -Y, +Y, and of floor and ceiling, one texel ``TEXEL_MM`` wide.
        lighting: lamps and the light from everywhere.
        furniture: what stands along the walls.
    """

    low_mm: Float[np.ndarray, " 3"]
    high_mm: Float[np.ndarray, " 3"]
    textures: tuple[Float32[np.ndarray, "_ _ 3"], ...]
    lighting: Lighting
    furniture: Solid

    def hit(
        self, origin_mm: Float[np.ndarray, " 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> tuple[Float[np.ndarray, "rays 3"], Int[np.ndarray, " rays"], Float[np.ndarray, "rays 3"]]:
        """Points where rays from inside meet the box, the side met, and the texture's colour there."""
        safe = np.where(np.abs(directions) < 1e-9, 1e-9, directions)
        distances = (np.where(safe > 0, self.high_mm, self.low_mm) - origin_mm) / safe
        axis = distances.argmin(axis=1)
        rows = np.arange(len(axis))
        points = origin_mm + directions * distances[rows, axis][:, None]
        side = 2 * axis + (safe[rows, axis] > 0)
        colors = np.empty_like(points)
        texel = (points - self.low_mm) / TEXEL_MM
        for index, texture in enumerate(self.textures):
            chosen = np.flatnonzero(side == index)
            across, up = [i for i in range(3) if i != index // 2]
            column = texel[chosen, across].astype(np.int64).clip(0, texture.shape[1] - 1)
            row = texel[chosen, up].astype(np.int64).clip(0, texture.shape[0] - 1)
            colors[chosen] = texture[row, column]
        return points, side.astype(np.int64), colors


def side_normals(side: Int[np.ndarray, " rays"]) -> Float[np.ndarray, "rays 3"]:
    """Inward normals of the room's sides."""
    inward = np.zeros((6, 3))
    inward[np.arange(6), np.arange(6) // 2] = [1, -1, 1, -1, 1, -1]
    return inward[side]


def build_room(config: StudioConfig, cameras: Sequence[Camera]) -> Room:
    """Draw the room about the cameras: its size, its surfaces, its lamps and its furniture.

    Raises:
        InputError: a picture of ``config.backgrounds`` cannot be read.
    """
    rng = stream(config.seed, "room")
    centers = np.array([camera.center_world_mm for camera in cameras])
    half = np.abs(centers[:, :2]).max(axis=0) + rng.uniform(*BEYOND_CAMERAS_MM, 2)
    height = max(rng.uniform(*HEIGHT_MM), centers[:, 2].max() + ABOVE_CAMERAS_MM)
    low, high = np.array([*-half, 0.0]), np.array([*half, height])
    wide, deep, tall = ((high - low) / TEXEL_MM).astype(int).tolist()
    shapes = [(tall, deep), (tall, deep), (tall, wide), (tall, wide), (deep, wide), (deep, wide)]
    painters = [draw_wall, draw_wall, draw_wall, draw_wall, draw_floor, draw_ceiling]
    sides = {
        index: paint(stream(config.seed, "side", index), shape)
        for index, (paint, shape) in enumerate(zip(painters, shapes, strict=True))
    }
    if config.backgrounds:
        sides |= pictured_sides(config, low, high, shapes)
    return Room(
        low,
        high,
        tuple(sides[index].astype(np.float32) for index in range(6)),
        draw_lighting(config.seed, half, height),
        furnish(config, half, height, cameras),
    )
