"""What walls and floors look like, drawn: a texture is RGB in [0, 1], row 0 at the floor, ``TEXEL_MM`` a pixel."""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float

from data_modules.sources.studio.pieces import draw_color, draw_wood

TEXEL_MM = 10.0
LIGHTEST_WALL, DARKEST_WALL = 0.9, 0.4
MUTED = 0.5
"""Saturation of walls and floors, as a share of that of small things."""
MOST_PICTURES = 6

Texture = Float[np.ndarray, "_ _ 3"]
Shape = tuple[int, int]
"""Rows and columns."""
Painter = Callable[[np.random.Generator, Shape], Texture]


def draw_wall(rng: np.random.Generator, shape: Shape) -> Texture:
    """Draw a wall: its surface, a skirting board, and pictures, windows and a door on it at times."""
    texture = WALLS[str(rng.choice(list(WALLS)))](rng, shape)
    texture[: int(rng.integers(5, 13))] = draw_wood(rng)
    taken: list[tuple[int, int]] = []
    if rng.random() < 0.3:
        _put(texture, rng, taken, _door(rng), bottom=0)
    for _ in range(int(rng.integers(0, 3)) if rng.random() < 0.5 else 0):
        _put(texture, rng, taken, _window(rng), bottom=int(rng.integers(80, 110)))
    for _ in range(int(rng.integers(0, MOST_PICTURES))):
        _put(texture, rng, taken, _picture(rng), bottom=int(rng.integers(110, 180)))
    return _smooth(texture)


def draw_floor(rng: np.random.Generator, shape: Shape) -> Texture:
    """Draw a floor, with a rug in the middle at times."""
    texture = FLOORS[str(rng.choice(list(FLOORS)))](rng, shape)
    if rng.random() < 0.5:
        _lay_rug(texture, rng)
    return _smooth(texture)


def draw_ceiling(rng: np.random.Generator, shape: Shape) -> Texture:
    """Draw a light ceiling, of panels at times."""
    texture = np.full((*shape, 3), rng.uniform(0.75, 0.95))
    if rng.random() < 0.4:
        texture[::60] *= 0.85
        texture[:, ::60] *= 0.85
    return texture


def _smooth(texture: Texture) -> Texture:
    return cv2.GaussianBlur(texture.clip(0, 1), (0, 0), 0.8)


def _wall_color(rng: np.random.Generator) -> Float[np.ndarray, " 3"]:
    color = _muted_color(rng)
    return color * rng.uniform(DARKEST_WALL, LIGHTEST_WALL) / color.max()


def _muted_color(rng: np.random.Generator) -> Float[np.ndarray, " 3"]:
    color = np.array(draw_color(rng))
    return color.mean() + MUTED * (color - color.mean())


