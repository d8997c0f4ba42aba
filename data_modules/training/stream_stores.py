"""Stores of the streams, and the rows of them that each stream may draw from."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from data_modules.store import Store, open_store
from data_modules.training.supervision import labelled_rows, training_rows
from mcss.errors import InputError


@dataclass(frozen=True, eq=False)
class StreamStores:
    """Stores of the pairs, the labels and the test: one object where the directory is one.

    Attributes:
        leave_out_cameras: cameras whose images no training stream holds.
    """

    multiview: Store
    labelled: Store
    test: Store
    leave_out_cameras: tuple[str, ...]

    @classmethod
    def open(
        cls, multiview: Path, labelled: Path, test: Path, leave_out_cameras: tuple[str, ...] = ()
    ) -> "StreamStores":
        """Open every directory once.

        Raises:
            InputError: a store cannot be opened, or a camera to be left out is in none for training.
        """
        stores = {path: open_store(path) for path in dict.fromkeys((multiview, labelled, test))}
        known = sorted({*stores[multiview].meta.cameras, *stores[labelled].meta.cameras})
        if unknown := sorted(set(leave_out_cameras) - set(known)):
            raise InputError(
                f"leave_out_cameras {unknown[0]}: no such camera in {multiview}; it has {', '.join(known)}"
            )
        return cls(stores[multiview], stores[labelled], stores[test], leave_out_cameras)

    def rows_labelled(self, supervision: str, validation_clips: Collection[str]) -> Int[np.ndarray, " labelled"]:
        """Rows of the labelled store whose poses may be trained on, see ``labelled_rows``."""
        return self._of_training_cameras(self.labelled, labelled_rows(self.labelled, supervision, validation_clips))

    def rows_train(self, validation_clips: Collection[str]) -> Int[np.ndarray, " train"]:
        """Rows of the multiview store that pairs are drawn from, see ``training_rows``."""
        held_out = validation_clips if self.multiview is self.labelled else ()
        return self._of_training_cameras(self.multiview, training_rows(self.multiview, held_out))

    def rows_test(self) -> Int[np.ndarray, " test"]:
        """Rows of the test store's test subjects that have a pose."""
        return np.flatnonzero(np.isin(self.test.subject, self.test.meta.subjects_test) & self.test.has_pose)

    def training_pose_world(self) -> Float[np.ndarray, "poses 17 3"]:
        """One pose an instant of all training subjects of the labelled store: world frame, mm, h36m17."""
        rows = np.flatnonzero(
            np.isin(self.labelled.subject, self.labelled.meta.subjects_train) & self.labelled.has_pose
        )
        return self.labelled.pose_world[rows[np.unique(self.labelled.instant[rows], return_index=True)[1]]]

    def _of_training_cameras(self, store: Store, rows: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " kept"]:
        return rows[~np.isin(store.camera[rows], self.leave_out_cameras)]
