from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from data_modules.sources.studio import cast, garments
from data_modules.sources.studio.cast import draw_person
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.garments import GARMENTS, Garment

STUDIO = PRESETS["studio"]
PEOPLE = [f"P{number}" for number in range(150)]


@pytest.fixture(scope="module")
def people():
    return {name: draw_person(STUDIO, name) for name in PEOPLE}


def _worn(person):
    """Names of the garments that somebody wears, by slot."""
    look = person.look
    names = {id(garment): name for name, garment in GARMENTS.items()}
    pieces = {"top": look.top, "bottom": look.bottom, "shoes": look.shoes, "head": look.head, "bag": look.bag}
    return {slot: None if piece is None else names[id(piece.garment)] for slot, piece in pieces.items()}


def test_a_person_depends_on_seed_and_name_alone(people):
    other = replace(STUDIO, name="x", subjects_train=("P9",), subjects_test=(), subactions=9, instants=3)
    assert draw_person(other, "P9") == people["P9"]
    assert draw_person(replace(STUDIO, seed=1), "P9") != people["P9"]
    assert len({person.look.skin for person in people.values()}) == len(people)


def test_people_are_as_different_as_people_are(people):
    genders, weights = (np.array([p.phenotype[name] for p in people.values()]) for name in ("gender", "weight"))
    assert 0.4 < (genders > 0.5).mean() < 0.6
    assert np.ptp(weights) > 0.9
    worn = Counter(name for person in people.values() for name in _worn(person).values() if name)
    assert len(worn) > 0.85 * len(GARMENTS)
    skins = np.array([person.look.skin for person in people.values()]).mean(axis=1)
    assert skins.min() < 0.3 < 0.75 < skins.max()
    prints = [p.look.top.motif.is_front for p in people.values() if p.look.top.motif]
    assert 0.25 < np.mean(prints) < 0.75


def test_only_those_whom_a_garment_is_made_for_wear_it(people):
    for person in people.values():
        for name in filter(None, _worn(person).values()):
            low, high = GARMENTS[name].gender
            assert low <= person.phenotype["gender"] <= high


def test_a_new_garment_changes_those_alone_who_wear_it(people, monkeypatch):
    monkeypatch.setitem(garments.GARMENTS, "kilt", Garment("bottom", 3.0, leg=(0.8, 1.0), extra="skirt"))
    for preset in PRESETS.values():
        assert "kilt" not in preset.garments
    assert {name: draw_person(STUDIO, name) for name in PEOPLE[:30]} == {name: people[name] for name in PEOPLE[:30]}
    config = replace(STUDIO, garments=(*STUDIO.garments, "kilt"))
    changed = {name: person for name in PEOPLE if (person := draw_person(config, name)) != people[name]}
    assert 0.1 < len(changed) / len(PEOPLE) < 0.4
    for name, person in changed.items():
        assert _worn(person)["bottom"] == "kilt"
        assert replace(person.look, bottom=people[name].look.bottom) == people[name].look


def test_every_preset_lists_garments_that_exist_and_something_for_everybody():
    for preset in PRESETS.values():
        assert set(preset.garments) <= set(cast.GARMENTS)
        assert {GARMENTS[name].slot for name in preset.garments} >= {"top", "bottom", "shoes"}
