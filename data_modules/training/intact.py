"""Training on a store some of whose images cannot be decoded."""

import multiprocessing
import warnings

import numpy as np
from jaxtyping import Int, UInt8

from data_modules.store import Store, StoreError


class IntactImages:
    """Decodes a store's images; for a corrupt one, another view of the same instant stands in.

    All views of an instant show one pose, so a label remains its image's. A pair remains one of two cameras as long as
    its instant has two views that decode. With a single one, both are that view: the pair is trivial, at most its
    augmentation differs, but its negatives still count. Which view stands in depends on rows alone: the first that is
    not the partner's, so a resumed run sees the same.

    Args:
        store: the store.
        rows: rows that may be shown, ascending.
    """

    def __init__(self, store: Store, rows: Int[np.ndarray, " rows"]) -> None:
        self._store, self._rows = store, rows
        # Of each row that is known to be corrupt: the views of its instant that decode, ascending.
        self._views: dict[int, list[int]] = {}
        # Loaders' worker processes count as well.
        self._replaced = multiprocessing.Value("q")

    def __len__(self) -> int:
        return len(self._store)

    @property
    def replaced(self) -> int:
        """How many images were replaced so far, each as often as it was asked for."""
        return self._replaced.value

    def decode(
        self, rows: Int[np.ndarray, " batch"], size_px: int, partner: Int[np.ndarray, " batch"] | None = None
    ) -> UInt8[np.ndarray, "batch size_px size_px 3"]:
        """Images of ``rows``, as ``Store.decode`` gives them; ``partner`` as for ``shown``.

        Raises:
            StoreError: no view of an instant can be decoded.
        """
        try:
            images = self._store.decode(self.shown(rows, partner), size_px)
        except StoreError:
            for row in rows.tolist():
                if row not in self._views and not self._decodes(row, size_px):
                    self._examine_instant(row, size_px)
            images = self._store.decode(self.shown(rows, partner), size_px)
        with self._replaced.get_lock():
            self._replaced.value += sum(row in self._views for row in rows.tolist())
        return images

    def shown(
        self, rows: Int[np.ndarray, " batch"], partner: Int[np.ndarray, " batch"] | None = None
    ) -> Int[np.ndarray, " batch"]:
        """Rows that are shown for ``rows``; ``partner`` are the other rows of their pairs, where there are pairs."""
        pairs = zip(rows.tolist(), (rows if partner is None else partner).tolist(), strict=True)
        return np.array([self._view(row, other) if row in self._views else row for row, other in pairs], dtype=np.int64)

    def _view(self, row: int, partner: int) -> int:
        views = [view for view in self._views[row] if view != partner] or self._views[row]
        # Of two corrupt rows the later one takes the second view.
        return views[(partner in self._views and row > partner) % len(views)]

    def _examine_instant(self, row: int, size_px: int) -> None:
        """Find all corrupt rows of a corrupt row's instant: what stands in for one depends on whether others decode."""
        rows = self._rows[self._store.instant[self._rows] == self._store.instant[row]].tolist()
        views = [view for view in rows if self._decodes(view, size_px)]
        cameras = " or ".join(self._store.camera[views])
        for corrupt in sorted(set(rows) - set(views)):
            try:
                self._store.decode(np.array([corrupt]), size_px)
            except StoreError as error:
                if not views:
                    raise StoreError(f"{error}; nor can any other view of this instant that may be shown") from None
                self._views[corrupt] = views
                warnings.warn(f"{error}; camera {cameras} stands in", stacklevel=2)

    def _decodes(self, row: int, size_px: int) -> bool:
        try:
            self._store.decode(np.array([row]), size_px)
        except StoreError:
            return False
        return True
