from dataclasses import replace

import numpy as np

from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.poses import ANGLES
from data_modules.sources.studio.style import draw_style, taste

CONFIG = PRESETS["studio"]
PEOPLE = [f"P{number}" for number in range(60)]


def test_a_style_follows_from_seed_and_name():
    one, again, other, elsewhere = (
        draw_style(replace(CONFIG, seed=seed), subject)
        for seed, subject in ((0, "S1"), (0, "S1"), (0, "S5"), (1, "S1"))
    )
    np.testing.assert_array_equal(one.posture_rad, again.posture_rad)
    assert one.cadence_hz == again.cadence_hz
    for different in (other, elsewhere):
        assert np.abs(different.posture_rad - one.posture_rad).max() > 0.02
        assert different.cadence_hz != one.cadence_hz


def test_people_differ_as_people_do():
    styles = [draw_style(CONFIG, subject) for subject in PEOPLE]
    assert 0.15 < np.mean([style.left_handed for style in styles]) < 0.5
    # Steps of 0.55 to 0.85 of the leg at 90 to 120 a minute.
    assert all(0.55 < style.step_share < 0.85 and 1.5 < style.cadence_hz < 2 for style in styles)
    assert np.std([style.tempo for style in styles]) > 0.08
    postures = np.degrees([style.posture_rad for style in styles])
    left, right = (postures[:, [name.startswith(side) for name in ANGLES]] for side in ("left", "right"))
    # The sides of a person are alike, but not the same.
    assert np.corrcoef(left.ravel(), right.ravel())[0, 1] > 0.6
    assert 1 < np.std(left - right) < 5


def test_liking_of_one_pose_says_nothing_of_another():
    likes = np.log([[taste(CONFIG, subject, pose) for pose in ("wave", "bow")] for subject in PEOPLE])
    assert 0.5 < likes.std() < 0.9
    assert abs(np.corrcoef(likes.T)[0, 1]) < 0.35
