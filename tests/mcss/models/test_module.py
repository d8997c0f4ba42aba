from types import NoneType

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from mcss.batch import TrainBatch
from mcss.errors import InputError
from mcss.geometry.canonical import flip_canonical, to_canonical, to_root
from mcss.losses.contrastive import hardest_negative_contrastive_loss
from mcss.models.module import MCSSModule
from mcss.objectives.contrastive import Contrastive
from mcss.skeleton import joint_indices

H36M16 = list(joint_indices("h36m16"))


def make_module(**settings):
    torch.manual_seed(0)
    paper = Contrastive(softmax_fraction=0.0, threshold_fraction=0.0, threshold_quantile=1.0)
    small = {"width": 8, "weights": "none", "image_size_px": 48, "embedding_dim": 16, "objective": paper}
    return MCSSModule(**(small | settings))


def poses(count, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(count, 17, 3, generator=rng) * 300 + torch.tensor([1000.0, -500.0, 900.0])


def make_batch(pairs=4, labelled=6, flipped=None):
    images = torch.randn(2 * pairs + labelled, 3, 48, 48)
    mirrored = torch.zeros(labelled, dtype=torch.bool) if flipped is None else flipped
    return TrainBatch(images, pairs, poses(labelled), mirrored, step=0)


@pytest.fixture
def module(monkeypatch):
    module = make_module()
    monkeypatch.setattr(MCSSModule, "log", lambda *args, **kwargs: None)
    return module.eval()


def test_loss_is_the_sum_of_both_terms_computed_apart(module):
    module.objective_weight = 0.7
    module.pose_mean_mm.copy_(torch.randn(16, 3))
    module.pose_std_mm.copy_(torch.rand(16) + 50)
    batch = make_batch()
    loss = module.training_step(batch, 0)

    embedding = module.embed(batch.images)
    contrastive = hardest_negative_contrastive_loss(embedding[:4], embedding[4:8], margin=0.6, threshold=0.3)
    true = to_canonical(to_root(batch.pose_world))[0][:, H36M16]
    target = (true - module.pose_mean_mm) / module.pose_std_mm[:, None]
    pose = (module.regressor(embedding[8:]).view(-1, 16, 3) - target).abs().mean()
    torch.testing.assert_close(loss, pose + 0.7 * contrastive)


def test_streams_may_be_absent(module):
    no_pairs, no_labels = make_batch(pairs=0), make_batch(labelled=0)
    both = make_batch()
    assert module.training_step(no_pairs, 0) > 0
    assert module.training_step(no_labels, 0) > 0
    assert module.training_step(both, 0) > 0


def test_a_mirrored_image_is_trained_towards_the_mirrored_pose(module):
    batch = make_batch(pairs=0, labelled=1, flipped=torch.tensor([True]))
    target = flip_canonical(to_canonical(to_root(batch.pose_world))[0])[:, H36M16]
    predicted = module.regressor(module.embed(batch.images)).view(1, 16, 3)
    torch.testing.assert_close(module.training_step(batch, 0), (predicted - target).abs().mean())


def test_prediction_is_in_mm_with_the_pelvis_at_0(module):
    module.pose_mean_mm.fill_(5.0)
    module.pose_std_mm.copy_(torch.arange(1.0, 17.0))
    images = torch.randn(2, 3, 48, 48)
    prediction = module(images)
    raw = module.regressor(module.embed(images)).view(2, 16, 3)
    assert torch.equal(prediction.pose[:, 0], torch.zeros(2, 3))
    torch.testing.assert_close(prediction.embedding.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(prediction.pose[:, H36M16], raw * torch.arange(1.0, 17.0)[:, None] + 5.0)


def test_a_regressor_that_reads_features_starts_as_one_that_does_not_and_then_differs(monkeypatch):
    monkeypatch.setattr(MCSSModule, "log", lambda *args, **kwargs: None)
    plain, reads = (make_module(regressor_reads_features=reads).eval() for reads in (False, True))
    reads.load_state_dict(plain.state_dict(), strict=False)
    images = torch.randn(2, 3, 48, 48)
    assert torch.equal(plain(images).pose, reads(images).pose)
    reads.training_step(make_batch(pairs=0), 0).backward()
    assert reads.from_features.weight.grad.abs().max() > 0
    encoded = reads.encode(images)
    with torch.no_grad():
        reads.from_features.weight.normal_()
    expected = reads.regressor(encoded.embedding + encoded.features.mean(dim=(2, 3)) @ reads.from_features.weight.T)
    torch.testing.assert_close(reads.regress(encoded).flatten(1), expected)


@pytest.mark.parametrize("frame", ["canonical", "root"])
def test_target_is_in_the_chosen_frame(frame):
    pose_world = poses(3)
    target = make_module(pose_frame=frame).target(pose_world)
    root = pose_world - pose_world[:, :1]
    if frame == "root":
        torch.testing.assert_close(target, root)
    else:
        assert target[:, 4, 1].abs().max() < 1e-3
        assert (target[:, 4, 0] > 0).all()
        torch.testing.assert_close(target[..., 2], root[..., 2])


class Labels(pl.LightningDataModule):
    """A data module that has nothing but labels."""

    def __init__(self, pose_world):
        super().__init__()
        self.pose_world = pose_world
        self.augment = type("Augment", (), {"settings": type("Settings", (), {"flip_probability": 0.0})})

    mirrors_images = False

    def labelled_poses(self):
        return self.pose_world, None


def test_statistics_come_from_the_labelled_rows_and_travel_with_the_checkpoint():
    pose_world = poses(50)
    module = make_module()
    module.trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    module.trainer.datamodule = Labels(pose_world)
    module.setup("fit")
    canonical = to_canonical(to_root(pose_world))[0][:, H36M16].double().numpy()
    std = np.sqrt(((canonical - canonical.mean(0)) ** 2).mean(axis=(0, 2)))
    np.testing.assert_allclose(module.pose_mean_mm.numpy(), canonical.mean(0), rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(module.pose_std_mm.numpy(), std, rtol=1e-4)
    other = make_module()
    other.load_state_dict(module.state_dict())
    torch.testing.assert_close(other.pose_mean_mm, module.pose_mean_mm)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"schedule": "step"}, {0: 1.0, 49: 1.0, 50: 0.1, 99: 0.1}),
        ({"schedule": "cosine"}, {0: 1.0, 50: 0.5, 100: 0.0}),
        (
            {"schedule": "cosine", "lr_rise_fraction": 0.2, "lr_hold_fraction": 0.4},
            {10: 0.55, 20: 1.0, 60: 1.0, 80: 0.5},
        ),
        ({"schedule": "cosine", "lr_rise_fraction": 0.2}, {0: 0.05, 9: 0.5, 19: 1.0, 20: 1.0, 60: 0.5, 100: 0.0}),
    ],
)
def test_schedules(settings, expected):
    module = make_module(lr=0.5, **settings)
    for step, factor in expected.items():
        assert module.lr_schedule.factor(step, total_steps=100) == pytest.approx(factor), step


