"""What tells the subjects apart: body shape, hair, skin, clothes, and the light of the day they were filmed."""

from dataclasses import dataclass
from typing import Literal

Pattern = Literal["plain", "stripes", "checks"]
Color = tuple[float, float, float]


@dataclass(frozen=True)
class Garment:
    """One piece of clothing.

    Attributes:
        color, accent: RGB in [0, 1]; a pattern mixes the two.
        reach: how far along the limbs it goes (0 = shoulder or hip, 1 = elbow or knee, 2 = wrist or ankle).
        period_mm: size of the pattern.
    """

    color: Color
    reach: float
    accent: Color = (1.0, 1.0, 1.0)
    pattern: Pattern = "plain"
    period_mm: float = 110.0


@dataclass(frozen=True)
class Look:
    """One subject.

    Attributes:
        phenotype: shape of the body, in anny's terms.
        undershirt: seen in front, where the shirt is open; it tells a person's front from the back at any distance.
        hair_line: how far the hair reaches down at the back of the head, share of the head's height.
        light: colour and strength of the room's light on that day.
        ambient: share of the light that comes from everywhere.
    """

    phenotype: dict[str, float]
    skin: Color
    hair: Color
    shirt: Garment
    trousers: Garment
    shoes: Color
    undershirt: Color
    hair_line: float = 0.5
    light: Color = (1.0, 1.0, 1.0)
    ambient: float = 0.55


def _shape(
    gender: float, age: float, muscle: float, weight: float, height: float, proportions: float
) -> dict[str, float]:
    names = ("gender", "age", "muscle", "weight", "height", "proportions")
    return dict(zip(names, (gender, age, muscle, weight, height, proportions), strict=True))


