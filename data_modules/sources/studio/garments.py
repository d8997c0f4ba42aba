"""The wardrobe: one entry a garment. Which of them somebody wears, and how long, is drawn (``cast``)."""

from dataclasses import dataclass, field
from typing import Literal

Slot = Literal["top", "bottom", "dress", "shoes", "head", "bag"]
Pattern = Literal["plain", "stripes", "pinstripes", "checks", "dots", "blotches", "blocks"]
Neckline = Literal["crew", "v", "high"]
Extra = Literal["none", "skirt", "beanie", "cap", "hat", "backpack", "shoulder_bag"]
"""Part of a garment with a mesh of its own (``shells``); the rest is colour and thickness on the body."""
Palette = Literal["any", "muted", "denim", "dark", "leather"]
Range = tuple[float, float]

PRINTED: dict[Pattern, float] = {
    "plain": 5.0,
    "stripes": 2.0,
    "checks": 0.5,
    "dots": 0.5,
    "blotches": 1.0,
    "blocks": 1.0,
}
WOVEN: dict[Pattern, float] = {"plain": 4.0, "checks": 3.0, "pinstripes": 2.0, "dots": 0.7, "blotches": 0.7}
KNITTED: dict[Pattern, float] = {"plain": 5.0, "stripes": 2.5, "blocks": 1.0}
PLAIN: dict[Pattern, float] = {"plain": 1.0}
TRIMMED: dict[Pattern, float] = {"plain": 4.0, "blocks": 0.6, "blotches": 0.6}


@dataclass(frozen=True)
class Garment:
    """What all pieces of one kind have in common. Ranges are drawn from, uniformly.

    Attributes:
        weight: of the choice among the garments of its slot.
        gender: anny's values of gender (0 to 1) of those who wear it.
        sleeve: where its sleeves end along the arm: 0 = shoulder, 1 = elbow, 2 = wrist.
        leg: where it ends along the leg: 0 = hip, 1 = knee, 2 = ankle; of shoes, where they begin.
        hem_mm: lower edge of a top above the waist.
        collar_mm: how far its neckline lies below the base of the neck in front.
        ease_mm: how far the cloth stands off the skin.
        motif, buttons, pocket, side_stripe: shares of the pieces that have one.
    """

    slot: Slot
    weight: float = 1.0
    gender: Range = (0.0, 1.0)
    sleeve: Range = (0.0, 0.0)
    leg: Range = (0.0, 0.0)
    hem_mm: Range = (-120.0, -60.0)
    neckline: Neckline = "crew"
    collar_mm: Range = (5.0, 35.0)
    ease_mm: Range = (3.0, 8.0)
    palette: Palette = "any"
    patterns: dict[Pattern, float] = field(default_factory=lambda: PLAIN)
    motif: float = 0.0
    buttons: float = 0.0
    pocket: float = 0.0
    side_stripe: float = 0.0
    extra: Extra = "none"


