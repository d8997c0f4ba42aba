"""Solid things of flat coloured triangles: boxes, boards and leaves, put together to furniture."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Color = tuple[float, float, float]
"""RGB in [0, 1]."""

_CORNERS = np.array(
    [[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]
)
_FACES = np.array([[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5],
                   [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7]])  # fmt: skip


class Solid(NamedTuple):
    """Triangles in the world, each of one colour.

    Attributes:
        corners_mm: of each triangle, three points.
        colors: of each triangle, before any light falls on it.
    """

    corners_mm: Float[np.ndarray, "triangles 3 3"]
    colors: Float[np.ndarray, "triangles 3"]

    @property
    def normals(self) -> Float[np.ndarray, "triangles 3"]:
        """Unit normals; of which side is for whoever looks at it to choose."""
        a, b, c = self.corners_mm.transpose(1, 0, 2)
        normals = np.cross(b - a, c - a)
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)

    def placed(self, center_mm: Float[np.ndarray, " 2"], yaw_rad: float) -> "Solid":
        """The same turned about the vertical through the origin, then moved in the plane."""
        cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
        turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        return Solid(self.corners_mm @ turn.T + np.array([*center_mm, 0.0]), self.colors)


NO_SOLID = Solid(np.zeros((0, 3, 3)), np.zeros((0, 3)))
"""No thing at all."""


def together(*parts: Solid) -> Solid:
    """One solid of several."""
    return Solid(
        np.concatenate([NO_SOLID.corners_mm, *(part.corners_mm for part in parts)]),
        np.concatenate([NO_SOLID.colors, *(part.colors for part in parts)]),
    )


def box(low_mm: tuple[float, float, float], high_mm: tuple[float, float, float], color: Color) -> Solid:
    """A box along the axes between two opposite corners."""
    low, high = np.array(low_mm), np.array(high_mm)
    corners = (low + high) / 2 + _CORNERS * (high - low) / 2
    return Solid(corners[_FACES], np.tile(np.array(color), (len(_FACES), 1)))


def legs(half_mm: tuple[float, float], top_mm: float, side_mm: float, color: Color) -> Solid:
    """Four legs under the corners of a top, ``side_mm`` wide."""
    x, y = half_mm[0] - side_mm / 2, half_mm[1] - side_mm / 2
    half = side_mm / 2
    return together(
        *(
            box((a * x - half, b * y - half, 0.0), (a * x + half, b * y + half, top_mm), color)
            for a in (-1, 1)
            for b in (-1, 1)
        )
    )
