import numpy as np
import pytest

from mcss.errors import InputError
from mcss.predict.calibration import JointErrors, calibrate, errors_by_views, read_calibration
from mcss.predict.fuse import fuse
from tests.references.walking import walk


def seen(true_mm, rng, count=4, size=1.0):
    """Views whose errors are as large as the frame and joint are hard: the same for all views of it."""
    hardness = size * rng.uniform(10, 60, (*true_mm.shape[:2], 1))
    return np.array([true_mm + rng.normal(0, 1, true_mm.shape) * hardness for _ in range(count)])


def test_intervals_of_each_number_of_views_cover_what_they_promise_on_new_people(tmp_path):
    rng = np.random.default_rng(1)
    _, true_mm = walk(400)
    parts = [
        part
        for person in ("Ann", "Bob")
        for part in errors_by_views(person, seen(true_mm, rng), np.ones((4, 400)), true_mm)
    ]
    assert [part.views for part in parts[:13]] == 4 * [1] + 4 * [2] + 4 * [3] + [4]
    calibrate(parts).save(tmp_path / "calibration.json")
    made, widths = read_calibration(tmp_path / "calibration.json"), {}
    assert made.left_out.keys() == {"Ann", "Bob"}
    assert min(made.left_out.values()) > 0.88
    for count in (1, 2, 4):
        fused, spread = fuse(seen(true_mm, rng, count), np.ones((count, 400)))
        error = np.linalg.norm(fused - true_mm, axis=-1)
        interval = made.interval_mm(spread, np.full(400, float(count)))
        assert 0.88 <= (error[:, 1:] <= interval[:, 1:]).mean() <= 0.92
        hard, easy = (interval[chosen].mean() for chosen in (error > np.median(error), error <= np.median(error)))
        widths[count] = hard / easy
    assert widths[4] > 1.1 > widths[1]  # of several views the interval tells hard frames from easy ones
    assert np.isnan(made.interval_mm(spread, np.full(400, 5.0))).all()


def test_a_person_who_is_unlike_the_others_is_told_by_the_share_that_their_intervals_hold():
    rng = np.random.default_rng(2)
    _, true_mm = walk(300)
    parts = [
        part
        for person, size in (("Ann", 1.0), ("Bob", 1.0), ("Eve", 2.5))
        for part in errors_by_views(person, seen(true_mm, rng, 2, size), np.ones((2, 300)), true_mm)
    ]
    left_out = calibrate(parts).left_out
    assert left_out["Eve"] < 0.8 < 0.92 < left_out["Ann"]


def test_frames_without_a_view_or_a_label_do_not_count():
    _, true_mm = walk(10)
    views, confidence = np.array([true_mm, true_mm + 3.0]), np.ones((2, 10))
    views[0, 2], confidence[0, 2] = np.nan, 0
    true_mm[5] = np.nan
    parts = list(errors_by_views("Ann", views, confidence, true_mm))
    assert [(part.views, len(part.error_mm)) for part in parts] == [(1, 8), (1, 9), (2, 8)]
    np.testing.assert_allclose(parts[1].error_mm, np.sqrt(27))


def test_another_file_is_no_calibration(tmp_path):
    (tmp_path / "other.json").write_text('{"by_views": {"4": {"typical_mm": [1.0], "scale": [1.0]}}}')
    with pytest.raises(InputError, match=r"other.json: not a calibration \(not one number a joint\); make one with"):
        read_calibration(tmp_path / "other.json")


def test_one_person_cannot_be_left_out():
    errors = JointErrors("Ann", 1, np.full((20, 17), 5.0), np.full((20, 17), np.nan))
    assert calibrate([errors]).left_out == {}
