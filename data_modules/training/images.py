"""Images of a store's rows: decoded each time, or once and then kept in memory."""

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from data_modules.store import Store
from data_modules.store.writer import available_cores
from data_modules.training.intact import IntactImages

_DECODED_AT_ONCE = 256


class ReadImages(ABC):
    """Images of rows of a store, or of the rows that stand in for corrupt ones (``IntactImages``)."""

    def __init__(self, store: Store | IntactImages) -> None:
        self.store = store

    @abstractmethod
    def __call__(
        self, rows: Int[np.ndarray, " batch"], partner: Int[np.ndarray, " batch"] | None = None
    ) -> UInt8[Tensor, "batch 3 side side"]:
        """Images of ``rows``; ``partner`` as for ``IntactImages.shown``."""

    def shown(
        self, rows: Int[np.ndarray, " batch"], partner: Int[np.ndarray, " batch"] | None = None
    ) -> Int[np.ndarray, " batch"]:
        """Rows whose images stand for ``rows``, once they have been read."""
        return self.store.shown(rows, partner) if isinstance(self.store, IntactImages) else rows


class DecodedImages(ReadImages):
    """Images that are decoded each time."""

    def __init__(self, store: Store | IntactImages, size_px: int) -> None:
        super().__init__(store)
        self.size_px = size_px

    def __call__(
        self, rows: Int[np.ndarray, " batch"], partner: Int[np.ndarray, " batch"] | None = None
    ) -> UInt8[Tensor, "batch 3 side side"]:
        """Decode the images of ``rows``; ``partner`` as for ``IntactImages.shown``."""
        if isinstance(self.store, IntactImages):
            return as_tensor(self.store.decode(rows, self.size_px, partner))
        return as_tensor(self.store.decode(rows, self.size_px))


class CachedImages(ReadImages):
    """Images of ``rows``, decoded once and kept in memory: 0.2 ms an image and step become a copy."""

    def __init__(self, store: Store | IntactImages, rows: Int[np.ndarray, " rows"], size_px: int) -> None:
        super().__init__(store)
        self.position = np.full(len(store), -1, dtype=np.int64)
        self.position[rows] = np.arange(len(rows))
        images = np.empty((len(rows), size_px, size_px, 3), dtype=np.uint8)
        self.images = as_tensor(images)

        def decode(part: slice) -> None:
            images[part] = store.decode(rows[part], size_px)

        # The decoder releases Python's lock; IntactImages remembers corrupt rows and is not safe for threads.
        with ThreadPoolExecutor(1 if isinstance(store, IntactImages) else available_cores()) as pool:
            parts = (slice(start, start + _DECODED_AT_ONCE) for start in range(0, len(rows), _DECODED_AT_ONCE))
            for _ in pool.map(decode, parts):
                pass

    def __call__(
        self, rows: Int[np.ndarray, " batch"], partner: Int[np.ndarray, " batch"] | None = None
    ) -> UInt8[Tensor, "batch 3 side side"]:
        """Copy the images of ``rows``, which must be among those cached; ``partner`` as for ``IntactImages.shown``."""
        return self.images[self.position[self.shown(rows, partner)]]


def as_tensor(images: UInt8[np.ndarray, "batch side side 3"]) -> UInt8[Tensor, "batch 3 side side"]:
    """Return the same memory as the network's images, whose channels are last in memory."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)


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
