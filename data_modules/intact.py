"""Training on a store some of whose images cannot be decoded."""

import multiprocessing
import warnings

import numpy as np
from jaxtyping import Int, UInt8
from torch import Tensor

from data_modules.store import Store, StoreError


class IntactImages:
    """Decodes a store's images; for a corrupt one, another view of the same instant stands in.

    All views of an instant show one pose, so a pair remains a pair and a label its image's. Which view stands in is
    the first by row that decodes: a resumed run sees the same.

    Args:
        store: the store.
        rows: rows that may be shown, ascending.
    """

    def __init__(self, store: Store, rows: Int[np.ndarray, " rows"]) -> None:
        self._store, self._rows = store, rows
        self._stand_in: dict[int, int] = {}
        # Loaders' worker processes count as well.
        self._replaced = multiprocessing.Value("q")

    def __len__(self) -> int:
        return len(self._store)

    @property
    def replaced(self) -> int:
        """How many images were replaced so far, each as often as it was asked for."""
        return self._replaced.value

    def decode(self, rows: Int[np.ndarray, " batch"], size_px: int) -> UInt8[Tensor, "batch 3 size_px size_px"]:
        """Images of ``rows``, as ``Store.decode`` gives them.

        Raises:
            StoreError: no view of an instant can be decoded.
        """
        try:
            images = self._store.decode(self._readable(rows), size_px)
        except StoreError:
            for row in rows.tolist():
                self._find_stand_in(row, size_px)
            images = self._store.decode(self._readable(rows), size_px)
        with self._replaced.get_lock():
            self._replaced.value += sum(row in self._stand_in for row in rows.tolist())
        return images

    def _readable(self, rows: Int[np.ndarray, " batch"]) -> Int[np.ndarray, " batch"]:
        return np.array([self._stand_in.get(row, row) for row in rows.tolist()], dtype=np.int64)

    def _find_stand_in(self, row: int, size_px: int) -> None:
        try:
            self._store.decode(np.array([row]), size_px)
        except StoreError as error:
            views = self._rows[self._store.instant[self._rows] == self._store.instant[row]]
            for view in views[views != row].tolist():
                if self._decodes(view, size_px):
                    self._stand_in[row] = view
                    warnings.warn(f"{error}; camera {self._store.camera[view]} stands in", stacklevel=2)
                    return
            raise StoreError(f"{error}; nor can any other view of this instant that may be shown") from None

    def _decodes(self, row: int, size_px: int) -> bool:
        try:
            self._store.decode(np.array([row]), size_px)
        except StoreError:
            return False
        return True
