"""Parts of clothes and hair that are no skin: skirts, hanging hair, hats and bags, as small meshes around a body."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from data_modules.sources.studio.anatomy import Anatomy
from data_modules.sources.studio.garments import Extra
from data_modules.sources.studio.looks import Hair, Piece

Points = Float[np.ndarray, "points 3"]
Grid = Float[np.ndarray, "rows columns 3"]

TAPER = 0.12
"""By what share of its way down falling cloth comes nearer to the body, where the body recedes."""
NEAREST = 4
"""A point of a shell moves with the mean of so many points of the body."""


@dataclass(frozen=True, eq=False)
class Wearer:
    """The dressed surface that shells lie on: vertices and bone weights of trunk, legs and head, and the landmarks."""

    anatomy: Anatomy
    points_mm: Points
    weights: Float[np.ndarray, "points bones"]
    bones: tuple[str, ...]

    def only(self, above_mm: float) -> Points:
        """Points higher than ``above_mm``."""
        return self.points_mm[self.points_mm[:, 2] > above_mm]


@dataclass(frozen=True, eq=False)
class Shell:
    """A mesh: vertices in the body's rest pose with the origin between the hips, and the bones that move them."""

    vertices_mm: Points
    triangles: Int[np.ndarray, "triangles 3"]
    weights: Float[np.ndarray, "points bones"]


def garment_shell(piece: Piece, wearer: Wearer) -> Shell:
    """Mesh of the ``extra`` of a piece."""
    return _SHELLS[piece.garment.extra](piece, wearer)


def hair_shell(hair: Hair, wearer: Wearer, under_hat: bool) -> Shell | None:
    """Hanging or tied hair, or None."""
    anatomy = wearer.anatomy
    if hair.length_mm is not None:
        # The face, 170 degrees wide, stays free.
        angles = np.radians(np.linspace(85, 275, 19))
        top = anatomy.eye_mm[2] if under_hat else anatomy.crown_mm - 4
        share = np.concatenate([[0, 0.03, 0.07], np.linspace(0.12, 1, 12)])
        heights = top + share * (anatomy.chin_mm - hair.length_mm - top)
        narrow = wearer.points_mm[(np.abs(wearer.points_mm[:, 0]) < 75) | (wearer.points_mm[:, 2] > anatomy.chin_mm)]
        # At the face it lies on the head.
        from_face = np.clip(1.6 * np.sin((angles - angles[0]) * np.pi / np.ptp(angles)), 0, 1)
        ease = 1 + (hair.volume_mm * 0.5 + 2) * from_face
        grid = _drape(narrow, anatomy.ear_y_mm, angles, heights[:, None], ease, window_mm=18.0)
        return _clinging(grid, wearer, closed=False)
    if not hair.tail:
        return None
    head = wearer.only(anatomy.chin_mm)
    back = head[:, 1].max()
    is_knot = hair.tail == "knot"
    center = np.array([0.0, back + (12 if is_knot else 8), anatomy.eye_mm[2] + (60 if is_knot else -55)])
    return _rigid(_ball(center, (34.0, 30.0, 34.0) if is_knot else (24.0, 26.0, 105.0), 1.0), wearer, "head")


def _skirt(piece: Piece, wearer: Wearer) -> Shell:
    anatomy, leg = wearer.anatomy, wearer.anatomy.leg
    ends = np.array([leg.start_mm[2], leg.middle_mm[2], leg.end_mm[2]])
    hem = float(np.interp(piece.leg, [0, 1, 2], ends))
    heights = np.linspace(anatomy.waist_mm + 15, hem, int((anatomy.waist_mm - hem) / 45) + 2)
    angles = np.linspace(-np.pi, np.pi, 37)[:-1]
    grid = _drape(wearer.points_mm, anatomy.trunk_y_mm, angles, heights[:, None], piece.ease_mm + 3)
    # Little in front, where a lap would lift it like a bell.
    flare = (0.02 + 0.2 * piece.side**2) * (1 - 0.85 * np.maximum(np.cos(angles), 0))
    below = np.maximum(anatomy.waist_mm - heights, 0)[:, None, None]
    grid[..., :2] += below * flare[:, None] * np.stack([np.sin(angles), -np.cos(angles)], axis=-1)
    return _clinging(grid, wearer, closed=True)


