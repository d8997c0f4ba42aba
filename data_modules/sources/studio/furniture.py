"""What stands in the room: the chair of a person, which stands there in all clips of that person."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from data_modules.sources.studio.body import Body
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream

FREE_RADIUS_MM = 1500.0
"""The pelvis of anybody stays so near to the middle of the room."""
SEAT_RADIUS_MM = (500.0, 1000.0)
"""Distance of a chair from the middle of the room."""
SEAT_BELOW_KNEE_MM = (70.0, 110.0)
"""How far a chair's top lies below the knees of whoever it is adjusted to."""
BACK_REST_SHARE = 0.4
"""Share of the chairs that have a back rest."""
BACK_REST_MM = (300.0, 450.0)


class Seat(NamedTuple):
    """A chair. At yaw 0 who sits on it faces -Y; a back rest stands at the other edge of its top.

    Attributes:
        center_mm: middle of its top in the plane.
        top_mm: height of its top.
        back_mm: height of its back rest above the top; 0: it has none.
    """

    center_mm: Float[np.ndarray, " 2"]
    yaw_rad: float
    top_mm: float
    back_mm: float = 0.0


def draw_seat(config: StudioConfig, subject: str, body: Body) -> Seat:
    """Draw the chair of a person, adjusted to the person's legs."""
    rng = stream(config.seed, "seat", subject)
    azimuth, yaw = rng.uniform(-np.pi, np.pi, 2)
    radius = rng.uniform(*SEAT_RADIUS_MM)
    knee_mm = body.rest_heads_mm[body.index["lowerleg01.L"], 2] - body.rest_vertices_mm[:, 2].min()
    top = knee_mm - rng.uniform(*SEAT_BELOW_KNEE_MM)
    back = rng.uniform(*BACK_REST_MM) if rng.random() < BACK_REST_SHARE else 0.0
    center = radius * np.array([np.cos(azimuth), np.sin(azimuth)])
    return Seat(center, float(yaw), float(top), float(back))
