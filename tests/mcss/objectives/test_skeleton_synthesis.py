import numpy as np
import pytest
import torch

from mcss.errors import InputError
from mcss.objectives.base import NetworkSizes
from mcss.objectives.skeleton_synthesis import SkeletonSynthesis, limb_loss, limb_maps
from mcss.skeleton import BONES
from tests.references import rhodin
from tests.references.view_steps import seen_from_both, view_step


def made(**settings):
    torch.manual_seed(0)
    objective = SkeletonSynthesis(**({"dropout": 0.0, "consistency_weight": 1.0} | settings))
    objective.connect(NetworkSizes(channels=4, image_size_px=48, embedding_dim=12), seed=0)
    return objective


def vectors(pairs=3, seed=0):
    return torch.randn(2, pairs, 12, generator=torch.Generator().manual_seed(seed))


def test_limbs_are_drawn_as_by_measuring_every_pixel():
    joints = torch.rand(1, 17, 2, generator=torch.Generator().manual_seed(0)) * 2.4 - 1.2
    joints[0, 3] = joints[0, 2]  # a limb of length 0 is a disc
    maps = limb_maps(joints, side_px=16, width=0.2)[0].numpy()
    for limb, (start, end) in enumerate(BONES):
        expected = rhodin.limb_map(*(joints[0, joint].double().numpy() for joint in (start, end)), 16, 0.2)
        np.testing.assert_array_equal(maps[limb], expected, err_msg=str(limb))


def test_the_loss_is_the_cross_entropy_of_known_limbs():
    joints = torch.rand(2, 17, 2) * 2 - 1
    joints[1, 3] = torch.nan
    limbs = limb_maps(joints, side_px=8, width=0.2)
    unknown = BONES.index((2, 3))
    assert limbs[1, unknown].isnan().all()
    assert limbs.isnan().sum() == 64
    logits = torch.randn(limbs.shape, requires_grad=True)
    loss = limb_loss(logits, limbs)
    expected = rhodin.cross_entropy(logits.detach().double().numpy(), limbs.double().numpy())
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert logits.grad[1, unknown].abs().max() == 0
    assert limb_loss(logits, torch.full_like(limbs, torch.nan)) == 0


def test_each_view_is_painted_from_the_other():
    objective, step = made(), view_step(vectors())
    rotation = step.batch.geometry.rot_world_to_view.unflatten(0, (2, 3))
    limbs = limb_maps(step.batch.geometry.joints, 32, objective.limb_width)
    total = apart = 0.0
    for view, other in ((0, 1), (1, 0)):
        for pair in range(3):
            own, points = (step.views[which].embedding[pair].view(4, 3) * 12**0.5 for which in (view, other))
            turned = points @ (rotation[view, pair] @ rotation[other, pair].T).T
            total += limb_loss(objective.decoder(turned[None]), limbs[view * 3 + pair][None]) / 6
            apart += (turned - own).square().mean() / 6
    losses = objective(step).losses
    torch.testing.assert_close(losses["skeleton_synthesis"], total)
    torch.testing.assert_close(losses["points_apart"], apart)


def test_points_of_one_body_seen_from_both_views_are_not_apart():
    step = view_step(vectors())
    body = torch.randn(3, 4, 3, generator=torch.Generator().manual_seed(1))
    step = view_step(seen_from_both(body, step.batch.geometry).flatten(2))
    assert made()(step).losses["points_apart"] < 1e-9


def test_every_layer_and_both_views_learn():
    objective, inputs = made(), vectors().requires_grad_()
    losses, checks = objective(view_step(inputs))
    sum(losses.values()).backward()
    assert (inputs.grad.abs().sum(dim=-1) > 0).all()
    assert all(parameter.grad.abs().sum() > 0 for parameter in objective.parameters())
    assert set(checks) == {"skeleton_synthesis_wrong_rotation", "skeleton_synthesis_mean_only"}


def test_the_mean_limbs_as_a_prediction_err_as_much_as_their_spread():
    """One limb is in the same place in all images, and costs nothing to guess; the others are not."""
    step = view_step(vectors(pairs=8))
    joints = step.batch.geometry.joints
    joints[:, [0, 1]] = torch.tensor([[-0.5, 0.0], [0.5, 0.0]])
    limbs = limb_maps(joints, 32, 0.125)
    share = limbs.mean(dim=0).double()
    entropy = (torch.special.entr(share) + torch.special.entr(1 - share)).mean()
    assert made()(step).checks["skeleton_synthesis_mean_only"].item() == pytest.approx(entropy.item(), abs=2e-4)
    assert share[0].unique().tolist() == [0, 1]


def test_it_says_that_it_uses_2d_labels_and_refuses_bad_settings_in_one_line():
    assert made().needs.joints_2d
    with pytest.raises(InputError, match="limb_width 2 is a share of the side"):
        SkeletonSynthesis(limb_width=2.0)
