"""The room: a textured box with a lamp, the same for every subject of a site."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int

from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream
from data_modules.sources.studio.sites import SITES, Site

TEXEL_MM = 10.0


@dataclass(frozen=True, eq=False)
class Room:
    """An axis-aligned box seen from inside.

    Attributes:
        low_mm, high_mm: opposite corners.
        textures: RGB in [0, 1] of the six sides, one texel ``TEXEL_MM`` wide.
        lamp_mm: position of the lamp.
    """

    low_mm: Float[np.ndarray, " 3"]
    high_mm: Float[np.ndarray, " 3"]
    textures: tuple[Float32[np.ndarray, "_ _ 3"], ...]
    lamp_mm: Float[np.ndarray, " 3"]

    def hit(
        self, origins_mm: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> tuple[Float[np.ndarray, "rays 3"], Int[np.ndarray, " rays"], Float[np.ndarray, "rays 3"]]:
        """Points where rays from inside meet the box, the side met, and the texture's colour there."""
        safe = np.where(np.abs(directions) < 1e-9, 1e-9, directions)
        distances = (np.where(safe > 0, self.high_mm, self.low_mm) - origins_mm) / safe
        axis = distances.argmin(axis=1)
        rows = np.arange(len(axis))
        points = origins_mm + directions * distances[rows, axis][:, None]
        side = 2 * axis + (safe[rows, axis] > 0)
        colors = np.empty_like(points)
        texel = (points - self.low_mm) / TEXEL_MM
        for index, texture in enumerate(self.textures):
            chosen = np.flatnonzero(side == index)
            if len(chosen):
                across, up = [i for i in range(3) if i != index // 2]
                column = texel[chosen, across].astype(np.int64).clip(0, texture.shape[1] - 1)
                row = texel[chosen, up].astype(np.int64).clip(0, texture.shape[0] - 1)
                colors[chosen] = texture[row, column]
        return points, side.astype(np.int64), colors


def build_room(config: StudioConfig) -> Room:
    """Build the room of the configuration's site; its decoration depends on site and seed alone."""
    rng, site = stream(config.seed, "room"), SITES[config.site]
    half, height = config.room_half_width_mm, config.room_height_mm
    wide, high = int(2 * half / TEXEL_MM), int(height / TEXEL_MM)
    walls = [
        _wall(np.array(color), kind, (high, wide), rng)
        for kind, color in zip(site.wall_kinds, site.wall_colors, strict=True)
    ]
    ceiling = np.full((wide, wide, 3), 0.85, dtype=np.float32)
    textures = (*walls, _floor(site, wide, rng), ceiling)
    smooth = tuple(cv2.GaussianBlur(texture, (0, 0), 1.2) for texture in textures)
    return Room(np.array([-half, -half, 0.0]), np.array([half, half, height]), smooth, np.array(site.lamp_mm))


def _floor(site: Site, wide: int, rng: np.random.Generator) -> Float32[np.ndarray, "_ _ 3"]:
    """Planks with a rug in the middle."""
    planks = np.repeat(rng.uniform(0.86, 1.08, (wide // 18 + 1, 1)), 18, axis=0)[:wide]
    grain = cv2.GaussianBlur(rng.normal(0, 0.16, (wide, wide)), (0, 0), sigmaX=14, sigmaY=0.8)
    texture = np.array(site.floor_color) * (planks + 4 * grain)[..., None]
    texture[::18] *= 0.7
    axis = (np.arange(wide) - wide / 2) * TEXEL_MM
    radius = np.hypot(axis[:, None], axis)
    rug = radius < 1500
    ring = ((radius // 250) % 2)[..., None]
    texture[rug] = (np.array(site.rug_color) + ring * np.array([0.08, 0.04, -0.06]))[rug]
    return texture.clip(0, 1).astype(np.float32)


def _wall(
    color: Float[np.ndarray, " 3"], kind: int, shape: tuple[int, int], rng: np.random.Generator
) -> Float32[np.ndarray, "_ _ 3"]:
    """Paint one of four kinds (bricks, boards, wallpaper, plaster), with furniture and pictures; row 0 is the floor."""
    high, wide = shape
    row, column = np.mgrid[:high, :wide]
    if kind == 0:
        shift = (row // 14 % 2) * 15
        joint = (row % 14 < 2) | ((column + shift) % 30 < 2)
        shade = 1.0 - 0.16 * joint + 0.05 * np.sin((column + shift) // 30 * 12.9 + row // 14 * 78.2)
    elif kind == 1:
        shade = 1.0 - 0.2 * (column % 22 < 2) - 0.1 * (row < 95)
    elif kind == 2:
        shade = 1.0 + 0.09 * ((column // 16) % 2)
    else:
        shade = 1.0 + 3.0 * cv2.GaussianBlur(rng.normal(0, 0.2, shape), (0, 0), 9)
    texture = color * shade[..., None]
    texture[:10] = 0.45 * color
    for _ in range(7):
        _decorate(texture, rng)
    return texture.clip(0, 1).astype(np.float32)


def _decorate(texture: Float[np.ndarray, "_ _ 3"], rng: np.random.Generator) -> None:
    """Put one framed picture, or one cupboard with doors, on a wall, in place."""
    high, wide = texture.shape[:2]
    paint, frame = rng.uniform(0.25, 0.85, 3), rng.uniform(0.2, 0.5, 3)
    left = int(rng.integers(10, wide - 120))
    if rng.random() < 0.6:
        bottom, width, height = int(rng.integers(110, 190)), int(rng.integers(40, 110)), int(rng.integers(40, 90))
    else:
        bottom, width, height = 0, int(rng.integers(60, 110)), int(rng.integers(70, 200))
    top, right = min(bottom + height, high), min(left + width, wide)
    texture[bottom:top, left:right] = frame
    texture[bottom + 4 : top - 4, left + 4 : right - 4] = paint
    middle = (left + right) // 2
    texture[bottom + 8 : top - 8, middle - 1 : middle + 2] = frame
    stripe = int(rng.integers(14, 30))
    texture[bottom + 6 : top - 6 : stripe, left + 6 : right - 6] = 0.6 * paint
