"""Builds the two training streams of a data module from its settings, its stores and their rows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from data_modules.store import Store
from data_modules.training.backgrounds import Backgrounds, BackgroundSettings, People
from data_modules.training.images import ReadImages, image_readers
from data_modules.training.intact import IntactImages
from data_modules.training.samplers import LabelledSampler, PairSampler
from data_modules.training.stream_stores import StreamStores
from data_modules.training.streams import LabelledStream, MultiviewStream
from data_modules.training.unsynchronised import UnsynchronisedRows
from data_modules.training.view_geometry import labelled_geometry, needed_geometry
from mcss.distributed import print_on_rank_zero
from mcss.errors import InputError, check_at_least
from mcss.objectives.base import Needs


@dataclass(frozen=True)
class StreamSettings:
    """What a step's batch consists of, and how its images are read; ``MultiviewPoseDataModule`` explains each.

    Raises:
        InputError: a setting out of its range, named in the message.
    """

    image_size_px: int
    pairs: int
    labelled_images: int
    min_gap_s: float
    unsynchronised_gap_s: tuple[float, float]
    mix_subjects: bool
    background: BackgroundSettings
    cache_images: bool
    skip_corrupt_images: bool
    seed: int

    def __post_init__(self) -> None:
        check_at_least(0, pairs=self.pairs, min_gap_s=self.min_gap_s)
        check_at_least(1, labelled_images=self.labelled_images)
        least_s, largest_s = self.unsynchronised_gap_s
        if not 0 <= least_s <= largest_s:
            raise InputError(f"unsynchronised_gap_s [{least_s:g}, {largest_s:g}]: the least time, then the largest")

    def check(self, needs: Needs, has_labels: bool) -> None:
        """Refuse settings under which nothing is learned, or not what the objective is there for.

        Raises:
            InputError: says which.
        """
        objective = needs.objective
        if objective and not self.pairs:
            raise InputError(f"objective {objective} learns from pairs of views, and data.pairs is 0: set one or none")
        if needs.labels and not has_labels:
            raise InputError(f"objective {objective} starts from 3D labels, and data.supervision is 'none': name some")
        if needs.shared_colours and self.mix_subjects:
            raise InputError(f"objective {objective} needs pairs of one subject: set data.mix_subjects false")
        if needs.background and self.background.mode != "keep":
            raise InputError(f"objective {objective} needs the backgrounds that are there: set data.background keep")
        if not objective and not has_labels:
            raise InputError("nothing to train on: model.objective is null and data.supervision is 'none'")


class StreamBuilder:
    """Builds the streams of one rank.

    Args:
        settings: of the batches.
        needs: what the objective needs in a batch.
        stores: of pairs and labels.
        rows_train: rows of the multiview store that pairs are drawn from.
        rows_labelled: rows of the labelled store.
        rank: whose batches these are.
        world_size: number of ranks.

    Attributes:
        intact: readers that replace corrupt images, where the settings ask for that.
    """

    def __init__(
        self,
        settings: StreamSettings,
        needs: Needs,
        stores: StreamStores,
        rows_train: Int[np.ndarray, " train"],
        rows_labelled: Int[np.ndarray, " labelled"],
        rank: int,
        world_size: int,
    ) -> None:
        self.settings, self.needs, self.stores = settings, needs, stores
        self.rows_pairs = rows_train if settings.pairs else rows_train[:0]
        self.rows_labelled, self.rank, self.world_size = rows_labelled, rank, world_size
        self._people: dict[Path, People] = {}
        self._read_pairs, self._read_labelled = readers = image_readers(
            (stores.multiview, self.rows_pairs),
            (stores.labelled, rows_labelled),
            settings.image_size_px,
            settings.cache_images,
            settings.skip_corrupt_images,
        )
        self.intact = {reader.store for reader in readers if isinstance(reader.store, IntactImages)}

    def streams(self) -> dict[str, MultiviewStream | LabelledStream]:
        """Both streams; one that the settings switch off is absent.

        Raises:
            InputError: a store lacks what the settings or the objective need.
        """
        streams: dict[str, MultiviewStream | LabelledStream] = {}
        if self.settings.pairs:
            streams["multiview"] = self._multiview(self._read_pairs)
        if len(self.rows_labelled):
            streams["labelled"] = self._labelled(self._read_labelled)
        return streams

    def _labelled(self, read_images: ReadImages) -> LabelledStream:
        store, rows, settings = self.stores.labelled, self.rows_labelled, self.settings
        ranks = {"rank": self.rank, "world_size": self.world_size}
        sampler = LabelledSampler(rows, settings.labelled_images, seed=settings.seed, **ranks)
        geometry = labelled_geometry(store, rows, self.needs)
        if geometry and not np.isfinite(geometry.rotations[rows]).any():
            raise InputError(
                f"{store.path}: no camera of a labelled image is calibrated, which model.facing needs: import the data"
                " with calibration, or leave it out"
            )
        return LabelledStream(read_images, sampler, store.pose_world, geometry, self._backgrounds(store))

    def _multiview(self, read_images: ReadImages) -> MultiviewStream:
        store, rows, settings, unsynchronised = self.stores.multiview, self.rows_pairs, self.settings, None
        if self.needs.unsynchronised:
            needed_by = f"{store.path}: objective {self.needs.objective}"
            gap_s = settings.unsynchronised_gap_s
            unsynchronised = UnsynchronisedRows(store, rows, gap_s, needed_by, settings.seed, self.rank)
            rows = unsynchronised.anchor_rows
        sampler = self._pair_sampler(rows)
        if self.needs.joints_2d and not store.has_pose[rows].any():
            raise InputError(
                f"{store.path}: no poses of training subjects, whose 2D joints objective {self.needs.objective} needs:"
                " label some instants, or use another objective"
            )
        geometry = needed_geometry(store, rows, self.needs)
        people = self._people_of(store) if self.needs.background else None
        return MultiviewStream(read_images, sampler, unsynchronised, geometry, self._backgrounds(store), people)

    def _pair_sampler(self, rows: Int[np.ndarray, " rows"]) -> PairSampler:
        settings = self.settings
        sampler = PairSampler(
            self.stores.multiview,
            rows,
            pairs=settings.pairs,
            min_gap_s=settings.min_gap_s,
            seed=settings.seed,
            rank=self.rank,
            world_size=self.world_size,
            same_subject_on_ranks=self.needs.same_subject_on_ranks,
            mix_subjects=settings.mix_subjects,
        )
        for line in sampler.left_out:
            print_on_rank_zero(line)
        print_on_rank_zero(
            f"pairs: two instants of a clip in a batch are {sampler.gap_s:g} s or more apart (min_gap_s "
            f"{settings.min_gap_s:g})"
        )
        return sampler

    def _backgrounds(self, store: Store) -> Backgrounds | None:
        if self.settings.background.mode == "keep":
            return None
        return Backgrounds(self.settings.background, self._people_of(store), self.settings.seed, self.rank)

    def _people_of(self, store: Store) -> People:
        """Masks and plates of the training rows of a store, made once."""
        if store.path not in self._people:
            pairs = self.rows_pairs if store is self.stores.multiview else self.rows_pairs[:0]
            labelled = self.rows_labelled if store is self.stores.labelled else self.rows_labelled[:0]
            needed_by = f"objective {self.needs.objective}" if self.needs.background else "data.background"
            with_plates = self.needs.background or self.settings.background.by == "image"
            rows, size_px, cached = np.union1d(pairs, labelled), self.settings.image_size_px, self.settings.cache_images
            self._people[store.path] = People(store, rows, size_px, needed_by, with_plates, cached)
        return self._people[store.path]
