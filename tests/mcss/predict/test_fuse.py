import numpy as np

from mcss.predict.fuse import LEAST_SPREAD_MM, fuse
from tests.references.walking import walk


def views_of(true_mm, rng, count=4):
    """Views whose errors are as large as the frame and joint are hard: the same for all views of it."""
    hardness = rng.uniform(10, 60, (*true_mm.shape[:2], 1))
    return np.array([true_mm + rng.normal(0, 1, true_mm.shape) * hardness for _ in range(count)])


def error(pose_mm, true_mm):
    return np.linalg.norm(pose_mm - true_mm, axis=-1)


def test_a_view_that_contradicts_the_others_counts_little():
    _, true_mm = walk(20)
    views = np.array([true_mm] * 4)
    views[2] += 500
    fused, spread = fuse(views, np.ones((4, 20)))
    assert error(fused, true_mm).max() < 10
    assert spread.min() > 100  # and yet the uncertainty tells of it


def test_views_of_equal_quality_are_nearly_averaged_and_better_than_each():
    _, true_mm = walk(200)
    views = views_of(true_mm, np.random.default_rng(0))
    fused, _ = fuse(views, np.ones((4, 200)))
    best = min(error(view, true_mm).mean() for view in views)
    assert error(fused, true_mm).mean() < 0.6 * best
    assert error(fused, true_mm).mean() < 1.1 * error(views.mean(axis=0), true_mm).mean()


def test_frames_are_fused_from_the_views_that_have_them():
    _, true_mm = walk(4)
    views = np.array([true_mm, true_mm + 6.0])
    views[0, 1] = np.nan
    views[:, 2] = np.nan
    fused, spread = fuse(views, np.array([[1.0, 1, 1, 1], [1, 1, 1, 0]]))
    np.testing.assert_allclose(fused[0], true_mm[0] + 3)
    np.testing.assert_allclose(fused[1], true_mm[1] + 6)
    assert np.isnan(fused[2]).all()
    np.testing.assert_allclose(fused[3], true_mm[3])
    assert np.isnan(spread[1:]).all()
    assert (spread[0] == max(LEAST_SPREAD_MM, np.sqrt(27))).all()


def test_a_less_confident_view_counts_less():
    _, true_mm = walk(1)
    fused, _ = fuse(np.array([true_mm, true_mm + 4.0]), np.array([[3.0], [1.0]]))
    assert 0 < (fused - true_mm).max() < 2
