"""Stores of the streams, and the rows of them that each stream may draw from."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from data_modules.store import Store
from data_modules.training.same_data import clips_in_both, open_once
from data_modules.training.supervision import held_out_rows, labelled_rows, training_rows
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
        """Open every store once, however its path is spelt (``open_once``).

        Raises:
            InputError: a store cannot be opened, or a camera to be left out is in none for training.
        """
        stores = open_once((multiview, labelled, test))
        known = sorted({*stores[multiview].meta.cameras, *stores[labelled].meta.cameras})
        if unknown := sorted(set(leave_out_cameras) - set(known)):
            raise InputError(
                f"leave_out_cameras {unknown[0]}: no such camera in {multiview}; it has {', '.join(known)}"
            )
        return cls(stores[multiview], stores[labelled], stores[test], leave_out_cameras)

    def rows_labelled(self, supervision: str, held_out: Collection[str]) -> Int[np.ndarray, " labelled"]:
        """Rows of the labelled store whose poses may be trained on, see ``labelled_rows``."""
        return self._of_training_cameras(self.labelled, labelled_rows(self.labelled, supervision, held_out))

    def rows_train(self, held_out: Collection[str], subjects: Collection[str] = ()) -> Int[np.ndarray, " train"]:
        """Rows of the multiview store that pairs are drawn from: all training subjects, or those of ``subjects``.

        Clips and people ``held_out`` of the labelled store are left out wherever the multiview store holds them, too.

        Raises:
            InputError: a subject is no training subject of the multiview store.
        """
        known = self.multiview.meta.subjects_train
        if unknown := sorted(set(subjects) - set(known)):
            raise InputError(
                f"subjects {unknown[0]}: no training subject of {self.multiview.path}; it has {', '.join(known)}"
            )
        if self.multiview is self.labelled:
            clips = tuple(held_out)
        else:
            people = held_out if self.multiview.meta.name == self.labelled.meta.name else ()
            both = (*clips_in_both(self.multiview, self.labelled, held_out), *set(people).intersection(known))
            clips = tuple(name for name in both if name.split("/", 1)[0] in known)
        rows = self._of_training_cameras(self.multiview, training_rows(self.multiview, clips))
        return rows[np.isin(self.multiview.subject[rows], list(subjects))] if subjects else rows

    def leaks(self, rows_train: Int[np.ndarray, " train"], rows_labelled: Int[np.ndarray, " labelled"]) -> list[str]:
        """Lines about test subjects of the test store that training would see."""
        streams = (("pairs", self.multiview, rows_train), ("labels", self.labelled, rows_labelled))
        return [
            f"{name} of {store.path} show {', '.join(seen)}, for the test in {self.test.path}: that is no test on "
            "people that training has not seen; leave them out, pairs by --data.subjects, labels by --data.supervision"
            for name, store, rows in streams
            if store.meta.name == self.test.meta.name
            and (seen := sorted(set(store.subject[rows].tolist()) & set(self.test.meta.subjects_test)))
        ]

    def enlarged(self, image_size_px: int) -> list[str]:
        """Lines about stores whose crops are smaller than the images that the network sees."""
        stores = {store.path: store.meta.crop_size_px for store in (self.multiview, self.labelled)}
        return [
            f"image_size_px {image_size_px}: the crops of {path} are {size_px} px wide and are enlarged, which adds "
            f"cost and no detail; import it with --size {image_size_px}, or train at {size_px}"
            for path, size_px in stores.items()
            if size_px < image_size_px
        ]

    def rows_test(self) -> Int[np.ndarray, " test"]:
        """Rows of the test store's test subjects that have a pose; if none has, all of their rows."""
        rows = np.flatnonzero(np.isin(self.test.subject, self.test.meta.subjects_test))
        labelled = rows[self.test.has_pose[rows]]
        return labelled if len(labelled) else rows

    def rows_filmed(self, filmed_test_clips: Collection[str]) -> Int[np.ndarray, " filmed"]:
        """Rows of the labelled store's clips that test people who were filmed, where they have a pose."""
        rows = held_out_rows(self.labelled, filmed_test_clips)
        return rows[self.labelled.has_pose[rows]]

    def is_labelled_person(
        self, rows: Int[np.ndarray, " rows"], rows_labelled: Int[np.ndarray, " labelled"]
    ) -> Bool[np.ndarray, " rows"]:
        """Which rows of the labelled store show somebody of whom labels are trained on."""
        return np.isin(self.labelled.subject[rows], self.labelled.subject[rows_labelled])

    def rows_posed(self, every_view: bool) -> Int[np.ndarray, " posed"]:
        """Rows with a pose of all training subjects of the labelled store: all, or one an instant."""
        rows = np.flatnonzero(
            np.isin(self.labelled.subject, self.labelled.meta.subjects_train) & self.labelled.has_pose
        )
        return rows if every_view else rows[np.unique(self.labelled.instant[rows], return_index=True)[1]]

    def _of_training_cameras(self, store: Store, rows: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " kept"]:
        return rows[~np.isin(store.camera[rows], self.leave_out_cameras)]
