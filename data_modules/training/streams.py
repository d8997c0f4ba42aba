"""Datasets behind the loaders: a global step in, a batch out; so any step can be made again at any time."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.utils.data import Dataset

from data_modules.store import Store
from data_modules.training.backgrounds import Backgrounds, People
from data_modules.training.images import DecodedImages, ReadImages
from data_modules.training.samplers import LabelledSampler, PairSampler
from data_modules.training.unsynchronised import UnsynchronisedRows
from data_modules.training.view_geometry import StoreGeometry
from mcss.batch import EvalBatch, LabelledBatch, MultiviewBatch

LABELLED_PART = 9
"""Of a step's batch: the labelled images; the views of the pairs are 0, 1 and 2."""


class MultiviewStream(Dataset[MultiviewBatch]):
    """Pairs of step after step, and another instant of their clips where ``unsynchronised`` chooses one.

    ``backgrounds`` changes them, and of ``people`` masks and plates are given with the pairs.
    """

    def __init__(
        self,
        read_images: ReadImages,
        sampler: PairSampler,
        unsynchronised: UnsynchronisedRows | None = None,
        geometry: StoreGeometry | None = None,
        backgrounds: Backgrounds | None = None,
        people: People | None = None,
    ) -> None:
        self.read_images = read_images
        self.sampler, self.unsynchronised, self.geometry = sampler, unsynchronised, geometry
        self.backgrounds, self.people = backgrounds, people

    def rows(self, step: int) -> list[int]:
        """Rows of the step's anchors, of their positives, and of the unsynchronised views if there are any."""
        return np.concatenate(self._views(step)).tolist()

    def __getitem__(self, step: int) -> MultiviewBatch:
        anchor, positive, *others = views = self._views(step)
        partners = [positive, anchor, *others]
        images = [self.read_images(rows, partner) for rows, partner in zip(views, partners, strict=True)]
        shown = [self.read_images.shown(rows, partner) for rows, partner in zip(views, partners, strict=True)]
        if self.backgrounds is not None:
            images = [self.backgrounds(images[part], rows, step, part) for part, rows in enumerate(shown)]
        both = np.concatenate(shown[:2])
        return MultiviewBatch(
            step,
            images[0],
            images[1],
            images[2] if others else None,
            self.geometry(np.concatenate(shown)) if self.geometry else None,
            self.people.backgrounds(both) if self.people else None,
            torch.from_numpy(self.people.masks(both)) if self.people else None,
        )

    def _views(self, step: int) -> list[Int[np.ndarray, " pairs"]]:
        anchor, positive = self.sampler.batch(step)
        others = [self.unsynchronised.of(anchor, step)] if self.unsynchronised else []
        return [anchor, positive, *others]


class LabelledStream(Dataset[LabelledBatch]):
    """Labelled images of step after step."""

    def __init__(
        self,
        read_images: ReadImages,
        sampler: LabelledSampler,
        pose_world: Float[np.ndarray, "rows 17 3"],
        geometry: StoreGeometry | None = None,
        backgrounds: Backgrounds | None = None,
    ) -> None:
        self.read_images = read_images
        self.sampler = sampler
        self.pose_world = pose_world
        self.geometry, self.backgrounds = geometry, backgrounds

    def rows(self, step: int) -> list[int]:
        """Rows of the step's images."""
        return self.sampler.batch(step).tolist()

    def __getitem__(self, step: int) -> LabelledBatch:
        rows = self.sampler.batch(step)
        images, shown = self.read_images(rows), self.read_images.shown(rows)
        if self.backgrounds is not None:
            images = self.backgrounds(images, shown, step, part=LABELLED_PART)
        geometry = self.geometry(shown) if self.geometry else None
        return LabelledBatch(step, images, torch.from_numpy(self.pose_world[rows]), geometry)


class EvalStream(Dataset[EvalBatch]):
    """Batches of rows in store order (``rank_batches``)."""

    def __init__(
        self,
        store: Store,
        size_px: int,
        batches: Sequence[Int[np.ndarray, " _"]],
        geometry: StoreGeometry | None = None,
    ) -> None:
        self.read_images = DecodedImages(store, size_px)
        self.geometry = geometry
        self.batches = batches
        self.pose_world = store.pose_world

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> EvalBatch:
        rows = self.batches[index]
        return EvalBatch(
            images=self.read_images(rows),
            pose_world=torch.from_numpy(self.pose_world[rows]),
            row=torch.from_numpy(rows),
            geometry=self.geometry(rows) if self.geometry else None,
        )


def rank_batches(
    rows: Int[np.ndarray, " rows"], batch_size: int, rank: int, world_size: int
) -> list[Int[np.ndarray, " _"]]:
    """A rank's share of ``rows`` in batches of at most ``batch_size``: every row once, on one rank, none to fill up.

    All ranks have equally many batches, of which some may be empty: a forward pass under DistributedDataParallel begins
    with a collective, and a rank with one more would wait for ever.
    """
    batches = -(-len(rows) // (batch_size * world_size))
    return np.array_split(rows[rank::world_size], batches) if batches else []
