import pytest
import pytorch_lightning as pl
import torch

from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss.batch import EvalBatch, Prediction
from mcss.metrics.pose_error import NMPJPE
from mcss.models.module import MCSSModule
from mcss.run.validation import ValidationFigures


@pytest.fixture
def module(monkeypatch):
    module = MCSSModule(width=8, weights="none", image_size_px=48)
    module.logged = {}
    monkeypatch.setattr(MCSSModule, "log", lambda self, name, value, **kwargs: self.logged.update({name: float(value)}))
    return module


@pytest.fixture
def validate(module, store_path):
    """Two batches of unequal size, the later rows first, through the hooks of a validation; what is logged."""
    trainer = pl.Trainer(accelerator="cpu", barebones=True)
    trainer.datamodule = MultiviewPoseDataModule(str(store_path), supervision="none")
    trainer.datamodule.setup("validate")

    def run(embedding, pose_pred=None, pose_world=None):
        callback, count = ValidationFigures(), len(embedding)
        pose_pred = torch.zeros(count, 17, 3) if pose_pred is None else pose_pred
        pose_world = torch.full((count, 17, 3), torch.nan) if pose_world is None else pose_world
        callback.on_validation_epoch_start(trainer, module)
        for part in (slice(count // 3, count), slice(0, count // 3)):
            row = torch.arange(count)[part]
            batch = EvalBatch(torch.zeros(len(row), 3, 48, 48), pose_world[part], row)
            callback.on_validation_batch_end(trainer, module, Prediction(embedding[part], pose_pred[part]), batch, 0)
        callback.on_validation_epoch_end(trainer, module)
        return module.logged

    return run


def unit(count, dim=16, seed=0):
    return torch.nn.functional.normalize(torch.randn(count, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_the_spread_of_the_embedding_is_measured(validate):
    embedding = unit(60)
    logged = validate(embedding)
    distances = [(a - b).norm().item() for i, a in enumerate(embedding) for b in embedding[:i]]
    assert logged["val/mean_distance"] == pytest.approx(sum(distances) / len(distances), abs=1e-5)
    assert logged["val/effective_rank"] > 10


def test_many_images_are_thinned_evenly(validate, monkeypatch):
    monkeypatch.setattr("mcss.run.predictions._EMBEDDINGS", 50)
    logged = validate(unit(200))
    assert logged["val/mean_distance"] == pytest.approx(torch.pdist(unit(200)[::4]).mean().item(), abs=1e-5)


def test_errors_are_those_of_the_metric_without_rows_that_have_no_pose(validate, module):
    pose_world = torch.randn(9, 17, 3) * 300
    pose_pred = module.target(pose_world) + torch.tensor([30.0, 0.0, 0.0])
    pose_pred[:, 0] = 0  # the pelvis stays: every other joint is 30 mm off
    metric, labelled = NMPJPE("h36m16"), [0, 1, 2, 3, 4, 6, 7, 8]
    metric.update(pose_pred[labelled], module.target(pose_world)[labelled])
    pose_world[5] = torch.nan
    logged = validate(unit(9), pose_pred, pose_world)
    assert logged["val/mpjpe_mm"] == pytest.approx(30.0, abs=1e-3)
    assert logged["val/n_mpjpe_mm"] == pytest.approx(metric.compute().item(), abs=1e-3)


def test_without_any_pose_no_error_is_logged(validate):
    assert not [name for name in validate(unit(9)) if name.endswith("_mm")]
