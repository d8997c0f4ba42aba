"""The cast: people drawn from the seed. A person's name is a key of the draw and means nothing else."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from data_modules.sources.studio.body import load_anny
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import choose, stream
from data_modules.sources.studio.garments import BARE, DRESSED_APART, GARMENTS, Slot
from data_modules.sources.studio.looks import Color, Look, Piece, draw_hair, draw_piece, draw_skin

AGES_YEARS = (18.0, 70.0)
EYE_COLORS: tuple[Color, ...] = ((0.16, 0.10, 0.07), (0.20, 0.22, 0.14), (0.22, 0.32, 0.42))
"""Brown, green, blue."""
NOTHING = "nothing"


@dataclass(frozen=True)
class Person:
    """Somebody of the cast: anny's phenotype values, see ``make_body``, and the look."""

    phenotype: dict[str, float]
    look: Look


def draw_person(config: StudioConfig, subject: str) -> Person:
    """Draw a person; the same name and seed give the same one in every configuration that lists the same garments."""
    seed = config.seed
    phenotype = draw_phenotype(seed, subject, config.mesh)
    gender = phenotype["gender"]
    skin = draw_skin(stream(seed, "skin", subject))
    hair = draw_hair(seed, subject, gender, _years(seed, subject), skin)
    light_eyes = EYE_COLORS[int(stream(seed, "eyes", subject).integers(len(EYE_COLORS)))]
    whole = _drawn_piece(config, subject, gender, "dress", DRESSED_APART)
    return Person(
        phenotype,
        Look(
            skin=skin,
            eyes=light_eyes if max(skin) > 0.8 else EYE_COLORS[0],
            hair=hair,
            top=whole or _drawn_piece(config, subject, gender, "top"),
            bottom=whole or _drawn_piece(config, subject, gender, "bottom"),
            shoes=_drawn_piece(config, subject, gender, "shoes"),
            head=_drawn_piece(config, subject, gender, "head", BARE["head"]),
            bag=_drawn_piece(config, subject, gender, "bag", BARE["bag"]),
        ),
    )


def put_on(person: Person, seed: int, subject: str, garment: str) -> Person:
    """Let somebody wear one of all garments in place of what was drawn."""
    piece = draw_piece(seed, subject, garment, GARMENTS)
    slots = ("top", "bottom") if piece.garment.slot == "dress" else (piece.garment.slot,)
    worn: dict[str, Any] = dict.fromkeys(slots, piece)
    return replace(person, look=replace(person.look, **worn))


def _drawn_piece(config: StudioConfig, subject: str, gender: float, slot: Slot, nothing: float = 0.0) -> Piece | None:
    """Draw what is worn of a slot; ``nothing`` is the weight of wearing nothing of it."""
    worn = {name: GARMENTS[name] for name in config.garments if GARMENTS[name].slot == slot}
    weights = {name: g.weight for name, g in worn.items() if g.gender[0] <= gender <= g.gender[1]}
    if nothing or not weights:
        weights[NOTHING] = nothing or 1.0
    name = choose(config.seed, slot, subject, weights=weights)
    return None if name == NOTHING else draw_piece(config.seed, subject, name, worn)


@cache
def _shape_distribution(mesh: str) -> Any:
    from anny.shape_distribution import SimpleShapeDistribution

    return SimpleShapeDistribution(load_anny(mesh))


def _years(seed: int, subject: str) -> float:
    return float(stream(seed, "age", subject).uniform(*AGES_YEARS))


def draw_phenotype(seed: int, subject: str, mesh: str) -> dict[str, float]:
    """Draw the body of an adult from anny's distribution of shapes.

    As there, gender is uniform in [0, 1], and height, weight, muscle and proportions follow from age and gender.

    Returns:
        anny's phenotype values, see ``make_body``.
    """
    import torch

    distribution = _shape_distribution(mesh)
    years = torch.tensor([_years(seed, subject)], dtype=torch.float64)
    age = distribution.morphological_age_mapping.morphological_to_anny_age(years)
    gender = float(stream(seed, "gender", subject).uniform())
    children = "boys" if gender <= 0.5 else "girls"
    phenotype = {"gender": gender, "age": float(age)}
    for name in ("height", "weight", "muscle", "proportions"):
        alpha, beta = getattr(distribution, f"{children}_conditional_{name}_distribution").get_distribution_params(age)
        phenotype[name] = float(stream(seed, name, subject).beta(float(alpha), float(beta)))
    return phenotype
