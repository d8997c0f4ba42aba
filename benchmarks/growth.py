"""What grows with the store and with the batch: set-up of the samplers, memory, time of a step."""

import statistics
import tracemalloc

import numpy as np
import torch

from benchmarks.timing import Figure, seconds
from data_modules.index import Index
from data_modules.samplers import LabelledSampler, PairSampler
from mcss.models.module import MCSSModule

VIEWS, INSTANTS_A_CLIP, SUBJECTS, FPS = 4, 100, 5, 2
ROWS = (15_000, 150_000, 1_500_000)
"""The largest is Human3.6M's training set at 50 frames a second: 1.56 million images."""
BATCHES = (22, 110, 440)
SETUP_LIMIT_S, MEMORY_LIMIT_MB = 5.0, 1000.0


def synthetic_index(rows: int) -> Index:
    """An index of about so many rows, clips of ``SUBJECTS`` subjects at ``FPS`` frames a second."""
    instants = rows // VIEWS
    instant = np.repeat(np.arange(instants), VIEWS)
    clip = instant // INSTANTS_A_CLIP
    clips = int(clip[-1]) + 1
    subject = clip * SUBJECTS // clips
    return Index(
        subject=np.array([f"S{number}" for number in range(SUBJECTS)])[subject],
        action=np.array([f"Action{number:04d}" for number in range(clips)])[clip],
        subaction=np.ones(len(clip), dtype=np.int64),
        frame=instant % INSTANTS_A_CLIP,
        time_s=(instant % INSTANTS_A_CLIP) / FPS,
        camera=np.array([f"cam{view}" for view in range(VIEWS)])[np.arange(len(instant)) % VIEWS],
        has_pose=np.ones(len(clip), dtype=bool),
        subjects_train=tuple(f"S{number}" for number in range(SUBJECTS)),
    )


def measure() -> list[Figure]:
    """Set-up time and memory of both samplers with the first batch; seconds a step at several batches."""
    return [figure for rows in ROWS for figure in _setup(rows)] + [_step(batch) for batch in BATCHES]


def _setup(rows: int) -> list[Figure]:
    def build() -> None:
        index = synthetic_index(rows)
        every = np.arange(len(index))
        pairs = PairSampler(index, every, pairs=33, min_gap_s=1.0, seed=0)
        pairs.batch(0)
        LabelledSampler(every, 22, seed=0).batch(0)

    largest = rows == ROWS[-1]
    time_s = statistics.median(seconds(build) for _ in range(3))
    tracemalloc.start()
    build()
    memory_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return [
        Figure(f"index and samplers of {rows:,} images: set-up", time_s, "s", SETUP_LIMIT_S if largest else None),
        Figure(f"index and samplers of {rows:,} images: memory", memory_mb, "MB", MEMORY_LIMIT_MB if largest else None),
    ]


def _step(batch: int) -> Figure:
    network = MCSSModule(width=32, weights="none", image_size_px=64, batchnorm_affine=True).train()
    images = torch.randn(batch, 3, 64, 64)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            network.embed(images).square().sum().backward()

    step()
    time_s = statistics.median(seconds(step) for _ in range(5))
    return Figure(
        f"network, forward and backward of {batch} images of 64 px", 1000 * time_s / batch, "ms an image", None
    )
