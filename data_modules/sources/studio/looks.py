"""How one person looks: skin, hair and every piece that is worn, with its colours and measures."""

from collections.abc import Mapping
from colorsys import hsv_to_rgb
from dataclasses import dataclass

import numpy as np

from data_modules.sources.studio.draws import choose, stream
from data_modules.sources.studio.garments import Garment, Palette, Pattern, Range

Color = tuple[float, float, float]

SKIN_TONES: tuple[Color, ...] = (
    (0.96, 0.83, 0.74), (0.93, 0.77, 0.66), (0.89, 0.71, 0.58), (0.83, 0.64, 0.50), (0.76, 0.56, 0.42),
    (0.66, 0.47, 0.34), (0.56, 0.38, 0.27), (0.46, 0.31, 0.22), (0.36, 0.24, 0.18), (0.28, 0.18, 0.14),
)  # fmt: skip
"""From light to dark; drawn from between two neighbours."""
HAIR_COLORS: dict[str, tuple[Color, float]] = {
    "black": ((0.05, 0.045, 0.045), 3.0), "dark brown": ((0.15, 0.10, 0.07), 3.0), "brown": ((0.30, 0.19, 0.11), 2.0),
    "blond": ((0.72, 0.56, 0.30), 1.2), "red": ((0.48, 0.21, 0.09), 0.6), "dyed": ((0.50, 0.20, 0.45), 0.3),
}  # fmt: skip
"""Colour and weight."""
LIGHT_SKIN_HAIR = ("brown", "blond", "red")
"""Colours of hair that dark skin has not."""
GREY: Color = (0.62, 0.61, 0.60)


@dataclass(frozen=True)
class HairStyle:
    """What hairdos of one kind have in common.

    Attributes:
        weight: of the choice; ``gender`` and ``years``: of those who wear it.
        front_mm: how high above the eyes it begins in front.
        top_mm: how high above the eyes it ends, where the top of the head is bald.
        nape: how far down it reaches at the back, 0 = height of the eyes, 1 = chin.
        volume_mm: how far it stands off the head.
        length_mm: how far below the chin hanging hair ends (negative: above); None: no hair hangs.
        tail: whether it is tied to a tail, or to a knot.
    """

    weight: float
    gender: Range = (0.0, 1.0)
    years: Range = (0.0, 200.0)
    front_mm: Range = (52.0, 68.0)
    top_mm: Range = (500.0, 500.0)
    nape: Range = (0.7, 1.0)
    volume_mm: Range = (6.0, 14.0)
    length_mm: Range | None = None
    tail: str = ""


HAIR_STYLES: dict[str, HairStyle] = {
    "short": HairStyle(3.0, gender=(0.0, 0.75)),
    "cropped": HairStyle(1.5, gender=(0.0, 0.6), nape=(0.3, 0.7), volume_mm=(1.0, 3.0)),
    "thick": HairStyle(1.5, nape=(0.9, 1.2), volume_mm=(16.0, 26.0)),
    "afro": HairStyle(0.7, nape=(0.9, 1.1), volume_mm=(34.0, 55.0)),
    "receding": HairStyle(
        1.2, gender=(0.0, 0.5), years=(32.0, 200.0), front_mm=(110.0, 120.0), top_mm=(55.0, 95.0), volume_mm=(2.0, 7.0)
    ),
    "bald": HairStyle(
        0.8, gender=(0.0, 0.5), years=(28.0, 200.0), top_mm=(0.0, 0.0), nape=(0.0, 0.0), volume_mm=(0.0, 0.0)
    ),
    "bob": HairStyle(1.5, gender=(0.45, 1.0), volume_mm=(10.0, 18.0), length_mm=(-40.0, 20.0)),
    "shoulder-length": HairStyle(1.5, gender=(0.35, 1.0), length_mm=(40.0, 120.0)),
    "long": HairStyle(1.5, gender=(0.45, 1.0), length_mm=(150.0, 300.0)),
    "pony tail": HairStyle(1.3, gender=(0.4, 1.0), volume_mm=(4.0, 8.0), tail="tail"),
    "bun": HairStyle(0.8, gender=(0.35, 1.0), volume_mm=(4.0, 8.0), tail="knot"),
}


@dataclass(frozen=True)
class Hair:
    """One person's hair, see ``HairStyle``; ``beard_mm``: 0 = none, else how far it reaches below the mouth."""

    color: Color
    front_mm: float
    top_mm: float
    nape: float
    volume_mm: float
    length_mm: float | None
    tail: str
    beard_mm: float


@dataclass(frozen=True)
class Cloth:
    """Colours of a piece; a pattern of size ``period_mm`` mixes the two."""

    color: Color
    accent: Color
    pattern: Pattern
    period_mm: float


@dataclass(frozen=True)
class Motif:
    """A picture printed on a top.

    Attributes:
        is_front: on the chest rather than on the back.
        center_mm, half_mm: across and above the waist.
        bars: number of bars in it; 0 = a disc.
    """

    is_front: bool
    center_mm: tuple[float, float]
    half_mm: tuple[float, float]
    bars: int


@dataclass(frozen=True)
class Piece:
    """One piece that somebody wears: a garment with the measures drawn from its ranges.

    Attributes:
        side: where a bag hangs and where a cap's peak points, drawn from [0, 1).
    """

    garment: Garment
    cloth: Cloth
    sleeve: float
    leg: float
    hem_mm: float
    collar_mm: float
    ease_mm: float
    motif: Motif | None
    has_buttons: bool
    has_pocket: bool
    has_side_stripe: bool
    side: float


