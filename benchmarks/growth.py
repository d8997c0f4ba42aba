"""What grows with the store and with the batch: set-up of training, memory, time of a step, distances of all pairs."""

import json
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import torch

from benchmarks.large_store import training_costs, write_large_store
from benchmarks.timing import Figure, seconds
from data_modules.training.augment import Augment, AugmentSettings
from mcss.batch import TrainBatch
from mcss.metrics.functional import pairwise_pa_mpjpe
from mcss.models.module import MCSSModule
from mcss.objectives.contrastive import Contrastive

ROWS = 1_500_000
"""Human3.6M's training set at 50 frames a second: 1.56 million images."""
SETUP_LIMIT_S, MEMORY_LIMIT_MB = 5.0, 1000.0
BATCHES = (20, 110, 440)
POSES, PAIRWISE_LIMIT_S = 2200, 60.0
"""All distinct poses of the studio's test subjects, and more."""


def measure() -> list[Figure]:
    """A data module over a large store, training steps of several batches, distances of all pairs of poses."""
    return [*_large_store(), *(_step(batch) for batch in BATCHES), _pairwise()]


def _large_store() -> list[Figure]:
    """In a process of its own, whose peak memory is then that of the data module."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        write_large_store(store, ROWS)
        command = [sys.executable, "-m", training_costs.__module__, str(store)]
        costs = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    images = f"a store of {costs['rows']:,} images"
    return [
        Figure(f"{images}: opening it", costs["opening_s"], "s", None),
        Figure(f"{images}: samplers of both streams", costs["loaders_s"], "s", SETUP_LIMIT_S),
        Figure(f"{images}: first batch", costs["batch_s"], "s", None),
        Figure(f"{images}: memory of the process's own, beyond the imports", costs["memory_mb"], "MB", MEMORY_LIMIT_MB),
        Figure(f"{images}: the same at its peak, with pages of the mapped file", costs["peak_mb"], "MB", None),
        Figure(f"{images}: memory of the process's own a row", 1e6 * costs["memory_mb"] / costs["rows"], "bytes", None),
    ]


def _step(images: int) -> Figure:
    """A whole step of base.yaml's network: augmentation, both losses, backward, Adam; 3 in 10 images are anchors."""
    small = {"width": 32, "weights": "none", "image_size_px": 64, "batchnorm_affine": True}
    network = MCSSModule(**small, objective=Contrastive()).train()
    network.log = lambda *_, **__: None  # type: ignore[method-assign]
    optimizer = torch.optim.Adam(network.parameters())
    augment = Augment(AugmentSettings(), 64, seed=0)
    crops = torch.randint(0, 256, (images, 3, 96, 96), dtype=torch.uint8)
    pairs = 3 * images // 10
    pose_world = 300 * torch.randn(images - 2 * pairs, 17, 3)

    def step() -> None:
        varied, variation = augment(crops, step=0, pairs=pairs)
        with torch.autocast("cpu", torch.bfloat16):
            loss = network.training_step(TrainBatch(varied, pairs, pose_world, variation.flipped[2 * pairs :], 0), 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    step()
    time_s = statistics.median(seconds(step) for _ in range(5))
    return Figure(f"training step of {images} images, 64 px", 1000 * time_s / images, "ms an image", None)


def _pairwise() -> Figure:
    pose = 300 * torch.randn(POSES, 17, 3, generator=torch.Generator().manual_seed(0))
    time_s = seconds(partial(pairwise_pa_mpjpe, pose))
    return Figure(f"PA-MPJPE of all pairs of {POSES:,} poses", time_s, "s", PAIRWISE_LIMIT_S)
