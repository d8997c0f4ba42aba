import warnings

import numpy as np
import pytest
import torch

from mcss.export import export
from mcss.models.module import MCSSModule
from tests.references.video_files import write_video

SIDE_PX, FRAMES = 96, 30


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """An untrained network of 48 pixels whose poses are of a person's size, as a run's checkpoint."""
    torch.manual_seed(0)
    settings = {"width": 8, "weights": "none", "embedding_dim": 16, "image_size_px": 48}
    network = MCSSModule(**settings)
    network.pose_std_mm.fill_(200.0)
    path = tmp_path_factory.mktemp("run") / "checkpoints/last.ckpt"
    path.parent.mkdir()
    content = {"state_dict": network.state_dict(), "hyper_parameters": settings, "global_step": 0}
    torch.save(content | {"joint_set": "h36m16", "pytorch-lightning_version": "2.5.0"}, path)
    return path


@pytest.fixture(scope="session")
def onnx(checkpoint, tmp_path_factory):
    pytest.importorskip("onnxruntime")
    path = tmp_path_factory.mktemp("onnx") / "network.onnx"
    with warnings.catch_warnings(action="ignore"):
        export(checkpoint, path)
    return path


def film(frames=FRAMES, absent=(), seed=0, size=(SIDE_PX, 128), start=20):
    """A bright striped block that moves in front of a grey wall, and no block in the frames ``absent``."""
    wall = np.random.default_rng(seed).integers(90, 110, (*size, 3), dtype=np.uint8)
    pictures = []
    for frame in range(frames):
        picture = wall.copy()
        if frame not in absent:
            left = start + 2 * frame
            picture[24:80, left : left + 20] = (230, 40, 40)
            picture[40 + frame % 8 : 44 + frame % 8, left : left + 20] = (30, 40, 240)
        pictures.append(picture)
    return pictures


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Folder of one scene: two synchronous videos; in one, nobody is seen from frame 20 on."""
    folder = tmp_path_factory.mktemp("views") / "views/S1/walk"
    write_video(folder / "a.mp4", film(), fps=25)
    write_video(folder / "b.mp4", film(absent=range(20, 30), seed=1), fps=25)
    return folder
