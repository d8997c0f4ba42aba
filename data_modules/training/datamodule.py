"""MultiviewPoseDataModule: stores in, both training streams and the evaluation images out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
from jaxtyping import Bool, Float, Int
from pytorch_lightning.utilities import CombinedLoader, rank_zero_warn
from torch import Tensor
from torch.utils.data import DataLoader

from data_modules.store import Store, joint_content_hash, joint_pixel_hash
from data_modules.training.augment import Augment, AugmentSettings
from data_modules.training.backgrounds import BackgroundSettings
from data_modules.training.intact import IntactImages
from data_modules.training.loaders import StepSampler, loaders_in_step
from data_modules.training.stream_builder import StreamBuilder, StreamSettings
from data_modules.training.stream_stores import StreamStores
from data_modules.training.streams import EvalStream, LabelledStream, MultiviewStream, rank_batches
from data_modules.training.supervision import held_out_rows, separate_clips
from data_modules.training.train_batch import train_batch
from data_modules.training.view_geometry import labelled_geometry, needed_geometry
from mcss.batch import ViewGeometry
from mcss.errors import InputError, check_at_least
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
        validation_clips: clips of training subjects ("S1/Directions/2"), or training subjects with all of their clips
            ("S8"), left out of both streams, for tuning.
        filmed_test_clips: likewise left out, and never tuned on: the test reports those of people without labels (of
            all, where everybody has some) as people who were filmed.
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
        check_at_least(1, steps_per_epoch=steps_per_epoch, eval_batch_size=eval_batch_size)
        check_at_least(0, num_workers=num_workers)
        paths = (multiview_store, labelled_store, test_store)
        self.multiview_path, self.labelled_path, self.test_path = (Path(path or store) for path in paths)
        self.supervision = supervision
        self.validation_clips, self.filmed_test_clips = tuple(validation_clips), tuple(filmed_test_clips)
        self.leave_out_cameras = tuple(leave_out_cameras)
        self.subjects = tuple(subjects)
        self.image_size_px, self.needs, self.seed = image_size_px, needs, seed
        self.steps_per_epoch = steps_per_epoch
        self.augment = Augment(augment, image_size_px, seed)
        self.stream_settings = StreamSettings(
            image_size_px,
            pairs,
            labelled_images,
            min_gap_s,
            unsynchronised_gap_s,
            mix_subjects,
            BackgroundSettings(background, background_share, background_by),
            cache_images,
            skip_corrupt_images,
            seed,
        )
        self.eval_batch_size, self.num_workers = eval_batch_size, num_workers
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
        filmed = stores.rows_filmed(self.filmed_test_clips)
        self.rows_filmed = _those_or_all(filmed, ~stores.is_labelled_person(filmed, self.rows_labelled))
        has_labels = stores.is_labelled_person(self.rows_validation, self.rows_labelled)
        self.rows_tuning = _those_or_all(self.rows_validation, has_labels)
        self.rows_test = stores.rows_test()
        if stage == "test" and not len(self.rows_test):
            raise InputError(
                f"{self.test_path}: has no test subject; import it again with --test-subjects, or name a store that has"
                " one as data.test_store"
            )
        if stage == "fit":
            self.stream_settings.check(self.needs, has_labels=len(self.rows_labelled) > 0)
            self.rows_train = stores.rows_train(held_out, self.subjects)
            for line in (*stores.leaks(self.rows_train, self.rows_labelled), *stores.enlarged(self.image_size_px)):
                rank_zero_warn(line)

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
        geometry = needed_geometry(self.labelled_store, rows, self.needs)
        return torch.from_numpy(self.labelled_store.pose_world[rows]), geometry(rows) if geometry else None

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
        rank, world_size = self._ranks()
        builder = StreamBuilder(
            self.stream_settings, self.needs, self.stores, self.rows_train, self.rows_labelled, rank, world_size
        )
        self._intact |= builder.intact
        self._step_streams: dict[str, MultiviewStream | LabelledStream] = builder.streams()
        identity = {"seed": self.seed, "world_size": world_size, "pairs": self.stream_settings.pairs}
        identity["labelled_images"] = self.stream_settings.labelled_images
        steps = StepSampler(self._global_step, self.steps_per_epoch)
        return loaders_in_step(self._step_streams, steps, identity, self.num_workers)

    def training_images(self, step: int) -> list[str]:
        """Names of the images that this rank trains on at global step ``step``, in the order of its batch."""
        stores = {"multiview": self.multiview_store, "labelled": self.labelled_store}
        return [
            stores[name].image_name(row) for name, stream in self._step_streams.items() for row in stream.rows(step)
        ]

    def val_dataloader(self) -> DataLoader | list[DataLoader]:
        """Images of the validation clips; none where no clip was named."""
        return self._eval_loader(self.labelled_store, self.rows_validation) if len(self.rows_validation) else []

    def test_dataloader(self) -> DataLoader:
        """Images of the test subjects."""
        return self._eval_loader(self.test_store, self.rows_test)

    def filmed_dataloader(self) -> DataLoader:
        """Images of the people who were filmed, of the clips kept for the test."""
        return self._eval_loader(self.labelled_store, self.rows_filmed)

    def tuning_dataloader(self) -> DataLoader:
        """Images of the validation clips of people who have labels; of all, where none of them has."""
        return self._eval_loader(self.labelled_store, self.rows_tuning)

    def labelled_dataloader(self, most: int) -> DataLoader:
        """At most ``most`` of the labelled training images, evenly spread, without augmentation."""
        step = max(1, -(-len(self.rows_labelled) // most))
        return self._eval_loader(self.labelled_store, self.rows_labelled[::step])

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Augment (training) or normalise (otherwise), on the device that the batch has reached."""
        if isinstance(batch, dict):
            rank, _ = self._ranks()
            return train_batch(batch.get("multiview"), batch.get("labelled"), self.augment, self.needs, rank)
        return batch._replace(images=self.augment.normalise(batch.images))

    def _eval_loader(self, store: Store, rows: Int[np.ndarray, " rows"]) -> DataLoader:
        batches = rank_batches(rows, self.eval_batch_size, *self._ranks())
        stream = EvalStream(store, self.image_size_px, batches, labelled_geometry(store, rows, self.needs))
        return DataLoader(stream, batch_size=None, num_workers=self.num_workers, worker_init_fn=ignore_stop_signals)

    def _ranks(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _global_step(self) -> int:
        return self.trainer.global_step if self.trainer else 0


def _those_or_all(rows: Int[np.ndarray, " rows"], those: Bool[np.ndarray, " rows"]) -> Int[np.ndarray, " kept"]:
    """The rows that are ``those``, or all where none is."""
    return rows[those] if those.any() else rows