LOOKS: dict[str, Look] = {
    "S1": Look(
        _shape(0.0, 0.62, 0.6, 0.42, 0.47, 0.6), (0.90, 0.72, 0.60), (0.20, 0.13, 0.08),
        Garment((0.80, 0.14, 0.14), 0.9), Garment((0.13, 0.18, 0.36), 1.95), (0.92, 0.92, 0.90), (0.96, 0.96, 0.94),
        hair_line=0.55,
    ),
    "S5": Look(
        _shape(1.0, 0.6, 0.45, 0.3, 0.52, 0.6), (0.96, 0.80, 0.70), (0.85, 0.66, 0.30),
        Garment((0.95, 0.95, 0.92), 1.9, (0.12, 0.30, 0.62), "stripes", 95.0), Garment((0.72, 0.62, 0.44), 1.0),
        (0.75, 0.15, 0.20), (0.20, 0.14, 0.14), hair_line=0.15, light=(1.08, 1.0, 0.88),
    ),
    "S6": Look(
        _shape(0.0, 0.72, 0.45, 0.86, 0.42, 0.45), (0.45, 0.30, 0.22), (0.06, 0.05, 0.05),
        Garment((0.96, 0.78, 0.16), 0.6), Garment((0.34, 0.36, 0.38), 1.95), (0.16, 0.10, 0.08), (0.12, 0.34, 0.22),
        hair_line=0.8, light=(0.88, 0.94, 1.06), ambient=0.65,
    ),
    "S7": Look(
        _shape(1.0, 0.66, 0.4, 0.72, 0.47, 0.45), (0.78, 0.56, 0.40), (0.10, 0.08, 0.08),
        Garment((0.10, 0.45, 0.32), 1.9, (0.85, 0.90, 0.55), "checks", 120.0), Garment((0.90, 0.90, 0.94), 1.95),
        (0.12, 0.12, 0.14), (0.97, 0.93, 0.80), hair_line=0.05, light=(1.0, 0.92, 0.94), ambient=0.5,
    ),
    "S8": Look(
        _shape(0.0, 0.6, 0.9, 0.4, 0.51, 0.65), (0.68, 0.48, 0.35), (0.55, 0.28, 0.12),
        Garment((0.10, 0.62, 0.66), 0.15), Garment((0.88, 0.42, 0.12), 0.8), (0.20, 0.45, 0.75), (0.10, 0.10, 0.12),
        hair_line=0.6, light=(0.84, 0.84, 0.84),
    ),
    # Cut, patterns, skin and light of the test subjects recur among S5 to S8, in other colours; S1, whose labels are
    # often the only ones, looks like neither of them.
    "S9": Look(
        _shape(1.0, 0.6, 0.55, 0.42, 0.6, 0.55), (0.55, 0.38, 0.28), (0.08, 0.06, 0.06),
        Garment((0.88, 0.46, 0.16), 1.9, (0.94, 0.92, 0.86), "stripes", 105.0), Garment((0.84, 0.85, 0.88), 1.95),
        (0.15, 0.13, 0.14), (0.12, 0.16, 0.30), hair_line=0.1, light=(0.88, 0.93, 1.04), ambient=0.6,
    ),
    "S11": Look(
        _shape(0.0, 0.64, 0.5, 0.6, 0.4, 0.5), (0.95, 0.79, 0.69), (0.80, 0.62, 0.30),
        Garment((0.30, 0.36, 0.58), 0.9, (0.90, 0.80, 0.36), "checks", 115.0), Garment((0.55, 0.30, 0.20), 0.9),
        (0.85, 0.80, 0.20), (0.16, 0.14, 0.13), hair_line=0.6, light=(1.08, 1.0, 0.90), ambient=0.5,
    ),
    # The people of the second site.
    "P1": Look(
        _shape(1.0, 0.64, 0.5, 0.5, 0.55, 0.5), (0.62, 0.44, 0.33), (0.16, 0.11, 0.08),
        Garment((0.22, 0.24, 0.28), 1.9), Garment((0.20, 0.34, 0.52), 1.95), (0.90, 0.55, 0.12), (0.85, 0.82, 0.78),
        hair_line=0.1, light=(0.94, 1.0, 1.04), ambient=0.5,
    ),
    "P2": Look(
        _shape(0.0, 0.6, 0.55, 0.5, 0.44, 0.55), (0.92, 0.76, 0.66), (0.46, 0.22, 0.10),
        Garment((0.56, 0.24, 0.58), 0.6, (0.90, 0.88, 0.80), "stripes", 90.0), Garment((0.12, 0.12, 0.14), 1.95),
        (0.88, 0.88, 0.86), (0.30, 0.62, 0.60), hair_line=0.75, light=(1.06, 0.98, 0.90),
    ),
    "P3": Look(
        _shape(1.0, 0.68, 0.45, 0.7, 0.45, 0.5), (0.86, 0.66, 0.52), (0.55, 0.54, 0.52),
        Garment((0.78, 0.72, 0.60), 1.0, (0.44, 0.30, 0.20), "checks", 105.0), Garment((0.36, 0.42, 0.26), 1.0),
        (0.30, 0.22, 0.16), (0.66, 0.14, 0.20), hair_line=0.05, light=(0.90, 0.90, 0.98), ambient=0.6,
    ),
    "P4": Look(
        _shape(0.0, 0.66, 0.5, 0.65, 0.46, 0.5), (0.42, 0.28, 0.20), (0.05, 0.05, 0.05),
        Garment((0.90, 0.90, 0.88), 1.9, (0.80, 0.20, 0.30), "checks", 100.0), Garment((0.50, 0.46, 0.62), 1.95),
        (0.14, 0.14, 0.30), (0.20, 0.45, 0.30), hair_line=0.8, light=(1.0, 0.96, 0.92), ambient=0.6,
    ),
    "P5": Look(
        _shape(1.0, 0.6, 0.7, 0.4, 0.5, 0.6), (0.80, 0.60, 0.46), (0.30, 0.20, 0.12),
        Garment((0.14, 0.50, 0.24), 0.9), Garment((0.66, 0.58, 0.48), 0.9), (0.20, 0.20, 0.22), (0.94, 0.90, 0.84),
        hair_line=0.3, light=(0.92, 0.96, 1.0),
    ),
}  # fmt: skip
"""Everybody, of both sites."""
