import numpy as np
import pytest
import torch
from torch import nn

from mcss.batch import Prediction
from mcss.errors import InputError
from mcss.objectives.consistency import Consistency
from tests.references import rhodin
from tests.references.view_steps import seen_from_both, view_step


class Poses(nn.Module):
    """A network whose pose of an image is its vector, and for images another constant."""

    pose_frame = "camera"

    def __init__(self, kept=None):
        super().__init__()
        self.kept = nn.Parameter(torch.zeros(1) if kept is None else kept)

    def regress(self, encoded):
        return self.regress_mm(encoded)[:, 1:]

    def regress_mm(self, encoded):
        return encoded.vector.unflatten(1, (17, 3))

    def forward(self, images):
        return Prediction(torch.zeros(len(images), 1), self.kept.expand(len(images), 17, 3))

    def twin(self):
        return Poses(torch.zeros_like(self.kept))

    def own_state(self):
        return self.state_dict()


def made(network, **settings):
    objective = Consistency(**settings)
    objective.attach(network)
    return objective


@pytest.fixture
def network():
    return Poses(torch.randn(4, 17, 3, generator=torch.Generator().manual_seed(1)) * 300)


def vectors(seed=0):
    poses = torch.randn(2, 2, 17, 3, generator=torch.Generator().manual_seed(seed)) * 300
    poses[:, :, 0] = 0
    return poses.flatten(2)


def test_both_terms_are_those_of_the_definition(network):
    step = view_step(vectors(), network=network)
    losses, _ = made(network, drift_weight=0.7)(step)
    poses = vectors().unflatten(2, (17, 3)).double().numpy()
    rotations = step.batch.geometry.rot_world_to_view.unflatten(0, (2, 2)).double().numpy()
    kept = network.kept.detach().unflatten(0, (2, 2)).double().numpy()
    together, drift = rhodin.consistency(*poses, *rotations, *kept)
    assert losses["consistency"].item() == pytest.approx(together, rel=1e-5)
    assert losses["drift"].item() == pytest.approx(0.7 * drift, rel=1e-5)


def test_one_pose_seen_from_both_views_agrees_whatever_its_scale(network):
    step = view_step(vectors(), network=network)
    seen = seen_from_both(vectors()[0].unflatten(1, (17, 3)), step.batch.geometry)
    step = view_step(torch.stack([seen[0], 1.3 * seen[1]]).flatten(2), network=network)
    losses, checks = made(network)(step)
    assert losses["consistency"] < 1e-9
    assert losses["drift"] > 0.1
    assert checks["views_apart_mm"] == pytest.approx(0.3 * seen[0][:, 1:].norm(dim=-1).mean().item(), rel=1e-4)
    same_axes = view_step(seen[:1].expand(2, -1, -1, -1).flatten(2), network=network)
    assert made(network)(same_axes).losses["consistency"] > 0.1, "equal poses in the axes of unequal views do not agree"


def test_the_spread_tells_a_constant_pose(network):
    constant = vectors()[:1, :1].expand(2, 2, -1)
    assert made(network)(view_step(constant, network=network)).checks["pose_spread_mm"] == 0
    assert made(network)(view_step(vectors(), network=network)).checks["pose_spread_mm"] > 100


def test_the_gradient_is_that_of_finite_differences(network):
    objective = made(network)
    inputs = vectors().double().requires_grad_()
    step = view_step(inputs, network=network)
    rotation = step.batch.geometry.rot_world_to_view.double()
    step = step._replace(batch=step.batch._replace(geometry=step.batch.geometry._replace(rot_world_to_view=rotation)))

    def loss(vector):
        views = [view._replace(vector=part) for view, part in zip(step.views[:2], vector, strict=True)]
        return sum(
            objective(step._replace(views=step.views._replace(anchor=views[0], positive=views[1]))).losses.values()
        )

    assert torch.autograd.gradcheck(loss, inputs, eps=1e-3, atol=1e-6, rtol=1e-3, fast_mode=True)


def test_the_first_stage_is_kept_from_its_end_on_and_has_no_gradient(network):
    objective = made(network, first_stage_fraction=0.5)
    early = objective(view_step(vectors(), progress=0.49, network=network))
    assert sum(early.losses.values()) == 0
    learned = network.kept.detach().clone()
    objective(view_step(vectors(), progress=0.5, network=network))
    with torch.no_grad():
        network.kept.add_(1000)
    step = view_step(vectors().requires_grad_(), progress=0.6, network=network)
    objective.train()(step).losses["drift"].backward()
    torch.testing.assert_close(objective.first_stage.kept.detach(), learned)
    assert objective.first_stage.kept.grad is None
    assert not objective.first_stage.training
    again = made(network)
    again.load_state_dict(objective.state_dict())
    torch.testing.assert_close(again(step).losses["drift"], objective(step).losses["drift"])


def test_bad_settings_and_another_frame_are_refused_in_one_line(network):
    with pytest.raises(InputError, match="first_stage_fraction 1 is a share of the run"):
        Consistency(first_stage_fraction=1.0)
    with pytest.raises(InputError, match="drift_weight -1 must not be negative"):
        Consistency(drift_weight=-1.0)
    network.pose_frame = "canonical"
    with pytest.raises(InputError, match="objective Consistency needs pose_frame camera, not canonical"):
        made(network)


def test_the_reference_tells_a_turned_pose():
    """A check of the reference itself: a half turn about an axis through one joint moves the others."""
    pose, turn = np.array([[[0.0, 0, 0], [3, 0, 0], [0, 4, 0]]]), np.diag([1.0, -1, -1])
    assert rhodin.consistency(pose, pose, [np.eye(3)], [turn], pose, pose) == pytest.approx((4 * 16 / 25, 0))