def test_a_rise_of_the_learning_rate_that_never_ends_is_refused():
    with pytest.raises(InputError, match=r"lr_rise_fraction 200 and .* are shares of the run"):
        make_module(lr_rise_fraction=200.0)


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("lr", -1.0, 0), ("lr", float("inf"), 0), ("objective_weight", -0.1, 0), ("width", 0, 1), ("embedding_dim", 0, 1)],
)
def test_a_setting_out_of_its_range_is_refused(name, value, least):
    with pytest.raises(InputError, match=rf"^{name} {value:g}: choose a number of at least {least}$"):
        make_module(**{name: value})


def test_hyper_parameters_are_primitives_and_name_no_objective():
    module = make_module(lr=0.25)
    assert "objective" not in module.hparams
    assert all(isinstance(value, (str, int, float, bool, dict, NoneType)) for value in module.hparams.values())


@pytest.mark.slow
def test_overfits_one_batch():
    """The whole path learns: after some steps on one batch both terms have fallen."""
    module = make_module(objective=Contrastive(negatives="all"), objective_weight=1.0, batchnorm_affine=True).train()
    module.log = lambda *args, **kwargs: None
    batch = make_batch()
    module.pose_mean_mm.copy_(module.target(batch.pose_world)[:, H36M16].mean(0))
    module.pose_std_mm.fill_(300.0)
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss = module.training_step(batch, 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.35 * losses[0]
