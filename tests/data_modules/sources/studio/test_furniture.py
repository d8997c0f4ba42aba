"""The chair of a person: where it stands, and whom it suits."""

from dataclasses import replace

import numpy as np
import pytest

from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.furniture import FREE_RADIUS_MM, draw_seat

pytestmark = pytest.mark.slow

CONFIG = PRESETS["studio"]


def test_chairs_stand_in_the_free_disc_at_a_height_that_suits_the_person(studio):
    body = studio.bodies["S1"]
    seats = [draw_seat(replace(CONFIG, seed=seed), "S1", body) for seed in range(40)]
    distances = np.array([np.hypot(*seat.center_mm) for seat in seats])
    assert 450 < distances.min() < 600
    assert 900 < distances.max() < FREE_RADIUS_MM - 450
    knee, ankle = (body.rest_heads_mm[body.index[bone]] for bone in ("lowerleg01.L", "foot.L"))
    tops = np.array([seat.top_mm for seat in seats])
    assert np.abs(tops - np.linalg.norm(knee - ankle)).max() < 100
    assert 0.15 < np.mean([seat.back_mm > 0 for seat in seats]) < 0.7


def test_a_chair_is_the_same_in_all_clips_of_a_person_and_another_one_for_others(studio):
    body = studio.bodies["S1"]
    first, again = draw_seat(CONFIG, "S1", body), draw_seat(replace(CONFIG, actions=("Sitting",)), "S1", body)
    assert first[1:] == again[1:]
    np.testing.assert_array_equal(first.center_mm, again.center_mm)
    assert draw_seat(CONFIG, "S5", body).yaw_rad != pytest.approx(first.yaw_rad)
