from types import SimpleNamespace

import pytest
import torch
from torchmetrics import MetricCollection

from mcss.metrics import MPJPE, NMPJPE, PAMPJPE
from tests.ddp_helpers import run_ranks
from tests.ddp_workers import metric_sums
from tests.references import pose_errors

CLASSES = {"mpjpe": MPJPE, "n_mpjpe": NMPJPE, "pa_mpjpe": PAMPJPE}


def poses(seed, count=12):
    return 300 * torch.randn(count, 17, 3, generator=torch.Generator().manual_seed(seed)) + 900


def reference(name, pred, target, joint_set):
    first = {"h36m16": 1, "h36m17": 0}[joint_set]
    rooted = [(pose - pose[:, :1])[:, first:].double() for pose in (pred, target)]
    return torch.tensor(getattr(pose_errors, name)(*rooted), dtype=torch.float64)


@pytest.mark.parametrize("joint_set", ["h36m16", "h36m17"])
@pytest.mark.parametrize("name", CLASSES)
def test_mean_over_unequal_batches_is_the_mean_over_poses(name, joint_set):
    pred, target = poses(0), poses(1)
    metric = CLASSES[name](joint_set)
    for rows in (slice(0, 7), slice(7, 8), slice(8, 12)):
        metric.update(pred[rows], target[rows])
    torch.testing.assert_close(metric.compute(), reference(name, pred, target, joint_set).mean(), atol=1e-3, rtol=0)
    assert metric.compute().dtype == torch.float64


def test_macro_is_the_mean_of_the_group_means_and_micro_of_the_poses():
    pred, target = poses(2), poses(3)
    group = torch.tensor([0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 3])  # group 1 has no pose
    metrics = MetricCollection(
        {average: MPJPE("h36m16", average, num_groups=4) for average in ("micro", "macro")}, compute_groups=True
    )
    for rows in (slice(0, 9), slice(9, 12)):
        metrics.update(pred[rows], target[rows], group[rows])
    error = reference("mpjpe", pred, target, "h36m16")
    means = torch.stack([error[group == g].mean() for g in (0, 2, 3)])
    torch.testing.assert_close(metrics.compute()["micro"], error.mean(), atol=1e-3, rtol=0)
    torch.testing.assert_close(metrics.compute()["macro"], means.mean(), atol=1e-3, rtol=0)
    assert list(metrics.compute_groups.values()) == [["macro", "micro"]]  # one update serves both


def test_each_pose_is_taken_relative_to_its_own_pelvis():
    metric = MPJPE("h36m17")
    metric.update(poses(4) + torch.randn(12, 1, 3) * 100, poses(4))
    assert metric.compute() < 1e-3


def test_a_reset_metric_forgets_and_an_empty_one_says_so():
    metric = NMPJPE()
    metric.update(poses(5), poses(6))
    metric.reset()
    with (
        pytest.warns(UserWarning, match="before the ``update`` method"),
        pytest.raises(RuntimeError, match="NMPJPE of no poses is undefined"),
    ):
        metric.compute()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"joint_set": "16"}, "unknown joint set '16'"),
        ({"average": "macro"}, "macro average over 1 groups: .* macro 2 or more"),
        ({"num_groups": 0}, "micro average over 0 groups"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        MPJPE(**settings)


def test_bad_groups():
    metric = MPJPE(num_groups=3)
    with pytest.raises(ValueError, match="averages over 3 groups: pass the group"):
        metric.update(poses(7), poses(8))
    with pytest.raises(ValueError, match=r"groups \[1, 3\] are not all in the range 0 to 2"):
        metric.update(poses(7, 2), poses(8, 2), torch.tensor([1, 3]))
    with pytest.raises(ValueError, match=r"groups \[-1\]"):
        metric.update(poses(7, 1), poses(8, 1), torch.tensor([-1]))


def test_sums_stay_in_float64_when_the_module_is_cast():
    metric = MPJPE().to(torch.bfloat16)
    metric.update(poses(9), poses(10))
    assert metric.error_sum.dtype == torch.float64


def test_the_metric_stays_on_the_cpu_of_a_mac():
    def to_mps(tensor):  # what Module.to("mps") applies, on a machine without one
        if tensor.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return SimpleNamespace(device=torch.device("mps"))

    metric = torch.nn.ModuleList([MPJPE()])._apply(to_mps)[0]
    metric.update(poses(11), poses(12))
    assert metric.compute().device.type == "cpu"


@pytest.mark.slow
def test_ranks_with_unequal_batches_add_up():
    pred, target, group = poses(13), poses(14), torch.arange(12) % 3
    parts = [[slice(0, 6), slice(6, 7)], [slice(7, 12)]]
    batches = [[(pred[rows], target[rows], group[rows]) for rows in part] for part in parts]
    metrics = [MPJPE(average="macro", num_groups=3), PAMPJPE("h36m17", num_groups=3)]
    error = reference("mpjpe", pred, target, "h36m16")
    macro = torch.stack([error[group == g].mean() for g in range(3)]).mean()
    micro = reference("pa_mpjpe", pred, target, "h36m17").mean()
    for values in run_ranks(metric_sums, metrics, batches):
        torch.testing.assert_close(torch.stack(values), torch.stack([macro, micro]), atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", CLASSES)
def test_missing_joints_are_left_out_of_each_pose(name):
    pred, target = poses(20), poses(21)
    missing = torch.rand(12, 17, generator=torch.Generator().manual_seed(22)) < 0.4
    missing[:, 0] = False
    target[missing] = torch.nan
    pred[:, 10] = torch.nan  # a joint that the network never learned
    missing[:, 10] = True
    metric = CLASSES[name]("h36m16")
    metric.update(pred, target)
    total = 0.0
    for p, t, gone in zip(pred - pred[:, :1], target - target[:, :1], missing, strict=True):
        kept = ~gone
        kept[0] = False  # h36m16
        total += getattr(pose_errors, name)(p[kept][None].double(), t[kept][None].double())[0]
    torch.testing.assert_close(metric.compute().item(), total / 12, atol=1e-3, rtol=0)
    assert metric.joint_count == (~missing[:, 1:]).sum()


def test_poses_that_are_not_predicted_at_all_are_an_error():
    pred = poses(23)
    pred[5] = torch.nan
    with pytest.raises(ValueError, match="1 of 12 poses have fewer than 4 joints that are known and predicted"):
        MPJPE().update(pred, poses(24))


@pytest.mark.parametrize("name", CLASSES)
def test_a_pose_with_too_few_known_joints_is_left_out_and_counted(name):
    pred, target = poses(25), poses(26)
    few, none = target.clone(), target.clone()
    few[3, 5:] = torch.nan  # joints 1 to 4 remain: just enough
    few[5, 4:] = torch.nan
    none[7] = torch.nan
    metric, expected = CLASSES[name](), CLASSES[name]()
    metric.update(pred, few)
    kept = [pose for pose in range(12) if pose != 5]
    expected.update(pred[kept], few[kept])
    assert metric.left_out == 1
    torch.testing.assert_close(metric.compute(), expected.compute(), rtol=0, atol=0)
    metric.update(pred, none)
    assert (metric.left_out, metric.pose_count.sum()) == (2, 22)
