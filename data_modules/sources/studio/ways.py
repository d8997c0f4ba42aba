"""Ways round the chair or beside it."""

import numpy as np
from jaxtyping import Float

from data_modules.sources.studio.actor import KEEP_FROM_SEAT_MM, MARGIN_MM, free_ground
from data_modules.sources.studio.furniture import FREE_RADIUS_MM, Seat

CANDIDATES = 400
HALF_LENGTH_MM, HALF_WIDTH_MM = (700.0, 1350.0), (550.0, 1350.0)
SQUARENESS = (2.0, 2.6)
"""Exponent of the superellipse that a way is; 2 is an ellipse."""
TIGHTEST_MM = 450.0
"""Smallest radius of curvature of a way."""
POINTS = 361
"""Of a way."""


class Way:
    """A closed way on the floor.

    Args:
        points_mm: the last one is the first one again.
    """

    def __init__(self, points_mm: Float[np.ndarray, "points 2"]) -> None:
        self._points = points_mm
        steps = np.linalg.norm(np.diff(points_mm, axis=0), axis=1)
        self._way = np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def length_mm(self) -> float:
        """Of one round."""
        return float(self._way[-1])

    def at(self, way_mm: float) -> Float[np.ndarray, " 2"]:
        """Point after ``way_mm``."""
        share = np.mod(way_mm, self.length_mm)
        return np.array([np.interp(share, self._way, self._points[:, axis]) for axis in range(2)])

    def heading_rad(self, way_mm: float) -> float:
        """Direction of growing ``way_mm``, counter-clockwise from +X."""
        ahead = self.at(way_mm + 25.0) - self.at(way_mm - 25.0)
        return float(np.arctan2(ahead[1], ahead[0]))

    def bend_rad_per_mm(self, way_mm: float) -> float:
        """How much the way turns."""
        turn = self.heading_rad(way_mm + 100.0) - self.heading_rad(way_mm - 100.0)
        return abs(float(np.mod(turn + np.pi, 2 * np.pi) - np.pi)) / 200.0


def draw_way(seat: Seat, rng: np.random.Generator) -> Way:
    """Draw a way that keeps clear of the seat and within the free disc: one of the long ones among many ovals."""
    fitting: list[tuple[float, Float[np.ndarray, "points 2"]]] = []
    for _ in range(CANDIDATES):
        center = rng.uniform(-0.6, 0.6, 2) * FREE_RADIUS_MM
        length, width = rng.uniform(*HALF_LENGTH_MM), rng.uniform(*HALF_WIDTH_MM)
        points = center + _oval(length, width, rng.uniform(*SQUARENESS), rng.uniform(0, np.pi))
        if _is_free(points, seat):
            fitting.append((length + width, points))
    fitting.sort(key=lambda item: -item[0])
    # Disc beside the seat: there is always that one.
    ground = free_ground(seat)
    round_one = ground.center_mm + _oval(ground.radius_mm, ground.radius_mm, 2.0, 0.0)
    long_ones = [points for _, points in fitting[: max(1, len(fitting) // 4)]] or [round_one]
    return Way(long_ones[int(rng.integers(len(long_ones)))])


def _oval(half_length_mm: float, half_width_mm: float, square: float, turn_rad: float) -> Float[np.ndarray, "points 2"]:
    angle = np.linspace(0, 2 * np.pi, POINTS)
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y = (np.sign(v) * np.abs(v) ** (2 / square) for v in (cosine, sine))
    oval = np.stack([half_length_mm * x, half_width_mm * y], axis=1)
    turn = np.array([[np.cos(turn_rad), np.sin(turn_rad)], [-np.sin(turn_rad), np.cos(turn_rad)]])
    return oval @ turn


def _is_free(points_mm: Float[np.ndarray, "points 2"], seat: Seat) -> bool:
    """Whether a way is within the free disc, clear of the seat, and nowhere too tight."""
    within = np.linalg.norm(points_mm, axis=1).max() < FREE_RADIUS_MM - MARGIN_MM
    clear = np.linalg.norm(points_mm - seat.center_mm, axis=1).min() > KEEP_FROM_SEAT_MM + MARGIN_MM
    if not (within and clear):
        return False
    sides = np.diff(points_mm[::10], axis=0)
    heading = np.unwrap(np.arctan2(sides[:, 1], sides[:, 0]))
    bend = np.abs(np.diff(heading)) / np.linalg.norm(sides, axis=1)[1:]
    return bool(bend.max() < 1 / TIGHTEST_MM)