def _noise(rng: np.random.Generator, shape: Shape, across: float, along: float) -> Float[np.ndarray, "_ _"]:
    """Smooth noise with unit standard deviation and these widths in texels."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), sigmaX=along, sigmaY=across)
    return noise / noise.std()


def _of_blocks(rng: np.random.Generator, row: np.ndarray, column: np.ndarray, spread: float) -> np.ndarray:
    """Shade of each block, the same over all of it."""
    shades = 1 + spread * rng.normal(size=997)
    return shades[(row * 131 + column * 17) % 997]


def _bricks(rng: np.random.Generator, shape: Shape) -> Texture:
    row, column = np.mgrid[: shape[0], : shape[1]]
    high, wide = int(rng.integers(6, 11)), int(rng.integers(18, 28))
    column = column + (row // high % 2) * (wide // 2)
    shade = _of_blocks(rng, row // high, column // wide, rng.uniform(0.02, 0.12))
    joint = (row % high < 1) | (column % wide < 1)
    texture = _wall_color(rng) * shade[..., None]
    texture[joint] = texture.mean(axis=(0, 1)) * rng.uniform(0.75, 1.2)
    return texture


def _panels(rng: np.random.Generator, shape: Shape) -> Texture:
    column = np.arange(shape[1])
    wide, split = int(rng.integers(10, 40)), int(rng.integers(70, 130))
    shade = 1 - 0.18 * (column % wide < 1)
    texture = np.broadcast_to(_wall_color(rng) * shade[:, None], (*shape, 3)).copy()
    if rng.random() < 0.5:
        texture[:split] = np.array(draw_wood(rng)) * shade[:, None]
    return texture


def _wallpaper(rng: np.random.Generator, shape: Shape) -> Texture:
    row, column = np.mgrid[: shape[0], : shape[1]]
    first = _wall_color(rng)
    second = (first * rng.uniform(0.8, 1.15)).clip(0, 1) if rng.random() < 0.7 else _wall_color(rng)
    period = int(rng.integers(12, 60))
    if rng.random() < 0.5:
        share = (column // (period // 2) % 2).astype(float)
    else:
        shift = (row // period % 2) * (period // 2)
        far = np.hypot(row % period - period / 2, (column + shift) % period - period / 2)
        share = (far < 0.3 * period).astype(float)
    return first + share[..., None] * (second - first)


def _plaster(rng: np.random.Generator, shape: Shape) -> Texture:
    noise = _noise(rng, shape, 9.0, 9.0) * rng.uniform(0.01, 0.05) + _noise(rng, shape, 1.0, 1.0) * rng.uniform(0, 0.02)
    return _wall_color(rng) * (1 + noise)[..., None]


def _tiles(rng: np.random.Generator, shape: Shape) -> Texture:
    row, column = np.mgrid[: shape[0], : shape[1]]
    side = int(rng.integers(10, 60))
    color, other = _muted_color(rng), _muted_color(rng)
    checked = rng.random() < 0.35
    share = ((row // side + column // side) % 2) * float(checked)
    shade = _of_blocks(rng, row // side, column // side, 0.03)
    texture = (color + share[..., None] * (other - color)) * shade[..., None]
    texture[(row % side < 1) | (column % side < 1)] *= 0.8
    return texture


def _planks(rng: np.random.Generator, shape: Shape) -> Texture:
    row, column = np.mgrid[: shape[0], : shape[1]]
    wide, long = int(rng.integers(9, 22)), int(rng.integers(90, 220))
    column = column + (row // wide) * 83
    shade = _of_blocks(rng, row // wide, column // long, rng.uniform(0.03, 0.12))
    shade = shade + rng.uniform(0.02, 0.06) * _noise(rng, shape, 0.8, 14.0)
    texture = np.array(draw_wood(rng)) * shade[..., None]
    texture[(row % wide < 1) | (column % long < 1)] *= 0.75
    return texture


def _carpet(rng: np.random.Generator, shape: Shape) -> Texture:
    speckle = 1 + rng.uniform(0.03, 0.12) * _noise(rng, shape, 0.7, 0.7)
    return _muted_color(rng) * speckle[..., None]


WALLS: dict[str, Painter] = {
    "bricks": _bricks, "panels": _panels, "wallpaper": _wallpaper, "plaster": _plaster, "tiles": _tiles,
}  # fmt: skip
FLOORS: dict[str, Painter] = {"planks": _planks, "tiles": _tiles, "carpet": _carpet, "concrete": _plaster}


def _lay_rug(texture: Texture, rng: np.random.Generator) -> None:
    """Lay a round or square rug with a border or stripes on the middle of a floor."""
    radius, ring = rng.uniform(900, 2000), rng.uniform(120, 350)
    half = int(radius / TEXEL_MM)
    middle = texture[
        max(texture.shape[0] // 2 - half, 0) : texture.shape[0] // 2 + half,
        max(texture.shape[1] // 2 - half, 0) : texture.shape[1] // 2 + half,
    ]
    y, x = (TEXEL_MM * (np.arange(length) + 0.5 - length / 2) for length in middle.shape[:2])
    y = y[:, None]
    far = np.hypot(x, y) if rng.random() < 0.5 else np.maximum(np.abs(x), np.abs(y) / rng.uniform(0.5, 1.0))
    color, other = np.array(draw_color(rng)), np.array(draw_color(rng))
    share = (far // ring % 2) if rng.random() < 0.5 else (far > radius - ring / 2).astype(float)
    rug = color + share[..., None] * (other - color)
    middle[far < radius] = rug[far < radius]


def _put(texture: Texture, rng: np.random.Generator, taken: list[tuple[int, int]], thing: Texture, bottom: int) -> None:
    """Hang a thing on a wall where there is room for it, if there is."""
    high, wide = thing.shape[:2]
    if bottom + high > texture.shape[0] - 5 or wide + 20 > texture.shape[1]:
        return
    left = int(rng.integers(10, texture.shape[1] - wide - 9))
    if all(left > end + 10 or left + wide < start - 10 for start, end in taken):
        texture[bottom : bottom + high, left : left + wide] = thing
        taken.append((left, left + wide))


def _framed(inside: Texture, frame: tuple[float, float, float], border: int) -> Texture:
    pads = ((border, border), (border, border))
    return np.stack([np.pad(inside[..., c], pads, constant_values=frame[c]) for c in range(3)], axis=-1)


def _picture(rng: np.random.Generator) -> Texture:
    """A picture of blots or stripes in a frame."""
    high, wide = int(rng.integers(30, 80)), int(rng.integers(30, 110))
    inside = np.broadcast_to(np.array(draw_color(rng)), (high, wide, 3)).copy()
    y, x = np.mgrid[:high, :wide]
    for _ in range(int(rng.integers(2, 9))):
        if rng.random() < 0.6:
            far = np.hypot(y - rng.uniform(0, high), (x - rng.uniform(0, wide)) * rng.uniform(0.4, 1.5))
            spot = far < rng.uniform(4, 0.5 * high)
        else:
            slope = rng.uniform(-1, 1)
            spot = np.abs(y - slope * x - rng.uniform(0, high)) < rng.uniform(2, 10)
        inside[spot] = draw_color(rng)
    return _framed(inside, draw_wood(rng), int(rng.integers(1, 5)))


def _window(rng: np.random.Generator) -> Texture:
    """A window: sky over land, in a frame with bars."""
    high, wide = int(rng.integers(80, 140)), int(rng.integers(70, 180))
    sky, land = (
        np.array([0.75, 0.85, 0.95]) * rng.uniform(0.7, 1.05),
        np.array([0.35, 0.45, 0.3]) * rng.uniform(0.6, 1.2),
    )
    upwards = np.linspace(-1, 1, high)[:, None] + 0.12 * _noise(rng, (high, wide), 6.0, 10.0)
    inside = np.where((upwards > rng.uniform(-0.9, 0.1))[..., None], sky, land)
    frame = draw_wood(rng)
    for part in (2, 3)[: int(rng.integers(0, 3))]:
        inside[:, [min(wide - 1, wide * n // part + shift) for n in range(1, part) for shift in (0, 1)]] = frame
    return _framed(inside, frame, 5)


def _door(rng: np.random.Generator) -> Texture:
    high, wide = int(rng.integers(195, 215)), int(rng.integers(75, 100))
    color = np.array(draw_wood(rng))
    inside = np.broadcast_to(color, (high, wide, 3)).copy()
    for low, top in ((20, 80), (100, high - 20)):
        inside[low:top, 12 : wide - 12] = 0.9 * color
    inside[95:99, 6:16] = 0.25
    return _framed(inside, draw_wood(rng), 6)[6:]
