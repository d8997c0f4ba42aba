import math

import pytest
import torch

from mcss.metrics import AUC3D, PCK3D
from mcss.metrics.pck import auc, pck
from mcss.skeleton import JOINTS
from tests.ddp_helpers import run_ranks
from tests.ddp_workers import metric_sums
from tests.references import pck as reference

SETS = {"mpi14": [JOINTS.index(name) for name in reference.MPI14], "h36m17": list(range(17))}


def poses(seed, count=9):
    """Predictions some 0 to 300 mm off the targets, the pelvis at another place in each, a sixth of the joints NaN."""
    random = torch.Generator().manual_seed(seed)
    target = 400 * torch.randn(count, 17, 3, generator=random)
    pred = target + 70 * torch.randn(count, 17, 3, generator=random)
    missing = torch.rand(count, 17, generator=random) < 1 / 6
    missing[:, 0] = False
    target[missing] = torch.nan
    pred[:, 10] = torch.nan  # a joint that the network never learned
    return pred, target


@pytest.mark.parametrize("joint_set", SETS)
def test_pck_and_auc_are_those_of_loops_whatever_the_batches(joint_set):
    pred, target = poses(0)
    metrics = PCK3D(joint_set), AUC3D(joint_set)
    for rows in (slice(0, 5), slice(5, 9)):
        for metric in metrics:
            metric.update(pred[rows], target[rows])
    expected = (
        reference.percent_within(pred, target, SETS[joint_set], 150),
        reference.auc(pred, target, SETS[joint_set]),
    )
    assert 10 < expected[1] < expected[0] < 95
    assert [metric.compute().item() for metric in metrics] == pytest.approx(expected, abs=1e-9)


def test_by_hand():
    """Distances 0, 7, 150 and unknown: nearer than 150 mm are two of three; than 5 mm one, than 10 to 150 mm two."""
    target = torch.zeros(1, 4, 3)
    pred = torch.tensor([[[0.0, 0, 0], [0, 7, 0], [90, 0, 120], [torch.nan, 0, 0]]])
    assert pck(pred, target).item() == pytest.approx(200 / 3)
    assert auc(pred, target).item() == pytest.approx((1 * 100 / 3 + 29 * 200 / 3) / 31)
    assert math.isnan(pck(pred[:, 3:], target[:, 3:]).item())


def test_a_pose_without_a_pelvis_is_left_out():
    pred, target = poses(1)
    target[2, 0] = torch.nan
    kept = torch.arange(9) != 2
    whole, rest = PCK3D("h36m17"), PCK3D("h36m17")
    whole.update(pred, target)
    rest.update(pred[kept], target[kept])
    assert (whole.compute(), whole.joint_count) == (rest.compute(), rest.joint_count)


@pytest.mark.slow
def test_ranks_with_unequal_batches_add_up():
    pred, target = poses(2)
    batches = [[(pred[:6], target[:6]), (pred[6:7], target[6:7])], [(pred[7:], target[7:])]]
    expected = reference.percent_within(pred, target, SETS["mpi14"], 150), reference.auc(pred, target, SETS["h36m17"])
    for values in run_ranks(metric_sums, [PCK3D("mpi14"), AUC3D("h36m17")], batches):
        assert [value.item() for value in values] == pytest.approx(expected, abs=1e-9)


def test_errors():
    pred, target = poses(3)
    with pytest.raises(ValueError, match="unknown joint set 'mpi17'"):
        PCK3D("mpi17")
    with pytest.raises(ValueError, match="PCK of coordinates that are infinite"):
        PCK3D().update(pred * torch.inf, target)
    with (
        pytest.warns(UserWarning, match="before the ``update`` method"),
        pytest.raises(RuntimeError, match="AUC3D of no joints is undefined"),
    ):
        AUC3D().compute()
