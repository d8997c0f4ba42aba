"""Lamps, and the light that falls on a point of the scene."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from data_modules.sources.studio.draws import stream

COUNT = (1, 3)
"""Least and greatest number of lamps."""
WARM, COLD = np.array([1.12, 0.98, 0.78]), np.array([0.92, 1.0, 1.1])
LAMP_SHARE, AMBIENT = (0.5, 0.8), (0.4, 0.55)
"""Light of all lamps together on a surface that faces them, and light that comes from everywhere."""
BELOW_CEILING_MM = 150.0
BRIGHT_AT_MM, FALL_OFF = 2500.0, (0.5, 1.4)
"""Distance at which a lamp has its nominal strength; nearer and farther it is stronger and weaker up to these."""
HEADLIGHT = 0.12
"""Weight of a light at the camera, which models shapes that face it."""
DAY_TINT, DAY_STOPS = 0.03, 0.15
"""Spread between the days on which people were filmed: of each channel, and of the exposure in stops."""


class Lamp(NamedTuple):
    """A lamp at a place, with its strength in each channel."""

    place_mm: Float[np.ndarray, " 3"]
    light: Float[np.ndarray, " 3"]


class Lighting(NamedTuple):
    """All light of a room."""

    lamps: tuple[Lamp, ...]
    ambient: float

    def unshaded(
        self,
        points: Float[np.ndarray, "rays 3"],
        normals: Float[np.ndarray, "rays 3"],
        directions: Float[np.ndarray, "rays 3"],
    ) -> Float[np.ndarray, "rays 3"]:
        """Light on points that needs no lamp."""
        facing = np.maximum(-(directions * normals).sum(1), 0)
        strength = self.ambient * (0.88 + 0.12 * normals[:, 2]) + HEADLIGHT * facing
        return np.repeat(strength[:, None], 3, axis=1)

    def of_lamp(
        self, lamp: Lamp, points: Float[np.ndarray, "rays 3"], normals: Float[np.ndarray, "rays 3"]
    ) -> Float[np.ndarray, " rays"]:
        """Strength of a lamp on points that it reaches, before its colour."""
        way = lamp.place_mm - points
        distance = np.linalg.norm(way, axis=1)
        lambert = np.maximum((way * normals).sum(1) / distance, 0)
        return lambert * (BRIGHT_AT_MM / distance).clip(*FALL_OFF)


def draw_lighting(seed: int, half_mm: Float[np.ndarray, " 2"], height_mm: float) -> Lighting:
    """Draw the lamps under the ceiling of a room."""
    rng = stream(seed, "lamps")
    count = int(rng.integers(COUNT[0], COUNT[1] + 1))
    parts = rng.dirichlet(np.full(count, 4.0)) * rng.uniform(*LAMP_SHARE)
    warmth = rng.random()
    lamps = []
    for part in parts:
        place = np.array([*rng.uniform(-0.6, 0.6, 2) * half_mm, height_mm - BELOW_CEILING_MM])
        share = np.clip(warmth + rng.normal(0, 0.15), 0, 1)
        lamps.append(Lamp(place, part * (share * WARM + (1 - share) * COLD)))
    return Lighting(tuple(lamps), float(rng.uniform(*AMBIENT)))


def draw_day(seed: int, subject: str) -> Float[np.ndarray, " 3"]:
    """Draw the factor on each channel of the light of the day on which a person was filmed."""
    rng = stream(seed, "day", subject)
    return (1 + rng.normal(0, DAY_TINT, 3)) * 2 ** rng.normal(0, DAY_STOPS)
