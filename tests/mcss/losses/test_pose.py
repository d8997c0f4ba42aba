import pytest
import torch

from mcss.losses.pose import l1_pose_loss, pose_statistics, standardise, unstandardise


def poses(seed, count=20):
    return 300 * torch.randn(count, 17, 3, generator=torch.Generator().manual_seed(seed)) + 50


def test_statistics_equal_loops():
    pose = poses(0)
    mean, std = pose_statistics(pose)
    for joint in range(17):
        square = 0.0
        for axis in range(3):
            values = pose[:, joint, axis].tolist()
            average = sum(values) / 20
            assert mean[joint, axis].item() == pytest.approx(average, rel=1e-5)
            square += sum((value - average) ** 2 for value in values)
        assert std[joint].item() == pytest.approx((square / 60) ** 0.5, rel=1e-5)


def test_standardised_joints_have_unit_spread_and_unstandardise_inverts():
    pose = poses(1)
    mean, std = pose_statistics(pose)
    standardised = standardise(pose, mean, std)
    torch.testing.assert_close(standardised.mean(0), torch.zeros(17, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(standardised.square().mean(dim=(0, 2)), torch.ones(17))
    torch.testing.assert_close(unstandardise(standardised, mean, std), pose)


def test_a_joint_that_does_not_move_is_divided_by_one_millimetre():
    pose = poses(2)
    pose[:, 3] = torch.tensor([0.0, 10, 20])
    pose[:, 4] = torch.tensor([100.0, 0, 0])
    pose[0, 4, 0] += 0.5  # moves less than the floor
    _, std = pose_statistics(pose)
    assert std[3:5].tolist() == [1, 1]


def test_one_label_has_statistics_and_none_is_an_error():
    mean, std = pose_statistics(poses(3, 1))
    assert torch.equal(mean, poses(3, 1)[0])
    assert std.tolist() == [1] * 17
    with pytest.raises(ValueError, match="at least one labelled pose"):
        pose_statistics(poses(3, 0))


def test_a_hundred_thousand_poses_far_from_zero_keep_their_spread():
    pose = 1e4 + torch.tensor([-1.0, 1.0]).repeat(50_000).reshape(-1, 1, 1).expand(-1, 2, 3)
    mean, std = pose_statistics(pose)
    torch.testing.assert_close(mean, torch.full((2, 3), 1e4), atol=0, rtol=0)
    torch.testing.assert_close(std, torch.ones(2))


def test_l1_is_the_mean_over_every_coordinate_and_float32_for_half_precision_predictions():
    pred, target = poses(4, 2), poses(5, 2)
    expected = sum((p - t).abs().item() for p, t in zip(pred.flatten(), target.flatten(), strict=True)) / (2 * 51)
    assert l1_pose_loss(pred, target).item() == pytest.approx(expected, rel=1e-5)
    assert l1_pose_loss(pred.bfloat16(), target).dtype == torch.float32


def test_l1_gradient():
    pred, target = poses(6, 2).double().requires_grad_(), poses(7, 2).double()
    assert torch.autograd.gradcheck(l1_pose_loss, (pred, target))


def with_missing_joints(seed):
    pose = poses(seed)
    pose[torch.rand(20, 17, generator=torch.Generator().manual_seed(seed)) < 0.3] = torch.nan
    return pose


def test_missing_joints_take_no_part_in_the_statistics_and_the_loss():
    pred, target = poses(8), with_missing_joints(9)
    mean, std = pose_statistics(target)
    total, count = 0.0, 0
    for joint in range(17):
        known = [pose[joint] for pose in target if not pose[joint].isnan().any()]
        average = sum(known) / len(known)
        torch.testing.assert_close(mean[joint], average)
        square = sum(((point - average) ** 2).sum().item() for point in known) / (3 * len(known))
        assert std[joint].item() == pytest.approx(square**0.5, rel=1e-5)
    for p, t in zip(pred.flatten().tolist(), target.flatten().tolist(), strict=True):
        if t == t:
            total, count = total + abs(p - t), count + 1
    assert l1_pose_loss(pred, target).item() == pytest.approx(total / count, rel=1e-5)


def test_missing_joints_have_no_gradient_and_no_nan():
    target = with_missing_joints(10)
    pred = poses(11).requires_grad_()
    l1_pose_loss(pred, target).backward()
    assert torch.equal(pred.grad == 0, target.isnan())
    l1_pose_loss(pred, torch.full_like(target, torch.nan)).backward()
    assert pred.grad.isfinite().all()


def test_a_joint_that_no_pose_has_gets_no_mean():
    pose = poses(12)
    pose[:, 4] = torch.nan
    mean, std = pose_statistics(pose)
    assert mean.isnan().any(dim=1).nonzero().flatten().tolist() == [4]
    assert std.isfinite().all()
