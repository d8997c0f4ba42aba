from dataclasses import replace

import numpy as np

from mcss.predict.motion import motion
from mcss.predict.smooth import bridge, smooth
from tests.references.walking import walk


def acceleration_error(pose_mm, true_mm):
    return np.linalg.norm(np.diff(pose_mm - true_mm, n=2, axis=0), axis=-1).mean()


def mpjpe(pose_mm, true_mm):
    return np.linalg.norm(pose_mm - true_mm, axis=-1).mean()


def test_smoothing_halves_the_acceleration_error_of_noisy_motion_at_no_cost_in_mpjpe():
    time_s, true_mm = walk(120)
    rng = np.random.default_rng(0)
    noisy = true_mm + rng.normal(0, 15, true_mm.shape)
    noisy[rng.choice(120, 4, replace=False), 12] += 400  # single wrong poses
    calm = smooth(motion(time_s, noisy, "canonical")).pose_mm
    assert acceleration_error(calm, true_mm) < 0.5 * acceleration_error(noisy, true_mm)
    assert mpjpe(calm, true_mm) < mpjpe(noisy, true_mm)


def test_smoothing_keeps_a_motion_that_is_smooth():
    time_s, true_mm = walk(120)
    assert mpjpe(smooth(motion(time_s, true_mm, "canonical")).pose_mm, true_mm) < 3


def test_short_gaps_are_bridged_and_marked_and_long_ones_stay():
    time_s, true_mm = walk(60)
    pose_mm = true_mm.copy()
    pose_mm[[0, 59]] = pose_mm[10:15] = pose_mm[30:40] = np.nan
    made = bridge(motion(time_s, pose_mm, "canonical"), longest_s=0.2)
    assert made.is_bridged.nonzero()[0].tolist() == list(range(10, 15))
    np.testing.assert_allclose(made.pose_mm[12], (pose_mm[9] + pose_mm[15]) / 2)
    assert (~made.is_known).nonzero()[0].tolist() == [0, *range(30, 40), 59]
    assert np.isnan(smooth(made).pose_mm[30:40]).all()


def test_stretches_on_either_side_of_a_gap_do_not_influence_each_other():
    time_s, true_mm = walk(60)
    pose_mm = true_mm.copy()
    pose_mm[30] = np.nan
    other = pose_mm.copy()
    other[31:] += 500
    first, second = (smooth(replace(motion(time_s, values, "canonical"))).pose_mm for values in (pose_mm, other))
    np.testing.assert_array_equal(first[:30], second[:30])
