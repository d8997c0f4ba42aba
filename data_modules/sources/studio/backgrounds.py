"""Photographs in place of drawn walls: a folder of pictures, or one equirectangular picture of all directions."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from data_modules.frames import read_image
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream
from data_modules.sources.studio.textures import TEXEL_MM
from mcss.errors import InputError
from mcss.hashing import file_hash

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
EYE_MM = 1500.0
"""Height above the middle of the floor from which an equirectangular picture is taken to be seen."""
WALLS = range(4)


def background_files(path: Path) -> list[Path]:
    """Pictures that ``--backgrounds`` names: those of a folder, sorted by name, or the picture itself.

    Raises:
        InputError: there is no such folder or picture, or the folder holds no picture.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such folder of photographs, nor an equirectangular picture (--backgrounds)")
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(
            f"{path}: holds no picture ({', '.join(sorted(SUFFIXES))}); put photographs there (--backgrounds)"
        )
    return files


def backgrounds_hash(path: Path) -> str:
    """SHA-256 over all pictures that ``--backgrounds`` names.

    Raises:
        InputError: there is none, or one of them is not a whole picture.
    """
    hashes = []
    for file in background_files(path):
        read_image(file)
        hashes.append(file_hash(file))
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def pictured_sides(
    config: StudioConfig,
    low_mm: Float[np.ndarray, " 3"],
    high_mm: Float[np.ndarray, " 3"],
    shapes: list[tuple[int, int]],
) -> dict[int, Float[np.ndarray, "_ _ 3"]]:
    """Textures of the room's sides that show photographs, see ``Room``: the walls, or all where one shows everything.

    Raises:
        InputError: a picture cannot be read.
    """
    path = Path(config.backgrounds)
    files = background_files(path)
    if path.is_file():
        picture = read_image(path)
        return {side: _seen_around(picture, side, low_mm, high_mm, shape) for side, shape in enumerate(shapes)}
    order = stream(config.seed, "backgrounds").permutation(len(files))
    chosen = [files[order[side % len(files)]] for side in WALLS]
    return {side: _filling(read_image(file), shapes[side]) for side, file in zip(WALLS, chosen, strict=True)}


def _filling(picture: UInt8[np.ndarray, "_ _ 3"], shape: tuple[int, int]) -> Float[np.ndarray, "_ _ 3"]:
    """The middle of a picture, as much as fills a wall; row 0 is at the floor."""
    high, wide = picture.shape[:2]
    scale = max(shape[0] / high, shape[1] / wide)
    rows, columns = min(high, round(shape[0] / scale)), min(wide, round(shape[1] / scale))
    top, left = (high - rows) // 2, (wide - columns) // 2
    part = picture[top : top + rows, left : left + columns][::-1]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(part, shape[::-1], interpolation=method) / 255.0


def _seen_around(
    picture: UInt8[np.ndarray, "_ _ 3"],
    side: int,
    low_mm: Float[np.ndarray, " 3"],
    high_mm: Float[np.ndarray, " 3"],
    shape: tuple[int, int],
) -> Float[np.ndarray, "_ _ 3"]:
    """What an equirectangular picture shows at each texel of a side, seen from the middle of the room."""
    points = np.empty((*shape, 3))
    points[..., side // 2] = (low_mm, high_mm)[side % 2][side // 2]
    across, up = [axis for axis in range(3) if axis != side // 2]
    points[..., across] = low_mm[across] + TEXEL_MM * (np.arange(shape[1]) + 0.5)
    points[..., up] = low_mm[up] + TEXEL_MM * (np.arange(shape[0])[:, None] + 0.5)
    way = points - np.array([0.0, 0.0, EYE_MM])
    high, wide = picture.shape[:2]
    column = (0.5 - np.arctan2(way[..., 1], way[..., 0]) / (2 * np.pi)) * wide - 0.5
    row = np.arccos(way[..., 2] / np.linalg.norm(way, axis=-1)) / np.pi * high - 0.5
    around = cv2.BORDER_WRAP
    seen = cv2.remap(picture, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR, borderMode=around)
    return seen / 255.0
