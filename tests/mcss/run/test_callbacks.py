import warnings
from types import SimpleNamespace

import pytest
import torch

from mcss.batch import EvalBatch, Prediction
from mcss.errors import InputError
from mcss.models.module import MCSSModule
from mcss.run.callbacks import CollapseWatch, ValidationErrors
from mcss.run.checkpoints import LastCheckpoint


@pytest.fixture
def module(monkeypatch):
    module = MCSSModule(width=8, weights="none", image_size_px=48)
    module.logged = {}
    monkeypatch.setattr(MCSSModule, "log", lambda self, name, value, **kwargs: self.logged.update({name: float(value)}))
    return module


def validate(callback, module, embedding, pose_pred=None, pose_world=None):
    """Two batches of unequal size through the hooks of a validation."""
    trainer = SimpleNamespace(sanity_checking=False, global_step=7)
    count = len(embedding)
    pose_pred = torch.zeros(count, 17, 3) if pose_pred is None else pose_pred
    pose_world = torch.zeros(count, 17, 3) if pose_world is None else pose_world
    # __wrapped__: the stand-in for a trainer has only what is used, which the checked signature refuses.
    type(callback).on_validation_epoch_start.__wrapped__(callback, trainer, module)
    for part in (slice(0, count // 3), slice(count // 3, count)):
        images = torch.zeros(len(embedding[part]), 3, 48, 48)
        row = torch.arange(count)[part]
        batch = EvalBatch(images, pose_world[part], row, row * 0)
        outputs = Prediction(embedding[part], pose_pred[part])
        type(callback).on_validation_batch_end.__wrapped__(callback, trainer, module, outputs, batch, 0)
    type(callback).on_validation_epoch_end.__wrapped__(callback, trainer, module)
    return module.logged


def unit(count, dim=16, seed=0):
    return torch.nn.functional.normalize(torch.randn(count, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_a_spread_embedding_is_measured_without_a_warning(module):
    embedding = unit(60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logged = validate(CollapseWatch(), module, embedding)
    distances = [(a - b).norm().item() for i, a in enumerate(embedding) for b in embedding[:i]]
    assert logged["val/mean_distance"] == pytest.approx(sum(distances) / len(distances), abs=1e-5)
    assert logged["val/effective_rank"] > 10


def test_a_point_and_a_line_are_called_collapsed(module):
    point = torch.nn.functional.normalize(torch.ones(60, 16) + 1e-4 * unit(60), dim=1)
    line = torch.zeros(60, 16)
    line[:, 0] = torch.tensor([1.0, -1.0]).repeat(30)
    for embedding in (point, line):
        with pytest.warns(UserWarning, match="COLLAPSED EMBEDDING at step 7"):
            validate(CollapseWatch(), module, embedding)


def test_many_images_are_thinned_evenly(module):
    logged = validate(CollapseWatch(max_images=50), module, unit(1000))
    assert logged["val/mean_distance"] == pytest.approx(torch.pdist(unit(1000)[::20]).mean().item(), abs=1e-5)


def test_validation_errors_skip_rows_without_a_pose(module):
    pose_world = torch.randn(9, 17, 3) * 300
    pose_pred = module.target(pose_world) + torch.tensor([30.0, 0.0, 0.0])
    pose_pred[:, 0] = 0  # the pelvis stays: every other joint is 30 mm off
    pose_world[5] = torch.nan
    logged = validate(ValidationErrors(), module, unit(9), pose_pred, pose_world)
    assert logged["val/mpjpe_mm"] == pytest.approx(30.0, abs=1e-3)


def test_without_any_pose_no_error_is_logged(module):
    pose_world = torch.full((9, 17, 3), torch.nan)
    assert validate(ValidationErrors(), module, unit(9), None, pose_world) == {}


def test_checkpoint_interval_must_be_positive():
    with pytest.raises(InputError, match="every_n_steps must be positive, got 0"):
        LastCheckpoint(0)
