from types import SimpleNamespace

import pytest
import torch

from mcss.errors import InputError
from mcss.objectives.consistency_canonical import ConsistencyCanonical, pose_spread
from tests.references.pair_steps import pair_step
from tests.references.synchronisation import spread

NETWORK = SimpleNamespace(regress=lambda encoded: encoded.embedding.unflatten(1, (-1, 3)))
"""Its poses are the embeddings."""


def random_poses(scale, pairs=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(2, pairs, 48, dtype=torch.float64, generator=generator)


def terms(poses, **settings):
    return ConsistencyCanonical(**settings)(pair_step(*poses, network=NETWORK))


@pytest.mark.parametrize(("scale", "below"), [(1.0, 0.0), (0.1, 0.4)])
def test_losses_equal_loops(scale, below):
    poses = random_poses(scale)
    losses, checks = terms(poses, spread=0.5)
    pairs = [abs(a - b) for one, other in zip(*poses.tolist(), strict=True) for a, b in zip(one, other, strict=True)]
    assert losses["consistency"].item() == pytest.approx(sum(pairs) / len(pairs))
    assert checks["pose_spread"].item() == pytest.approx(spread(poses.tolist()))
    assert losses["spread"].item() == pytest.approx(max(0.0, 0.5 - spread(poses.tolist())))
    assert losses["spread"].item() == pytest.approx(below, abs=0.03)


def test_gradients():
    poses = random_poses(0.1, pairs=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda poses: torch.stack([*terms(poses).losses.values()]), (poses,))


def test_one_constant_pose_costs_and_has_a_finite_gradient():
    poses = torch.ones(2, 4, 48).requires_grad_()
    losses, _ = terms(poses, spread=0.5)
    assert (losses["consistency"].item(), losses["spread"].item()) == pytest.approx((0.0, 0.5))
    sum(losses.values()).backward()
    assert poses.grad.isfinite().all()
    assert terms(poses, spread=0.0).losses["spread"] == 0


def test_spread_of_poses_by_hand():
    poses = torch.tensor([[[[0.0, 1.0, 0.0]], [[0.0, 3.0, 0.0]]]])  # one of three coordinates, each 1 from the mean
    assert pose_spread(poses).item() == pytest.approx((1 / 3) ** 0.5)


def test_a_negative_spread_is_refused():
    with pytest.raises(InputError, match="spread -1: choose 0 or more"):
        ConsistencyCanonical(spread=-1.0)
