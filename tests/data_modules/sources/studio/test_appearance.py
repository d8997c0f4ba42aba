from itertools import combinations

import numpy as np
import pytest

from data_modules.sources.studio.appearance import (
    HEAD,
    LEFT_ARM,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_LEG,
    TORSO,
    paint,
    surface_of,
)
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.looks import LOOKS


def _paint_vertices(bodies, subject):
    """Colour of the first corner of every triangle of a subject."""
    body = bodies[subject]
    surface = surface_of(body)
    corners = body.triangles[:, 0]
    return surface, paint(LOOKS[subject], surface, surface.parts, surface.reach[corners], surface.rest_mm[corners])


def test_every_part_of_the_body_is_found(bodies):
    surface, _ = _paint_vertices(bodies, "S1")
    parts, counts = np.unique(surface.parts, return_counts=True)
    assert set(parts) == {HEAD, TORSO, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG}
    assert counts.min() > 100
    assert surface.rest_mm[surface.reach > 2.0, 2].min() < -700


@pytest.mark.parametrize("subject", LOOKS)
def test_garments_are_where_they_belong(bodies, subject):
    look = LOOKS[subject]
    surface, colors = _paint_vertices(bodies, subject)
    body = bodies[subject]
    heights = surface.rest_mm[body.triangles[:, 0], 2]
    soles = heights < heights.min() + 30
    np.testing.assert_allclose(colors[soles], np.tile(look.shoes, (soles.sum(), 1)))
    crown = heights > heights.max() - 20
    np.testing.assert_allclose(colors[crown], np.tile(look.hair, (crown.sum(), 1)))
    chest = (surface.parts == TORSO) & (heights > 300)
    palette = np.array([look.shirt.color, look.shirt.accent, np.mean([look.shirt.color, look.shirt.accent], axis=0)])
    depth = surface.rest_mm[body.triangles[:, 0], 1]
    in_front = (np.abs(colors[chest] - look.undershirt).max(axis=-1) < 1e-9) & (depth[chest] < 0)
    assert 0.05 < in_front.mean() < 0.5
    chest[np.flatnonzero(chest)[in_front]] = False
    assert (np.abs(colors[chest][:, None] - palette).max(axis=-1).min(axis=1) < 1e-9).all()


@pytest.mark.parametrize("preset", ["studio", "studio-b"])
def test_subjects_of_a_site_differ_at_a_glance(bodies, preset):
    """Mean colours of head, trunk, arms and legs: every two subjects differ clearly in at least two parts."""
    means = {}
    for subject in PRESETS[preset].subjects:
        surface, colors = _paint_vertices(bodies, subject)
        groups = ((HEAD,), (TORSO,), (LEFT_ARM, RIGHT_ARM), (LEFT_LEG, RIGHT_LEG))
        means[subject] = np.array([colors[np.isin(surface.parts, group)].mean(axis=0) for group in groups])
    for one, other in combinations(means, 2):
        differences = np.linalg.norm(means[one] - means[other], axis=-1)
        assert (differences > 0.15).sum() >= 2, (one, other)


def test_bodies_differ_in_height_and_girth(bodies):
    heights, girths = [], []
    for body in bodies.values():
        low, high = body.rest_vertices_mm.min(axis=0), body.rest_vertices_mm.max(axis=0)
        heights.append(high[2] - low[2])
        girths.append(np.ptp(body.rest_vertices_mm[surface_of(body).reach == 0][:, 1]))
    assert 1550 < min(heights) < max(heights) < 1960
    # Seen apart, but near: a crop does not show how large somebody unknown is, and an error in mm must not be about it.
    assert 100 < np.ptp(heights) < 200
    # A pixel of a standing person's crop (96 px) is some 22 mm.
    assert np.ptp(girths) > 1.5 * 22
