import numpy as np
import pytest
import roma
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mcss.geometry.similarity import best_rotation, similarity_align
from tests.references.pose_errors import horn_align

MIRROR = torch.tensor([-1.0, 1, 1], dtype=torch.float64)


def poses(seed, count=8, joints=17):
    return 300 * torch.randn(count, joints, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def rotation(seed):
    return torch.from_numpy(Rotation.random(rng=seed).as_matrix())


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100), shift=st.floats(-5000, 5000))
def test_a_similarity_is_undone(seed, scale, shift):
    target = poses(seed)
    pred = scale * target @ rotation(seed).T + shift
    torch.testing.assert_close(similarity_align(pred, target), target, atol=1e-6, rtol=0)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("joints", [3, 4, 17])
def test_equals_horn_roma_and_scipy(mirrored, joints):
    pred, target = poses(0, joints=joints), poses(1, joints=joints)
    target = target + pred * (MIRROR if mirrored else 1)
    aligned = similarity_align(pred, target)

    horn = np.stack([horn_align(p, g) for p, g in zip(pred.numpy(), target.numpy(), strict=True)])
    turn, shift, scale = roma.rigid_points_registration(pred, target, compute_scaling=True)
    by_roma = scale[:, None, None] * pred @ turn.mT + shift[:, None]
    torch.testing.assert_close(aligned, torch.from_numpy(horn), atol=1e-8, rtol=0)
    torch.testing.assert_close(aligned, by_roma, atol=1e-8, rtol=0)

    p, g = pred[0] - pred[0].mean(0), target[0] - target[0].mean(0)
    turned = p @ torch.from_numpy(Rotation.align_vectors(g, p)[0].as_matrix()).T
    by_scipy = (g * turned).sum() / p.square().sum() * turned + target[0].mean(0)
    torch.testing.assert_close(aligned[0], by_scipy, atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 10_000),
    size=st.floats(1e-9, 1e9),
    middle=st.floats(0, 1),
    least=st.floats(-12, 0),
    sign=st.sampled_from([-1, 0, 1]),
)
def test_the_rotation_is_proper_and_reaches_the_maximum_however_near_the_singular_values(
    seed, size, middle, least, sign
):
    singular = size * torch.tensor([1, middle, sign * middle * (1 - 10**least)], dtype=torch.float64)
    covariance = rotation(seed) @ torch.diag(singular) @ rotation(seed + 1)
    turn, correlation = (result[0] for result in best_rotation(covariance[None]))
    torch.testing.assert_close(turn @ turn.T, torch.eye(3, dtype=torch.float64), atol=1e-9, rtol=0)
    assert torch.linalg.det(turn) == pytest.approx(1, abs=1e-9)
    assert correlation.item() == pytest.approx(singular.sum().item(), abs=1e-11 * size)
    assert (turn * covariance).sum().item() == pytest.approx(singular.sum().item(), abs=1e-11 * size)


def test_the_prediction_moves_onto_the_target_not_the_reverse():
    target = poses(2)
    pred = 0.001 * target + 7
    assert (similarity_align(pred, target) - target).abs().max() < 1e-8
    assert (similarity_align(target, pred) - pred).abs().max() < 1e-8


def test_a_reflection_is_not_undone_but_that_of_a_planar_pose_is_a_rotation():
    target = poses(3)
    assert (similarity_align(target * MIRROR, target) - target).norm(dim=-1).mean() > 50
    planar = target * torch.tensor([1.0, 1, 0])
    torch.testing.assert_close(similarity_align(planar * MIRROR, planar), planar)


@pytest.mark.parametrize("axes", [[1, 1, 1], [1, 1, 0], [1, 0, 0]])
def test_the_map_is_a_scale_and_a_proper_rotation_even_onto_planar_and_collinear_targets(axes):
    # On a flat target a reflection has the same error: only the aligned pose tells.
    pred, target = poses(13), poses(14) * torch.tensor(axes)
    aligned = similarity_align(pred, target)
    centred = [pose - pose.mean(dim=1, keepdim=True) for pose in (pred, aligned)]
    linear = torch.linalg.lstsq(*centred).solution
    determinant = torch.linalg.det(linear)
    assert (determinant > 0).all()
    scale = determinant ** (1 / 3)
    identity = torch.eye(3, dtype=torch.float64).expand(8, 3, 3)
    torch.testing.assert_close(linear.mT @ linear / scale.square()[:, None, None], identity, atol=1e-9, rtol=0)


def test_collinear_poses_align_along_their_line():
    along = torch.tensor([0.0, 1, 3, 7], dtype=torch.float64)
    target = along[None, :, None] * torch.tensor([1.0, 2, -1], dtype=torch.float64) + 4
    pred = -2 * along[None, :, None] * torch.tensor([3.0, 0, 1], dtype=torch.float64) - 1
    torch.testing.assert_close(similarity_align(pred, target), target)


def test_a_spatial_pose_on_a_collinear_target_reaches_the_least_squared_distance():
    # Every rotation about the target's line is as good; the squared distance is that of the best of many rotations.
    pred, along = poses(4, 1), torch.linspace(-1, 2, 17, dtype=torch.float64)
    target = 100 * along[None, :, None] * torch.tensor([0.0, 0, 1], dtype=torch.float64)
    best = (torch.from_numpy(horn_align(pred[0].numpy(), target[0].numpy())) - target[0]).square().sum()
    torch.testing.assert_close((similarity_align(pred, target) - target).square().sum(), best)


@pytest.mark.parametrize("offset", [0.0, 0.1, 1234.567, -1e6])
def test_a_single_point_lands_on_the_targets_centroid_even_if_rounding_spreads_it(offset):
    target = poses(5)
    point = torch.full_like(target, offset)
    point[:, 0] += 1e-14 * abs(offset)
    centroid = target.mean(dim=1, keepdim=True).expand_as(target)
    torch.testing.assert_close(similarity_align(point, target), centroid, atol=1e-8, rtol=0)
    torch.testing.assert_close(similarity_align(target, point), point, atol=1e-8, rtol=0)


def test_degenerate_poses_do_not_disturb_their_batch():
    pred, target = poses(6), poses(7)
    alone = similarity_align(pred, target)
    pred[2], target[5] = 0.0, 3.0
    together = similarity_align(pred, target)
    assert together.isfinite().all()
    keep = [0, 1, 3, 4, 6, 7]
    assert torch.equal(together[keep], alone[keep])


def test_small_poses_are_aligned_at_their_own_scale():
    target = poses(8)
    torch.testing.assert_close(similarity_align(1e-9 * target, target), target)


def test_float32_is_computed_in_float64_and_no_poses_give_none():
    pred, target = poses(9).float() + 5000, poses(10).float() + 5000
    assert torch.equal(similarity_align(pred, target), similarity_align(pred.double(), target.double()))
    assert similarity_align(pred[:0], target[:0]).shape == (0, 17, 3)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_coordinate_that_is_not_finite_is_an_error(bad):
    pred, target = poses(11), poses(12)
    target[[3, 6], 4, 1] = bad
    with pytest.raises(ValueError, match=r"2 of 8 poses of argument 1 hold .* not finite, the first is pose 3"):
        similarity_align(pred, target)