def _headwear(piece: Piece, wearer: Wearer) -> Shell:
    """Dome over the head down to the brow, lower at the back; with a peak in front or behind, or a brim all round."""
    anatomy, extra = wearer.anatomy, piece.garment.extra
    angles = np.linspace(-np.pi, np.pi, 29)[:-1]
    turned = angles + (np.pi if extra == "cap" and piece.side < 0.3 else 0.0)
    edge = anatomy.eye_mm[2] + 38 + 22 * (np.cos(angles) - 1)
    top = wearer.points_mm[:, 2].max() + 1
    rows = (
        np.sin(np.linspace(0.12, np.pi / 2, 8))[:, None] if extra == "hat" else np.linspace(0.03, 1, 8)[:, None] ** 1.6
    )
    head = wearer.only(anatomy.eye_mm[2] - 40)
    grid = _drape(head, anatomy.ear_y_mm, angles, top + (edge - top) * rows, 5 + piece.ease_mm, window_mm=18.0)
    outward = np.stack([np.sin(angles), -np.cos(angles)], axis=-1)
    brim = {"cap": 75 * np.maximum(np.cos(turned), 0) ** 0.8, "hat": np.full(len(angles), 65.0)}.get(extra)
    if brim is not None:
        rim = np.concatenate(
            [grid[-1, :, :2] + brim[:, None] * outward, grid[-1, :, 2:] - 0.25 * brim[:, None]], axis=1
        )
        grid = np.concatenate([grid, rim[None]])
    apex = np.broadcast_to([0.0, grid[0, :, 1].mean(), top + 4 + piece.ease_mm], (1, len(angles), 3))
    return _rigid(np.concatenate([apex, grid]), wearer, "head")


def _backpack(piece: Piece, wearer: Wearer) -> Shell:
    anatomy, points = wearer.anatomy, wearer.points_mm
    low, high = anatomy.waist_mm + 10, anatomy.arm.start_mm[2] + 10
    back = points[(points[:, 2] > low) & (points[:, 2] < high) & (np.abs(points[:, 0]) < 120), 1].max()
    radii = (135 + 40 * piece.side, 65 + 30 * piece.side, (high - low) / 2)
    return _rigid(_ball(np.array([0.0, back + radii[1] - 12, (low + high) / 2]), radii, 0.45), wearer, "spine01")


def _shoulder_bag(piece: Piece, wearer: Wearer) -> Shell:
    """Bag that rests on the hip, somewhat behind or before it."""
    anatomy = wearer.anatomy
    behind = np.array([-1.0, 1.0])[int(piece.side * 2) % 2]
    side = bag_side(piece)
    angle = np.pi / 2 + behind * 0.85
    outward = np.array([side * np.sin(angle), -np.cos(angle)])
    hips = wearer.points_mm[np.abs(wearer.points_mm[:, 2] - 20) < 70, :2] - [0.0, anatomy.trunk_y_mm]
    center = outward * ((hips @ outward).max() + 38)
    ball = _ball(np.zeros(3), (130.0, 45.0, 95.0), 0.4)
    turn = np.array([[-outward[1], outward[0], 0], [outward[0], outward[1], 0], [0, 0, 1.0]])
    return _rigid(ball @ turn + [center[0], center[1] + anatomy.trunk_y_mm, 20.0], wearer, "root")


def bag_side(piece: Piece) -> float:
    """+1: a shoulder bag hangs on the left; -1: on the right."""
    return 1.0 if piece.side * 4 % 2 < 1 else -1.0


