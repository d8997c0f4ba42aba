"""Objectives on calibrated views inside the whole network: gradients, ranks, and what labels may train."""

import pytest
import torch

from mcss.batch import TrainBatch, ViewGeometry
from mcss.errors import InputError
from mcss.models.module import MCSSModule
from mcss.objectives.consistency import Consistency
from mcss.objectives.skeleton_synthesis import SkeletonSynthesis
from mcss.objectives.view_synthesis import ViewSynthesis
from tests.ddp_helpers import run_ranks
from tests.ddp_workers import training_step
from tests.references.view_steps import random_rotations

OBJECTIVES = {
    "consistency": lambda: Consistency(first_stage_fraction=0.0),
    "view_synthesis": lambda: ViewSynthesis(appearance_dim=3, dropout=0.0),
    "skeleton_synthesis": lambda: SkeletonSynthesis(dropout=0.0),
}


def make_module(objective, **settings):
    torch.manual_seed(0)
    small = {"width": 8, "weights": "none", "image_size_px": 48, "embedding_dim": 12, "pose_frame": "camera"}
    module = MCSSModule(**small, objective=objective, objective_weight=1.0, **settings).double().eval()
    module.pose_std_mm.fill_(300.0)  # all losses are then of size 1
    return module


def make_batch(seed, pairs=2, labelled=3):
    generator = torch.Generator().manual_seed(seed)
    count = 2 * pairs + labelled
    images, backgrounds = torch.randn(2, count, 3, 48, 48, generator=generator, dtype=torch.float64)
    joints = torch.rand(count, 17, 2, generator=generator, dtype=torch.float64) * 2 - 1
    return TrainBatch(
        images,
        pairs,
        torch.randn(labelled, 17, 3, generator=generator, dtype=torch.float64) * 300,
        torch.zeros(labelled, dtype=torch.bool),
        step=0,
        geometry=ViewGeometry(random_rotations(count, generator).double(), joints),
        backgrounds=backgrounds[: 2 * pairs],
        masks=(backgrounds[: 2 * pairs, 0] > 0).double(),
    )


@pytest.fixture(autouse=True)
def no_log(monkeypatch):
    monkeypatch.setattr(MCSSModule, "log", lambda *_, **__: None)


@pytest.mark.slow
@pytest.mark.parametrize("name", OBJECTIVES)
def test_two_ranks_learn_from_the_mean_of_their_losses(name):
    module, batches = make_module(OBJECTIVES[name]()), [make_batch(seed) for seed in (1, 2)]
    results = run_ranks(training_step, module, batches)
    losses = [module.training_step(batch, 0) for batch in batches]
    torch.stack(losses).mean().backward()
    torch.testing.assert_close(torch.stack([loss for loss, _ in results]), torch.stack(losses).detach())
    for _, grads in results:
        for parameter, value in module.named_parameters():
            torch.testing.assert_close(grads[parameter], value.grad, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_gradient_of_the_whole_loss_is_that_of_finite_differences(name):
    module, batch = make_module(OBJECTIVES[name]()), make_batch(0)
    weight = module.embedder[1].fc.weight
    module.training_step(batch, 0).backward()
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    slope = (weight.grad * direction).sum().item()
    around = []
    with torch.no_grad():
        for step in (1e-6, -2e-6):
            weight.add_(step * direction)
            around.append(module.training_step(batch, 0).item())
    assert slope == pytest.approx((around[0] - around[1]) / 2e-6, rel=1e-4)


@pytest.mark.parametrize("labels_train_encoder", [True, False])
def test_labels_train_the_encoder_or_the_regressor_alone(labels_train_encoder):
    module = make_module(OBJECTIVES["view_synthesis"](), labels_train_encoder=labels_train_encoder, deep_regressor=True)
    module.objective_weight = 0.0
    module.training_step(make_batch(0), 0).backward()
    assert module.regressor[0].weight.grad.abs().sum() > 0
    assert (module.embedder[1].fc.weight.grad.abs().sum() > 0) == labels_train_encoder


def test_a_regressor_alone_needs_an_objective_that_trains_the_encoder():
    with pytest.raises(InputError, match="labels_train_encoder false and no objective"):
        make_module(None, labels_train_encoder=False)


def test_dropout_is_that_of_the_step_whatever_was_drawn_before():
    module = make_module(ViewSynthesis(appearance_dim=3, dropout=0.5)).train()
    losses = []
    for step in (0, 1, 0):
        batch = make_batch(0)._replace(step=step)
        module.on_train_batch_start(batch, 0)
        losses.append(module.training_step(batch, 0).item())
    assert losses[0] == pytest.approx(losses[2], rel=1e-12)
    assert losses[0] != pytest.approx(losses[1], rel=1e-6)


def test_a_camera_frame_target_is_the_pose_in_the_axes_of_its_image_mirrored_with_it():
    module, batch = make_module(None), make_batch(0, pairs=0, labelled=2)
    mirrored = batch.geometry.rot_world_to_view.clone()
    mirrored[1] = torch.diag(torch.tensor([-1.0, 1, 1], dtype=torch.float64)) @ mirrored[1]
    target = module.target(batch.pose_world, batch.geometry)
    expected = (batch.pose_world - batch.pose_world[:, :1]) @ batch.geometry.rot_world_to_view.mT
    torch.testing.assert_close(target, expected)
    swap = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]
    shown = torch.stack([expected[0], (expected[1] * torch.tensor([-1.0, 1, 1]))[swap]])
    batch = batch._replace(
        flipped=torch.tensor([False, True]), geometry=batch.geometry._replace(rot_world_to_view=mirrored)
    )
    predicted = module.regress(module.encode(batch.images))
    loss = (predicted - shown[:, 1:] / 300).abs().mean()
    torch.testing.assert_close(module.training_step(batch, 0), loss)
    with pytest.raises(InputError, match="pose_frame 'camera' needs the geometry of the images"):
        module.target(batch.pose_world)
