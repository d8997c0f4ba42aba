"""Pieces of furniture, each drawn: size, colours and what lies on it. A piece stands about the origin and faces -Y."""

from collections.abc import Callable

import numpy as np

from data_modules.sources.studio.solids import Color, Solid, box, legs, together


def draw_wood(rng: np.random.Generator) -> Color:
    """Draw the colour of wood, painted or not."""
    shade = rng.uniform(0.25, 1.0)
    tint = np.array([0.85, 0.68, 0.48]) if rng.random() < 0.7 else np.array([0.85, 0.85, 0.85])
    red, green, blue = shade * tint
    return float(red), float(green), float(blue)


def draw_color(rng: np.random.Generator) -> Color:
    """Draw any colour, mostly a muted one."""
    value, saturation, hue = rng.uniform(0.25, 0.9), rng.beta(1.3, 2.2), rng.uniform(0, 2 * np.pi)
    wave = 0.5 + 0.5 * np.cos(hue - np.array([0.0, 2.0944, 4.1888]))
    red, green, blue = value * (1 - saturation + saturation * wave)
    return float(red), float(green), float(blue)


def _table(rng: np.random.Generator) -> Solid:
    half, depth, top = rng.uniform(350, 800), rng.uniform(250, 400), rng.uniform(450, 780)
    wood = draw_wood(rng)
    return together(
        box((-half, -depth, top - 35), (half, depth, top), wood),
        legs((half - 20, depth - 20), top - 35, 50.0, wood),
        *_clutter(rng, (half - 100, depth - 80), top),
    )


def _clutter(rng: np.random.Generator, half_mm: tuple[float, float], top_mm: float) -> list[Solid]:
    """Small things on a top."""
    things = []
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(-half_mm[0], half_mm[0]), rng.uniform(-half_mm[1], half_mm[1])
        size = rng.uniform(40, 110, 3)
        low, high = (
            (x - size[0], y - min(size[1], 80.0), top_mm),
            (x + size[0], y + min(size[1], 80.0), top_mm + size[2]),
        )
        things.append(box(low, high, draw_color(rng)))
    return things


def _shelf(rng: np.random.Generator) -> Solid:
    half, depth, height, thick = rng.uniform(300, 600), rng.uniform(130, 200), rng.uniform(800, 2100), 25.0
    wood = draw_wood(rng)
    boards = int(height // 350) + 1
    heights = np.linspace(60, height, boards)
    parts = [box((x - thick / 2, -depth, 0.0), (x + thick / 2, depth, height), wood) for x in (-half, half)]
    parts.append(box((-half, depth - 10, 0.0), (half, depth, height), wood))
    for low, high in zip(heights, [*heights[1:], height], strict=True):
        parts.append(box((-half, -depth, low - thick), (half, depth, low), wood))
        at = -half + thick
        while high - low > 120 and (at := at + rng.uniform(10, 200)) < half - 120:
            wide, tall = rng.uniform(25, 90), rng.uniform(0.4, 0.85) * (high - low)
            parts.append(box((at, -0.8 * depth, low), (at + wide, 0.6 * depth, low + tall), draw_color(rng)))
            at += wide
    return together(*parts)


def _boxes(rng: np.random.Generator) -> Solid:
    parts, top, half = [], 0.0, rng.uniform(180, 320)
    card: Color = (0.68, 0.52, 0.36) if rng.random() < 0.6 else draw_color(rng)
    for _ in range(int(rng.integers(1, 4))):
        height, depth = rng.uniform(180, 380), half * rng.uniform(0.7, 1.0)
        shift = rng.uniform(-30, 30)
        parts.append(box((shift - half, shift - depth, top), (shift + half, shift + depth, top + height), card))
        parts.append(
            box((shift - 25, shift - depth - 1, top), (shift + 25, shift + depth + 1, top + height + 1), draw_wood(rng))
        )
        top, half = top + height, half * rng.uniform(0.75, 0.95)
    return together(*parts)


def _plant(rng: np.random.Generator) -> Solid:
    pot, height = rng.uniform(110, 180), rng.uniform(600, 1500)
    stem = box((-pot, -pot, 0.0), (pot, pot, 1.6 * pot), draw_color(rng))
    count = int(rng.integers(25, 60))
    ways = rng.normal(size=(count, 3)) + np.array([0.0, 0.0, 0.8])
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    roots = np.stack(
        [rng.normal(0, 30, count), rng.normal(0, 30, count), rng.uniform(1.6 * pot, 0.7 * height, count)], 1
    )
    length = 0.35 * height * rng.uniform(0.5, 1.0, (count, 1))
    across = np.cross(ways, rng.normal(size=(count, 3)))
    across *= 45.0 / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    middle, tip = roots + 0.5 * length * ways, roots + length * ways - [0.0, 0.0, 0.06 * height]
    leaves = np.concatenate([np.stack([roots, middle + across, tip], 1), np.stack([roots, tip, middle - across], 1)])
    green = np.array([0.25, 0.5, 0.22]) * rng.uniform(0.6, 1.3, (2 * count, 1)) * rng.uniform(0.8, 1.2, 3)
    return together(stem, Solid(np.maximum(leaves, [-np.inf, -np.inf, 5.0]), green.clip(0, 1)))


def _cupboard(rng: np.random.Generator) -> Solid:
    half, depth, height = rng.uniform(350, 700), rng.uniform(180, 300), rng.uniform(700, 2000)
    color, knob = draw_wood(rng), draw_color(rng)
    body = box((-half, -depth, 0.0), (half, depth, height), color)
    gap = box((-4.0, -depth - 2, 60.0), (4.0, -depth, height - 30), (0.15, 0.13, 0.12))
    knobs = [
        box((x - 12.0, -depth - 25, 0.55 * height), (x + 12.0, -depth, 0.55 * height + 60), knob) for x in (-60.0, 60.0)
    ]
    return together(body, gap, *knobs)


PIECES: dict[str, Callable[[np.random.Generator], Solid]] = {
    "table": _table, "shelf": _shelf, "boxes": _boxes, "plant": _plant, "cupboard": _cupboard,
}  # fmt: skip
"""How to draw a piece of each kind."""