_SHELLS: dict[Extra, Callable[[Piece, Wearer], Shell]] = {
    "skirt": _skirt, "beanie": _headwear, "cap": _headwear, "hat": _headwear, "backpack": _backpack,
    "shoulder_bag": _shoulder_bag,
}  # fmt: skip


def _drape(
    points: Points,
    middle_y_mm: float,
    angles: Float[np.ndarray, " columns"],
    heights_mm: Float[np.ndarray, "rows _"],
    ease_mm: float | Float[np.ndarray, " columns"],
    window_mm: float = 35.0,
) -> Grid:
    """Lay cloth around ``points`` that falls from its first row: it hardly becomes narrower on its way.

    Args:
        points: of the body.
        middle_y_mm: depth of the vertical axis that the cloth hangs around.
        angles: of the columns around that axis, 0 in front, counted towards the left.
        heights_mm: of each row, or of each row and column.
        ease_mm: how far the cloth stands off.
        window_mm: points up to so far above and below a height decide how wide the cloth is there.
    """
    outward = np.stack([np.sin(angles), -np.cos(angles)], axis=-1)
    reach = (points[:, :2] - [0.0, middle_y_mm]) @ outward.T
    heights = np.broadcast_to(heights_mm, (len(heights_mm), len(angles)))
    near = np.abs(points[:, None, 2] - heights[:, None]) < window_mm
    radius = np.where(near, reach, 0.0).max(axis=1)
    for row in range(1, len(radius)):
        radius[row] = np.maximum(radius[row], radius[row - 1] - TAPER * (heights[row - 1] - heights[row]))
    radius = radius + ease_mm
    return np.concatenate([radius[..., None] * outward + [0.0, middle_y_mm], heights[..., None]], axis=-1)


def _ball(center_mm: Float[np.ndarray, " 3"], radii_mm: tuple[float, float, float], exponent: float) -> Grid:
    """Superellipsoid: exponent 1 is an ellipsoid, near 0 a block."""

    def rounded(values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        return np.sign(values) * np.abs(values) ** exponent

    up, around = np.linspace(np.pi / 2, -np.pi / 2, 9)[:, None], np.linspace(-np.pi, np.pi, 17)[None, :-1]
    flat = rounded(np.cos(up))
    shape = np.stack(
        np.broadcast_arrays(flat * rounded(np.sin(around)), -flat * rounded(np.cos(around)), rounded(np.sin(up))), -1
    )
    return center_mm + shape * radii_mm


def _rigid(grid: Grid, wearer: Wearer, bone: str) -> Shell:
    """Mesh of a grid closed around, which moves with one bone."""
    weights = np.zeros((grid[..., 0].size, len(wearer.bones)))
    weights[:, wearer.bones.index(bone)] = 1.0
    return Shell(grid.reshape(-1, 3), _grid_triangles(grid, closed=True), weights)


def _clinging(grid: Grid, wearer: Wearer, closed: bool) -> Shell:
    """Mesh of a grid that moves with the body next to it; between the legs with both."""
    _, nearest = cKDTree(wearer.points_mm).query(grid.reshape(-1, 3), k=NEAREST)
    weights = wearer.weights[nearest].mean(axis=1).reshape(*grid.shape[:2], -1)
    weights = gaussian_filter(weights, (0.7, 2.0, 0), mode=("nearest", "wrap" if closed else "nearest", "nearest"))
    flat = weights.reshape(-1, weights.shape[-1])
    return Shell(grid.reshape(-1, 3), _grid_triangles(grid, closed), flat / flat.sum(axis=1, keepdims=True))


def _grid_triangles(grid: Grid, closed: bool) -> Int[np.ndarray, "triangles 3"]:
    """Triangles between neighbouring rows; ``closed``: the last column is next to the first."""
    index = np.arange(grid[..., 0].size).reshape(grid.shape[:2])
    left = index if closed else index[:, :-1]
    right = np.roll(index, -1, axis=1) if closed else index[:, 1:]
    a, b, c, d = (part.ravel() for part in (left[:-1], right[:-1], left[1:], right[1:]))
    return np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])
