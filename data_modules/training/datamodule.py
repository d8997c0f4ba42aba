"""MultiviewPoseDataModule: stores in, both training streams and the evaluation images out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from jaxtyping import Float, Int, UInt8
from pytorch_lightning.utilities import CombinedLoader, rank_zero_warn
from torch import Tensor
from torch.utils.data import DataLoader

from data_modules.store import Store, joint_content_hash, joint_pixel_hash
from data_modules.training.augment import Augment, AugmentSettings
from data_modules.training.backgrounds import Backgrounds, BackgroundSettings, People
from data_modules.training.intact import IntactImages
from data_modules.training.samplers import LabelledSampler, PairSampler
from data_modules.training.stream_stores import StreamStores
from data_modules.training.streams import (
    EvalStream,
    LabelledStream,
    MultiviewStream,
    ReadImages,
    StepSampler,
    image_readers,
    loaders_in_step,
    rank_batches,
)
from data_modules.training.supervision import held_out_rows, separate_clips
from data_modules.training.unsynchronised import UnsynchronisedRows
from data_modules.training.view_geometry import StoreGeometry, vary_geometry
from mcss.batch import LabelledBatch, MultiviewBatch, TrainBatch, ViewGeometry
from mcss.distributed import print_on_rank_zero
from mcss.errors import InputError
from mcss.objectives.base import Needs
from mcss.stop_signals import ignore_stop_signals


class MultiviewPoseDataModule(pl.LightningDataModule):
    """Streams of a store: pairs of views without labels, labelled images, images to evaluate.

    The multiview stream draws from all training subjects, whatever the supervision. It may come from a store of its own
    (a lab's videos without any label), and so may the test; all stores have one joint set. Batch and augmentation of a
    step are a function of (seed, global step, rank, world size) alone, so that a resumed run sees what an uninterrupted
    one would have seen.

    Args:
        store: directory of the store (``mcss-data render`` or ``mcss-data import`` make one).
        supervision: whose 3D labels may be used: ``none``, ``all``, ``S1``, ``S1+S5``, ``10%S1``, ...
        validation_clips: clips of training subjects ("S1/Directions/2") left out of both streams, for tuning.
        filmed_test_clips: likewise left out, and never tuned on: the test reports them as people who were filmed.
        leave_out_cameras: cameras whose images no training stream holds; validation and test keep them (paper,
            supplement: queries from a viewpoint that training has not seen).
        image_size_px: side of the images that the network sees.
        pairs: anchor/positive pairs a step and rank; 0 switches the multiview stream off.
        labelled_images: labelled images a step and rank. Paper: 22.
        subjects: training subjects that pairs are drawn from; by default all.
        min_gap_s: least time between two instants of one clip in one batch, in seconds.
        unsynchronised_gap_s: least and largest time between an anchor and its unsynchronised view, in seconds; for
            objectives that need one.
        mix_subjects: pairs of a batch come from all training subjects. Paper: from one.
        steps_per_epoch: length of an epoch, which is a reporting unit only: a run is sized in steps.
        augment: how training images are varied.
        background: of training images: ``keep``, ``remove`` (mid-grey) or ``substitute`` (``background_by``). Masks of
            the store tell the person from it, or else background plates; test images keep theirs.
        background_share: share of the training images whose background is changed, labelled ones too.
        background_by: what it is substituted by: a random ``colour``, or the background of another ``image``.
        cache_images: keep the training images decoded in memory (image_size_px^2 x 3 bytes each).
        eval_batch_size: images a batch in validation and test.
        num_workers: loader processes a rank; 0 loads in the training process, best with ``cache_images`` on CPU.
        multiview_store: directory of the store that the pairs come from; by default ``store``.
        labelled_store: of the labelled images and the validation clips; by default ``store``.
        test_store: of the test subjects; by default ``store``.
        skip_corrupt_images: train on with another view of the instant where an image cannot be decoded; otherwise, and
            in evaluation always, that ends the run.
        needs: what the objective needs in a batch; the command line takes it from the model.
        seed: of batches and augmentation; the command line links it to ``seed_everything``.
    """

    def __init__(
        self,
        store: str = "data/studio",
        supervision: str = "S1",
        validation_clips: Sequence[str] = (),
        filmed_test_clips: Sequence[str] = (),
        leave_out_cameras: Sequence[str] = (),
        image_size_px: int = 224,
        pairs: int = 33,
        labelled_images: int = 22,
        subjects: Sequence[str] = (),
        min_gap_s: float = 1.0,
        unsynchronised_gap_s: tuple[float, float] = (0.8, 2.4),
        mix_subjects: bool = False,
        steps_per_epoch: int = 500,
        augment: AugmentSettings = AugmentSettings(),  # noqa: B008 - frozen, and the command line reads its defaults
        background: Literal["keep", "remove", "substitute"] = "keep",
        background_share: float = 0.5,
        background_by: Literal["colour", "image"] = "colour",
        cache_images: bool = False,
        eval_batch_size: int = 256,
        num_workers: int = 0,
        multiview_store: str | None = None,
        labelled_store: str | None = None,
        test_store: str | None = None,
        skip_corrupt_images: bool = False,
        needs: Needs = Needs(),  # noqa: B008 - frozen
        seed: int = 0,
    ) -> None:
        super().__init__()
        paths = (multiview_store, labelled_store, test_store)
        self.multiview_path, self.labelled_path, self.test_path = (Path(path or store) for path in paths)
        self.supervision = supervision
        self.validation_clips, self.filmed_test_clips = tuple(validation_clips), tuple(filmed_test_clips)
        self.leave_out_cameras = tuple(leave_out_cameras)
        self.subjects = tuple(subjects)
        self.image_size_px = image_size_px
        self.pairs, self.labelled_images, self.min_gap_s = pairs, labelled_images, min_gap_s
        self.unsynchronised_gap_s, self.mix_subjects = unsynchronised_gap_s, mix_subjects
        self.needs = needs
        self.steps_per_epoch = steps_per_epoch
        self.augment = Augment(augment, image_size_px, seed)
        self.background = BackgroundSettings(background, background_share, background_by)
        self.cache_images, self.skip_corrupt_images = cache_images, skip_corrupt_images
        self.eval_batch_size, self.num_workers = eval_batch_size, num_workers
        self.seed = seed
        self._intact: set[IntactImages] = set()

    def setup(self, stage: str) -> None:
        """Open the stores and find the rows of every stream.

        Raises:
            InputError: stores, supervision or clips do not fit each other, or no stream is left to train on.
        """
        paths = (self.multiview_path, self.labelled_path, self.test_path)
        stores = self.stores = StreamStores.open(*paths, self.leave_out_cameras)
        self.multiview_store, self.labelled_store, self.test_store = stores.multiview, stores.labelled, stores.test
        held_out = separate_clips(self.validation_clips, self.filmed_test_clips)
        self.rows_labelled = stores.rows_labelled(self.supervision, held_out)
        self.rows_validation = held_out_rows(self.labelled_store, self.validation_clips)
        self.rows_filmed = stores.rows_filmed(self.filmed_test_clips)
        self.rows_test = stores.rows_test()
        if stage == "test" and not len(self.rows_test):
            raise InputError(
                f"{self.test_path}: has no test subject; import it again with --test-subjects, or name a store that has"
                " one as data.test_store"
            )
        if stage == "fit":
            self._check_streams()
            self.rows_train = stores.rows_train(held_out, self.subjects)
            for line in (*stores.leaks(self.rows_train, self.rows_labelled), *stores.enlarged(self.image_size_px)):
                rank_zero_warn(line)

    def _check_streams(self) -> None:
        """Refuse settings under which nothing is learned, or not what the objective is there for."""
        objective = self.needs.objective
        if objective and not self.pairs:
            raise InputError(f"objective {objective} learns from pairs of views, and data.pairs is 0: set one or none")
        if self.needs.labels and not len(self.rows_labelled):
            raise InputError(f"objective {objective} starts from 3D labels, and data.supervision is 'none': name some")
        if self.needs.shared_colours and self.mix_subjects:
            raise InputError(f"objective {objective} needs pairs of one subject: set data.mix_subjects false")
        if self.needs.background and self.background.mode != "keep":
            raise InputError(f"objective {objective} needs the backgrounds that are there: set data.background keep")
        if not objective and not len(self.rows_labelled):
            raise InputError("nothing to train on: model.objective is null and data.supervision is 'none'")

    @property
    def mirrors_images(self) -> bool:
        """Whether training images, and with them their poses, are mirrored at random."""
        return self.augment.settings.flip_probability > 0

    def labelled_poses(self) -> tuple[Float[Tensor, "labelled 17 3"], ViewGeometry | None]:
        """Poses of the labelled training rows (world frame, mm, h36m17), and their geometry where needed."""
        return self._poses(self.rows_labelled)

    def training_poses(self) -> tuple[Float[Tensor, "poses 17 3"], ViewGeometry | None]:
        """Poses of all training subjects, as ``labelled_poses``: what the mean-pose predictor, a reference, averages.

        One pose an instant; in the camera's frame, where every view shows another pose, one an image.
        """
        return self._poses(self.stores.rows_posed(every_view=self.needs.geometry))

    def _poses(self, rows: Int[np.ndarray, " rows"]) -> tuple[Float[Tensor, "rows 17 3"], ViewGeometry | None]:
        geometry = self._geometry(self.labelled_store, rows)
        return torch.from_numpy(self.labelled_store.pose_world[rows]), geometry(rows) if geometry else None

    def _geometry(self, store: Store, rows: Int[np.ndarray, " rows"]) -> StoreGeometry | None:
        needed_by = f"objective {self.needs.objective}" if self.needs.objective else "pose_frame camera"
        return StoreGeometry(store, rows, needed_by) if self.needs.geometry else None

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the test store's actions, sorted; ``EvalBatch.action`` of the test counts them."""
        return tuple(np.unique(self.test_store.action).tolist())

    @property
    def replaced_images(self) -> int:
        """How many corrupt training images this process has replaced (``skip_corrupt_images``)."""
        return sum(images.replaced for images in self._intact)

    @property
    def data_name(self) -> str:
        """Names of the training stores."""
        return "+".join(dict.fromkeys(store.meta.name for store in (self.multiview_store, self.labelled_store)))

    @property
    def data_hash(self) -> str:
        """Content hash of the store, or one over those of all stores where there are several."""
        return joint_content_hash([self.multiview_store, self.labelled_store, self.test_store])

    @property
    def pixel_hash(self) -> str:
        """As ``data_hash``, of the very bytes of boxes, images and masks; empty where a store is of schema 1."""
        return joint_pixel_hash([self.multiview_store, self.labelled_store, self.test_store])

    @property
    def labelled_instants(self) -> int:
        """How many instants have 3D labels under this supervision."""
        return len(np.unique(self.labelled_store.instant[self.rows_labelled]))

    def train_dataloader(self) -> CombinedLoader:
        """Both streams in step; a stream that the settings switch off is absent."""
        pairs = (self.multiview_store, self.rows_train if self.pairs else self.rows_train[:0])
        labelled = (self.labelled_store, self.rows_labelled)
        read_pairs, read_labelled = readers = image_readers(
            pairs, labelled, self.image_size_px, self.cache_images, self.skip_corrupt_images
        )
        self._intact |= {reader.store for reader in readers if isinstance(reader.store, IntactImages)}
        rank, world_size = self._ranks()
        self._streams: dict[str, MultiviewStream | LabelledStream] = {}
        self._people: dict[Path, People] = {}
        if self.pairs:
            self._streams["multiview"] = self._multiview_stream(read_pairs, rank, world_size)
        if len(self.rows_labelled):
            labelled_sampler = LabelledSampler(
                self.rows_labelled, self.labelled_images, seed=self.seed, rank=rank, world_size=world_size
            )
            poses = self.labelled_store.pose_world
            geometry = self._geometry(self.labelled_store, self.rows_labelled)
            backgrounds = self._backgrounds(self.labelled_store, rank)
            self._streams["labelled"] = LabelledStream(read_labelled, labelled_sampler, poses, geometry, backgrounds)
        identity = {"seed": self.seed, "world_size": world_size, "pairs": self.pairs}
        identity["labelled_images"] = self.labelled_images
        steps = StepSampler(self._global_step, self.steps_per_epoch)
        return loaders_in_step(self._streams, steps, identity, self.num_workers)

    def _multiview_stream(self, read_images: ReadImages, rank: int, world_size: int) -> MultiviewStream:
        rows, unsynchronised = self.rows_train, None
        if self.needs.unsynchronised:
            needed_by = f"{self.multiview_path}: objective {self.needs.objective}"
            unsynchronised = UnsynchronisedRows(
                self.multiview_store, rows, self.unsynchronised_gap_s, needed_by, self.seed, rank
            )
            rows = unsynchronised.anchor_rows
        sampler = PairSampler(
            self.multiview_store,
            rows,
            pairs=self.pairs,
            min_gap_s=self.min_gap_s,
            seed=self.seed,
            rank=rank,
            world_size=world_size,
            same_subject_on_ranks=self.needs.same_subject_on_ranks,
            mix_subjects=self.mix_subjects,
        )
        for line in sampler.left_out:
            print_on_rank_zero(line)
        print_on_rank_zero(
            f"pairs: two instants of a clip in a batch are {sampler.gap_s:g} s or more apart (min_gap_s "
            f"{self.min_gap_s:g})"
        )
        if self.needs.joints_2d and not self.multiview_store.has_pose[rows].any():
            raise InputError(
                f"{self.multiview_store.path}: no poses of training subjects, whose 2D joints objective"
                f" {self.needs.objective} needs: label some instants, or use another objective"
            )
        geometry = self._geometry(self.multiview_store, rows)
        backgrounds = self._backgrounds(self.multiview_store, rank)
        people = self._people_of(self.multiview_store) if self.needs.background else None
        return MultiviewStream(read_images, sampler, unsynchronised, geometry, backgrounds, people)

    def _backgrounds(self, store: Store, rank: int) -> Backgrounds | None:
        if self.background.mode == "keep":
            return None
        return Backgrounds(self.background, self._people_of(store), self.seed, rank)

    def _people_of(self, store: Store) -> People:
        """Masks and plates of the training rows of a store, made once."""
        if store.path not in self._people:
            pairs = self.rows_train if self.pairs and store is self.multiview_store else self.rows_train[:0]
            labelled = self.rows_labelled if store is self.labelled_store else self.rows_labelled[:0]
            needed_by = f"objective {self.needs.objective}" if self.needs.background else "data.background"
            with_plates = self.needs.background or self.background.by == "image"
            rows, cached = np.union1d(pairs, labelled), self.cache_images
            self._people[store.path] = People(store, rows, self.image_size_px, needed_by, with_plates, cached)
        return self._people[store.path]

    def training_images(self, step: int) -> list[str]:
        """Names of the images that this rank trains on at global step ``step``, in the order of its batch."""
        stores = {"multiview": self.multiview_store, "labelled": self.labelled_store}
        return [stores[name].image_name(row) for name, stream in self._streams.items() for row in stream.rows(step)]

    def val_dataloader(self) -> DataLoader | list[DataLoader]:
        """Images of the validation clips; none where no clip was named."""
        return self._eval_loader(self.labelled_store, self.rows_validation) if len(self.rows_validation) else []

    def test_dataloader(self) -> DataLoader:
        """Images of the test subjects."""
        return self._eval_loader(self.test_store, self.rows_test)

    def filmed_dataloader(self) -> DataLoader:
        """Images of the people who were filmed, of the clips kept for the test."""
        return self._eval_loader(self.labelled_store, self.rows_filmed)

    def labelled_dataloader(self, most: int) -> DataLoader:
        """At most ``most`` of the labelled training images, evenly spread, without augmentation."""
        step = max(1, -(-len(self.rows_labelled) // most))
        return self._eval_loader(self.labelled_store, self.rows_labelled[::step])

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Augment (training) or normalise (otherwise), on the device that the batch has reached."""
        if isinstance(batch, dict):
            return self._augmented(batch.get("multiview"), batch.get("labelled"))
        return batch._replace(images=self.augment.normalise(batch.images))

    def _augmented(self, multiview: MultiviewBatch | None, labelled: LabelledBatch | None) -> TrainBatch:
        views = self._views(multiview) if multiview else {}
        parts = [*views.values(), *([labelled.images] if labelled else [])]
        pairs = len(multiview.anchor) if multiview else 0
        pose_world = labelled.pose_world if labelled else torch.zeros(0, 17, 3, device=parts[0].device)
        step = next(stream.step for stream in (multiview, labelled) if stream)
        images = torch.cat(parts)
        colours = self.needs.shared_colours
        variation = self.augment.draw(len(images), step, self._ranks()[0], pairs, tuple(views), colours)
        variation = variation.to(images.device)
        flipped = variation.flipped[len(views) * pairs :]
        seen = [part.geometry for part in (multiview, labelled) if part and part.geometry]
        if seen and "mirrored" in views:
            seen.insert(1, seen[0].part(slice(pairs, 2 * pairs)))
        geometry = vary_geometry(ViewGeometry(*map(torch.cat, zip(*seen, strict=True))), variation) if seen else None
        varied = self.augment.apply(images, variation)
        batch = TrainBatch(varied, pairs, pose_world, flipped, step, tuple(views), geometry)
        if multiview is None or multiview.backgrounds is None or multiview.masks is None:
            return batch
        of_pairs = variation.part(slice(2 * pairs))
        masks = self.augment.warp(multiview.masks[:, None].float(), of_pairs)[:, 0]
        return batch._replace(backgrounds=self.augment.apply(multiview.backgrounds, of_pairs), masks=masks)

    def _views(self, multiview: MultiviewBatch) -> dict[str, UInt8[Tensor, "pairs 3 side side"]]:
        """Views of the pairs by their names, in the order of the batch."""
        views = {"anchor": multiview.anchor, "positive": multiview.positive}
        if multiview.unsynchronised is not None:
            views["unsynchronised"] = multiview.unsynchronised
        return views | ({"mirrored": multiview.positive} if self.needs.mirrored else {})

    def _eval_loader(self, store: Store, rows: Int[np.ndarray, " rows"]) -> DataLoader:
        batches = rank_batches(rows, self.eval_batch_size, *self._ranks())
        stream = EvalStream(store, self.image_size_px, batches, self._geometry(store, rows))
        return DataLoader(stream, batch_size=None, num_workers=self.num_workers, worker_init_fn=ignore_stop_signals)

    def _ranks(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _global_step(self) -> int:
        return self.trainer.global_step if self.trainer else 0