GARMENTS: dict[str, Garment] = {
    "t-shirt": Garment("top", 3.0, sleeve=(0.35, 0.75), patterns=PRINTED, motif=0.4, pocket=0.1),
    "polo shirt": Garment(
        "top", 1.0, sleeve=(0.4, 0.7), collar_mm=(0.0, 15.0), patterns=KNITTED, buttons=0.8, pocket=0.2
    ),
    "shirt": Garment(
        "top", 2.0, sleeve=(1.75, 1.95), collar_mm=(0.0, 15.0), ease_mm=(5.0, 11.0), patterns=WOVEN,
        buttons=0.9, pocket=0.5,
    ),
    "blouse": Garment(
        "top", 1.2, gender=(0.5, 1.0), sleeve=(0.8, 1.7), neckline="v", collar_mm=(50.0, 110.0), ease_mm=(5.0, 12.0),
        patterns=WOVEN,
    ),
    "tank top": Garment(
        "top", 0.8, sleeve=(-0.05, 0.04), collar_mm=(40.0, 80.0), ease_mm=(1.0, 4.0), patterns=PRINTED, motif=0.2
    ),
    "jumper": Garment(
        "top", 1.5, sleeve=(1.8, 1.95), collar_mm=(0.0, 20.0), ease_mm=(9.0, 16.0), hem_mm=(-130.0, -70.0),
        patterns=KNITTED,
    ),
    "roll-neck": Garment(
        "top", 0.6, sleeve=(1.85, 1.95), neckline="high", ease_mm=(5.0, 9.0), palette="muted", patterns=KNITTED
    ),
    "hoodie": Garment(
        "top", 1.0, sleeve=(1.85, 1.97), collar_mm=(0.0, 20.0), ease_mm=(14.0, 22.0), hem_mm=(-150.0, -90.0), motif=0.3,
        patterns=TRIMMED,
    ),
    "jacket": Garment(
        "top", 0.8, sleeve=(1.85, 1.95), neckline="v", collar_mm=(20.0, 70.0), ease_mm=(14.0, 22.0),
        hem_mm=(-190.0, -60.0), palette="muted", patterns=TRIMMED, buttons=0.6, pocket=0.4,
    ),
    "trousers": Garment("bottom", 3.0, leg=(1.86, 1.95), ease_mm=(6.0, 12.0), palette="muted", pocket=0.5),
    "jeans": Garment("bottom", 3.0, leg=(1.84, 1.95), ease_mm=(2.0, 8.0), palette="denim", pocket=0.9),
    "wide trousers": Garment("bottom", 0.8, leg=(1.8, 1.93), ease_mm=(18.0, 30.0), patterns=WOVEN),
    "jogging trousers": Garment("bottom", 1.0, leg=(1.75, 1.9), ease_mm=(8.0, 16.0), palette="muted", side_stripe=0.5),
    "leggings": Garment(
        "bottom", 0.8, gender=(0.4, 1.0), leg=(1.55, 1.9), ease_mm=(0.0, 2.0), palette="dark", patterns=TRIMMED
    ),
    "three-quarter trousers": Garment("bottom", 0.8, leg=(1.2, 1.55), ease_mm=(6.0, 14.0), pocket=0.5),
    "shorts": Garment("bottom", 1.6, leg=(0.65, 0.98), ease_mm=(8.0, 18.0), patterns=TRIMMED, pocket=0.5),
    "sports shorts": Garment("bottom", 0.8, leg=(0.4, 0.7), ease_mm=(8.0, 16.0), side_stripe=0.5),
    "skirt": Garment("bottom", 1.2, gender=(0.5, 1.0), leg=(0.55, 1.1), patterns=WOVEN, extra="skirt"),
    "long skirt": Garment("bottom", 0.8, gender=(0.5, 1.0), leg=(1.25, 1.7), patterns=PRINTED, extra="skirt"),
    "dress": Garment(
        "dress", 0.25, gender=(0.5, 1.0), sleeve=(-0.04, 0.7), leg=(0.6, 1.4), hem_mm=(-60.0, -60.0),
        collar_mm=(20.0, 70.0), patterns=PRINTED, extra="skirt",
    ),
    "trainers": Garment("shoes", 3.0, leg=(1.95, 1.97), ease_mm=(6.0, 9.0)),
    "leather shoes": Garment("shoes", 1.5, leg=(1.96, 1.98), ease_mm=(4.0, 7.0), palette="leather"),
    "boots": Garment("shoes", 1.0, leg=(1.5, 1.8), ease_mm=(6.0, 10.0), palette="leather"),
    "slippers": Garment("shoes", 0.5, leg=(2.05, 2.06), ease_mm=(3.0, 6.0)),
    "cap": Garment("head", 1.0, palette="any", patterns=TRIMMED, extra="cap"),
    "beanie": Garment("head", 0.5, patterns=KNITTED, extra="beanie"),
    "hat": Garment("head", 0.4, palette="muted", extra="hat"),
    "backpack": Garment("bag", 1.0, palette="any", patterns=TRIMMED, extra="backpack"),
    "shoulder bag": Garment("bag", 0.8, palette="leather", extra="shoulder_bag"),
}  # fmt: skip
"""By name."""

BARE: dict[Slot, float] = {"head": 8.0, "bag": 9.0}
"""Weight of wearing nothing of a slot, where that is possible."""
DRESSED_APART = 1.0
"""Weight of a top and a bottom, against those of the dresses."""