@dataclass(frozen=True)
class Look:
    """One person. Of a dress, ``top`` and ``bottom`` are the same piece; what is not worn is None."""

    skin: Color
    eyes: Color
    hair: Hair
    top: Piece | None
    bottom: Piece | None
    shoes: Piece | None
    head: Piece | None
    bag: Piece | None


def mix(one: Color, other: Color, share: float) -> Color:
    """Colour ``share`` of the way from one to the other."""
    r, g, b = (a + share * (z - a) for a, z in zip(one, other, strict=True))
    return (r, g, b)


def draw_skin(rng: np.random.Generator) -> Color:
    """Draw a tone of skin."""
    index, share = divmod(rng.uniform(0, len(SKIN_TONES) - 1), 1.0)
    return mix(SKIN_TONES[int(index)], SKIN_TONES[int(index) + 1], share)


def draw_hair(seed: int, subject: str, gender: float, years: float, skin: Color) -> Hair:
    """Draw a hairdo that people of that gender and age wear."""
    suitable = {
        name: style.weight
        for name, style in HAIR_STYLES.items()
        if style.gender[0] <= gender <= style.gender[1] and style.years[0] <= years <= style.years[1]
    }
    style = HAIR_STYLES[choose(seed, "hair style", subject, weights=suitable)]
    is_dark = sum(skin) / 3 < 0.45
    weights = {n: w for n, (_, w) in HAIR_COLORS.items() if not (is_dark and n in LIGHT_SKIN_HAIR)}
    color = HAIR_COLORS[choose(seed, "hair color", subject, weights=weights)][0]
    rng = stream(seed, "hair", subject)
    grey = float(np.clip((years - rng.uniform(35, 75)) / 15, 0, 1))
    has_beard = gender < 0.42 and rng.random() < 0.4
    return Hair(
        color=mix(color, GREY, grey),
        front_mm=rng.uniform(*style.front_mm),
        top_mm=rng.uniform(*style.top_mm),
        nape=rng.uniform(*style.nape),
        volume_mm=rng.uniform(*style.volume_mm),
        length_mm=None if style.length_mm is None else rng.uniform(*style.length_mm),
        tail=style.tail,
        beard_mm=rng.uniform(15, 45) if has_beard else 0.0,
    )


def draw_piece(seed: int, subject: str, name: str, garments: Mapping[str, Garment]) -> Piece:
    """Draw the measures and colours of a garment."""
    garment = garments[name]
    rng = stream(seed, "piece", name, subject)
    pattern = choose(seed, "pattern", name, subject, weights=garment.patterns)
    color = _color(rng, garment.palette)
    accent = _sole(rng) if garment.slot == "shoes" else _contrasting(rng, color)
    motif, buttons, pocket, side_stripe = rng.random(4) < (
        garment.motif, garment.buttons, garment.pocket, garment.side_stripe,
    )  # fmt: skip
    return Piece(
        garment=garment,
        cloth=Cloth(color, accent, pattern, rng.uniform(*_PERIODS_MM[pattern])),
        sleeve=rng.uniform(*garment.sleeve),
        leg=rng.uniform(*garment.leg),
        hem_mm=rng.uniform(*garment.hem_mm),
        collar_mm=rng.uniform(*garment.collar_mm),
        ease_mm=rng.uniform(*garment.ease_mm),
        motif=_motif(rng) if motif and pattern == "plain" else None,
        has_buttons=bool(buttons),
        has_pocket=bool(pocket),
        has_side_stripe=bool(side_stripe),
        side=rng.random(),
    )


_PERIODS_MM: dict[Pattern, Range] = {
    "plain": (100, 100), "stripes": (30, 120), "pinstripes": (25, 60), "checks": (40, 130), "dots": (35, 90),
    "blotches": (60, 160), "blocks": (100, 100),
}  # fmt: skip


def _motif(rng: np.random.Generator) -> Motif:
    half = rng.uniform(35, 95), rng.uniform(30, 90)
    center = float(rng.choice([0.0, rng.uniform(-60, 60)])), rng.uniform(170, 260)
    return Motif(bool(rng.random() < 0.5), center, half, int(rng.choice([0, 2, 3, 4])))


def _color(rng: np.random.Generator, palette: Palette) -> Color:
    """Draw a colour of cloth."""
    hue, chroma, value = rng.random(3)
    grey = 0.08 + 0.86 * value
    if palette == "denim":
        return hsv_to_rgb(0.58 + 0.05 * hue, 0.3 + 0.4 * chroma, 0.15 + 0.5 * value)
    if palette == "leather":
        return hsv_to_rgb(0.04 + 0.06 * hue, 0.25 + 0.5 * chroma, 0.08 + 0.45 * value**2)
    if palette == "dark":
        return hsv_to_rgb(hue, 0.5 * chroma, 0.06 + 0.25 * value)
    if palette == "muted" or chroma < 0.3:
        return hsv_to_rgb(hue, 0.35 * rng.random() ** 2, grey)
    return hsv_to_rgb(hue, 0.3 + 0.45 * chroma, 0.22 + 0.62 * value)


def _sole(rng: np.random.Generator) -> Color:
    """Draw a colour of soles: nearly white, or dark."""
    grey = rng.uniform(0.75, 0.92) if rng.random() < 0.45 else rng.uniform(0.05, 0.2)
    return (grey, grey, 0.94 * grey)


def _contrasting(rng: np.random.Generator, color: Color) -> Color:
    """Draw a colour that is seen beside ``color``."""
    candidates = [_color(rng, "any") for _ in range(4)]
    return max(candidates, key=lambda other: min(0.5, float(np.abs(np.subtract(other, color)).max())))
