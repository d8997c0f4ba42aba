"""The module trains with a data loader that this project did not write."""

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from mcss.batch import TrainBatch
from mcss.errors import InputError
from mcss.models.module import MCSSModule

# Of Lightning: about the loader of one process, and that there is no validation.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*have no `val_dataloader`")


def batches(poses, steps):
    """Two pairs and three labelled images a step, made by hand."""
    draws = torch.Generator().manual_seed(0)
    return [
        TrainBatch(
            images=torch.randn(7, 3, 48, 48, generator=draws),
            pairs=2,
            pose_world=poses[:3],
            flipped=torch.zeros(3, dtype=torch.bool),
            step=step,
        )
        for step in range(steps)
    ]


def trainer(**options):
    return pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        **{"enable_model_summary": False, **options},
    )


@pytest.fixture
def network():
    torch.manual_seed(0)
    return MCSSModule(width=8, weights="none", image_size_px=48)


def test_it_trains_with_any_loader(network):
    poses = 1000 * torch.randn(5, 17, 3, generator=torch.Generator().manual_seed(1))
    network.fit_target(poses)
    before = network.regressor[2].weight.clone()
    trainer(max_steps=2).fit(network, DataLoader(batches(poses, 2), batch_size=None))
    assert not torch.equal(before, network.regressor[2].weight)
    # Mean of the labelled poses, root-relative and turned until the left hip is on +X.
    assert network.pose_std_mm.min() > 1


def test_without_statistics_of_the_target_it_does_not_train(network):
    poses = torch.randn(3, 17, 3)
    with pytest.raises(InputError, match=r"call MCSSModule.fit_target\(pose_world\) before Trainer.fit"):
        trainer(max_steps=1).fit(network, DataLoader(batches(poses, 1), batch_size=None))


def test_a_joint_that_no_label_has_is_predicted_as_missing(network):
    poses = 1000 * torch.randn(5, 17, 3, generator=torch.Generator().manual_seed(1))
    poses[:, 10] = torch.nan
    poses[0, 13] = torch.nan
    with pytest.warns(UserWarning, match="no labelled pose has HeadTop: the network will predict NaN there"):
        network.fit_target(poses)
    pose = network.eval()(torch.randn(2, 3, 48, 48)).pose
    assert pose[:, 10].isnan().all()
    assert pose[:, [joint for joint in range(17) if joint != 10]].isfinite().all()


def test_mirrored_images_need_the_canonical_frame(network):
    network.pose_frame = "root"
    with pytest.raises(InputError, match="flip_probability mirrors poses"):
        network.fit_target(torch.randn(5, 17, 3), mirrored=True)
