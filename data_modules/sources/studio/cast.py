"""The cast: people drawn from the seed. A person's name is a key of the draw and means nothing else."""

from functools import cache
from typing import Any

from data_modules.sources.studio.body import load_anny
from data_modules.sources.studio.draws import stream

AGES_YEARS = (18.0, 70.0)


@cache
def _shape_distribution(mesh: str) -> Any:
    from anny.shape_distribution import SimpleShapeDistribution

    return SimpleShapeDistribution(load_anny(mesh))


def draw_phenotype(seed: int, subject: str, mesh: str) -> dict[str, float]:
    """Draw the body of an adult from anny's distribution of shapes.

    As there, gender is uniform in [0, 1], and height, weight, muscle and proportions follow from age and gender.

    Returns:
        anny's phenotype values, see ``make_body``.
    """
    import torch

    distribution = _shape_distribution(mesh)
    years = stream(seed, "age", subject).uniform(*AGES_YEARS)
    age = distribution.morphological_age_mapping.morphological_to_anny_age(torch.tensor([years], dtype=torch.float64))
    gender = stream(seed, "gender", subject).uniform()
    children = "boys" if gender <= 0.5 else "girls"
    phenotype = {"gender": gender, "age": float(age)}
    for name in ("height", "weight", "muscle", "proportions"):
        alpha, beta = getattr(distribution, f"{children}_conditional_{name}_distribution").get_distribution_params(age)
        phenotype[name] = stream(seed, name, subject).beta(float(alpha), float(beta))
    return phenotype
