"""Datasets behind the loaders: a global step in, a batch out; so any step can be made again at any time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from pytorch_lightning.utilities import CombinedLoader
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from data_modules.store import Store
from data_modules.store.writer import available_cores
from data_modules.training.backgrounds import Backgrounds, People
from data_modules.training.intact import IntactImages
from data_modules.training.samplers import LabelledSampler, PairSampler
from data_modules.training.unsynchronised import UnsynchronisedRows
from data_modules.training.view_geometry import StoreGeometry
from mcss.batch import EvalBatch, LabelledBatch, MultiviewBatch
from mcss.errors import InputError
from mcss.stop_signals import ignore_stop_signals

LABELLED_PART = 9
"""Of a step's batch: the labelled images; the views of the pairs are 0, 1 and 2."""
_DECODED_AT_ONCE = 256


class DecodedImages:
    """Images of a store, decoded each time."""

    def __init__(self, store: Store | IntactImages, size_px: int) -> None:
        self.store = store
        self.size_px = size_px

    def __call__(
        self, rows: Int[np.ndarray, " batch"], partner: Int[np.ndarray, " batch"] | None = None
    ) -> UInt8[Tensor, "batch 3 side side"]:
        """Images of ``rows``; ``partner`` as for ``IntactImages.shown``."""
        if isinstance(self.store, IntactImages):
            return self.store.decode(rows, self.size_px, partner)
        return self.store.decode(rows, self.size_px)

    def shown(
        self, rows: Int[np.ndarray, " batch"], partner: Int[np.ndarray, " batch"] | None = None
    ) -> Int[np.ndarray, " batch"]:
        """Rows whose images stand for ``rows``, once they have been read."""
        return self.store.shown(rows, partner) if isinstance(self.store, IntactImages) else rows


class CachedImages:
    """Images of ``rows``, decoded once and kept in memory: 0.2 ms an image and step become a copy."""

    def __init__(self, store: Store | IntactImages, rows: Int[np.ndarray, " rows"], size_px: int) -> None:
        self.store = store
        self.position = np.full(len(store), -1, dtype=np.int64)
        self.position[rows] = np.arange(len(rows))
        self.images = torch.empty(len(rows), size_px, size_px, 3, dtype=torch.uint8).permute(0, 3, 1, 2)

        def decode(part: slice) -> None:
            self.images[part] = store.decode(rows[part], size_px)

        # The decoder releases Python's lock; IntactImages remembers corrupt rows and is not safe for threads.
        with ThreadPoolExecutor(1 if isinstance(store, IntactImages) else available_cores()) as pool:
            parts = (slice(start, start + _DECODED_AT_ONCE) for start in range(0, len(rows), _DECODED_AT_ONCE))
            for _ in pool.map(decode, parts):
                pass

    def __call__(
        self, rows: Int[np.ndarray, " batch"], partner: Int[np.ndarray, " batch"] | None = None
    ) -> UInt8[Tensor, "batch 3 side side"]:
        """Images of ``rows``, which must be among those cached; ``partner`` as for ``IntactImages.shown``."""
        return self.images[self.position[self.shown(rows, partner)]]

    def shown(
        self, rows: Int[np.ndarray, " batch"], partner: Int[np.ndarray, " batch"] | None = None
    ) -> Int[np.ndarray, " batch"]:
        """Rows whose images stand for ``rows``."""
        return self.store.shown(rows, partner) if isinstance(self.store, IntactImages) else rows


ReadImages = DecodedImages | CachedImages


def image_readers(
    pairs: tuple[Store, np.ndarray], labelled: tuple[Store, np.ndarray], size_px: int, cached: bool, skip_corrupt: bool
) -> tuple[ReadImages, ReadImages]:
    """Readers of the rows of both streams, each given with its store; one for both where they share a store.

    ``cached`` readers hold their rows decoded in memory; with ``skip_corrupt`` they read ``IntactImages``. Where pairs
    share a store with labels, their rows contain the labelled ones; without pairs there are none of theirs.
    """
    (multiview_store, pair_rows), (labelled_store, labelled_rows) = pairs, labelled

    def reader(store: Store, rows: np.ndarray) -> ReadImages:
        source = IntactImages(store, rows) if skip_corrupt else store
        return CachedImages(source, rows, size_px) if cached else DecodedImages(source, size_px)

    if multiview_store is labelled_store:
        both = reader(labelled_store, pair_rows if len(pair_rows) else labelled_rows)
        return both, both
    return reader(multiview_store, pair_rows), reader(labelled_store, labelled_rows)


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
        self.action = np.searchsorted(np.unique(store.action), store.action)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> EvalBatch:
        rows = self.batches[index]
        return EvalBatch(
            images=self.read_images(rows),
            pose_world=torch.from_numpy(self.pose_world[rows]),
            row=torch.from_numpy(rows),
            action=torch.from_numpy(self.action[rows]),
            geometry=self.geometry(rows) if self.geometry else None,
        )


class StepSampler(Sampler[int]):
    """Global steps from where training stands to the end of the epoch.

    Lightning knows only the position in the epoch when it resumes, and would replay the epoch from its first batch;
    asking the trainer at the start of every iteration is what makes a resumed run equal an uninterrupted one.
    """

    def __init__(self, global_step: Callable[[], int], steps_per_epoch: int) -> None:
        self.global_step = global_step
        self.steps_per_epoch = steps_per_epoch

    def __iter__(self) -> Iterator[int]:
        start = self.global_step()
        return iter(range(start, (start // self.steps_per_epoch + 1) * self.steps_per_epoch))

    def __len__(self) -> int:
        return self.steps_per_epoch


class StepLoader(DataLoader):
    """A loader whose position is the trainer's global step; its state says which stream that step belongs to.

    Raises:
        InputError: on resuming a run whose batches were drawn otherwise.
    """

    def __init__(self, stream: Dataset, sampler: StepSampler, identity: dict[str, int], num_workers: int) -> None:
        super().__init__(
            stream,
            batch_size=None,
            sampler=sampler,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=ignore_stop_signals,
        )
        self.identity = identity

    def state_dict(self) -> dict[str, int]:
        """Everything besides the step that a batch depends on."""
        return dict(self.identity)

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Refuse to continue a run with other batches than it began with."""
        changed = [f"{key} {state.get(key)} -> {value}" for key, value in self.identity.items() if state[key] != value]
        if changed:
            raise InputError(f"the checkpoint was made with other batches ({', '.join(changed)}): resume as it began")


def loaders_in_step(
    streams: dict[str, MultiviewStream | LabelledStream], steps: StepSampler, identity: dict[str, int], num_workers: int
) -> CombinedLoader:
    """Loaders of the streams by the same names, whose batches of one step come together."""
    loaders = {name: StepLoader(stream, steps, identity, num_workers) for name, stream in streams.items()}
    return CombinedLoader(loaders, mode="min_size")


def rank_batches(
    rows: Int[np.ndarray, " rows"], batch_size: int, rank: int, world_size: int
) -> list[Int[np.ndarray, " _"]]:
    """A rank's share of ``rows`` in batches of at most ``batch_size``: every row once, on one rank, none to fill up.

    All ranks have equally many batches, of which some may be empty: a forward pass under DistributedDataParallel begins
    with a collective, and a rank with one more would wait for ever.
    """
    batches = -(-len(rows) // (batch_size * world_size))
    return np.array_split(rows[rank::world_size], batches) if batches else []
