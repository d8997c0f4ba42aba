"""The LightningModule: one backbone call a step, an objective on pairs of views, L1 on the labelled images' poses."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytorch_lightning as pl
import torch
from jaxtyping import Float
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from mcss import distributed
from mcss.batch import EvalBatch, Prediction, TrainBatch, ViewGeometry
from mcss.errors import InputError, check_at_least
from mcss.geometry.canonical import flip_canonical
from mcss.losses.pose import l1_pose_loss, standardise
from mcss.models.backbone import BackboneName
from mcss.models.checkpoint import REGRESSED_JOINTS, check_network, load_network_weights, network_state
from mcss.models.facing import FACING_WEIGHT, facing_loss, true_facing
from mcss.models.network import REGRESSED, MCSSNetwork, PoseFrame, untrained
from mcss.models.schedule import LearningRateSchedule, ScheduleName
from mcss.objectives.base import Encoded, Needs, NetworkSizes, Objective, PairStep, PairViews
from mcss.skeleton import FLIP_ORDER

_DROPOUT_STREAM = 5
"""Part of the random key, so that equal seeds do not correlate dropout and batches."""


@runtime_checkable
class LabelledPoses(Protocol):
    """What a data module offers so that the target is standardised without a call of ``fit_target``."""

    @property
    def mirrors_images(self) -> bool:
        """Whether training images, and with them their poses, are mirrored at random."""

    def labelled_poses(self) -> tuple[Float[Tensor, "labelled 17 3"], ViewGeometry | None]:
        """Poses of the labelled training rows (world frame, mm, h36m17), and their geometry where needed."""


class MCSSModule(MCSSNetwork, pl.LightningModule):
    """The network, trained on pairs of views and on few 3D labels (paper, Fig. 1a).

    Args:
        backbone: ``resnet18`` (paper), ``resnet34`` or ``resnet50``.
        width: channels of the first stage. Paper: 64.
        weights: of the backbone: ``imagenet`` (paper), ``none``, or the path of a state dict.
        init_from: a run's checkpoint whose whole network training starts from, in place of ``weights``; its statistics
            of the target stay where there are no labels (paper, Sec. 6.3: fine-tuning on other data's views).
        batchnorm_affine: learn scale and shift in BatchNorm. Paper: off.
        embedding_dim: length of the embedding. Paper: 128.
        image_size_px: side of the images; a checkpoint is bound to it. Project default: 224.
        pose_frame: target of the regressor: ``canonical`` (paper); ``root``, which keeps the world's orientation
            (the paper's MCSS-global); or ``camera``, in the axes of the virtual camera through the box's centre.
        deep_regressor: two hidden layers of 1,024 instead of one as long as the embedding (paper).
        regressor_reads_features: add a linear map of the feature map's mean to the embedding that the regressor reads;
            the embedding has lost the length of its vector, and what the objective makes equal. The paper's does not.
        facing: also predict in which direction the person faces in the image, with its uncertainty
            (``mcss.models.facing``), learned from the labelled images whose camera is known. The paper's does not.
        labels_train_encoder: let the gradient of the pose loss reach the encoder; otherwise the regressor reads what
            the objective alone has made.
        objective: what is learned from pairs of views (``mcss.objectives``); None for the baseline.
        objective_weight: of the objective; the pose loss has weight 1. The paper's text does not give it. Project
            default: 0.1 (1.0 until it was tuned: its gradient is 3 to 10 times the pose loss's).
        lr: highest learning rate of Adam. Project default: 1e-3.
        schedule: ``step`` (x 0.1 at half of the steps, as the paper's 20 of 40 epochs) or ``cosine`` (linear rise,
            constant, then down to 0).
        lr_rise_fraction: of the ``cosine`` schedule: share of the run in which the learning rate rises.
        lr_hold_fraction: of the ``cosine`` schedule: share of the run, after that, at the highest learning rate.
        seed: of the objective's random choices; the command line links it to ``seed_everything``.

    Raises:
        InputError: a setting out of its range, named in the message.
    """

    def __init__(
        self,
        backbone: BackboneName = "resnet18",
        width: int = 64,
        weights: str = "imagenet",
        init_from: str | None = None,
        batchnorm_affine: bool = False,
        embedding_dim: int = 128,
        image_size_px: int = 224,
        pose_frame: PoseFrame = "canonical",
        deep_regressor: bool = False,
        regressor_reads_features: bool = False,
        facing: bool = False,
        labels_train_encoder: bool = True,
        objective: Objective | None = None,
        objective_weight: float = 0.1,
        lr: float = 1e-3,
        schedule: ScheduleName = "step",
        lr_rise_fraction: float = 0.0,
        lr_hold_fraction: float = 0.0,
        seed: int = 0,
    ) -> None:
        check_at_least(0, lr=lr, objective_weight=objective_weight)
        lr_schedule = LearningRateSchedule(schedule, lr_rise_fraction, lr_hold_fraction)
        if objective is None and not labels_train_encoder:
            raise InputError("labels_train_encoder false and no objective: nothing would train the encoder; set one")
        super().__init__(
            backbone,
            width,
            weights,
            batchnorm_affine,
            embedding_dim,
            image_size_px,
            pose_frame,
            deep_regressor,
            regressor_reads_features,
            facing,
        )
        self.save_hyperparameters(ignore=["objective"])  # a checkpoint names no class to import
        self.init_from = init_from
        self.seed = seed
        self.objective_weight, self.labels_train_encoder = objective_weight, labels_train_encoder
        self.lr, self.lr_schedule = lr, lr_schedule
        self.objective = objective
        if objective is not None:
            objective.connect(NetworkSizes(self.channels, image_size_px, embedding_dim), seed)
            objective.attach(self)

    @property
    def needs(self) -> Needs:
        """What the objective and the frame of the pose need in a batch."""
        needs = Needs() if self.objective is None else self.objective.needs
        has_facing = self.facing_head is not None
        return replace(needs, geometry=needs.geometry or self.pose_frame == "camera", facing=has_facing)

    def setup(self, stage: str) -> None:
        """Before training, start from ``init_from`` and standardise the target by the data module's labelled poses.

        With a data loader of your own, call ``fit_target`` before ``Trainer.fit``.

        Raises:
            InputError: ``init_from`` is no checkpoint of such a network, or nothing tells the target's statistics.
        """
        if stage != "fit":
            return
        if self.init_from is not None:
            load_network_weights(self, Path(self.init_from))
        data = getattr(self.trainer, "datamodule", None)
        if isinstance(data, LabelledPoses):
            self.fit_target(*data.labelled_poses(), mirrored=data.mirrors_images)
        elif not self.is_target_fitted and self.init_from is None:
            raise InputError("the target has no statistics: call MCSSModule.fit_target(pose_world) before Trainer.fit")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the name of the joint set: the number of joints does not identify it."""
        checkpoint["joint_set"] = REGRESSED_JOINTS

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check that the checkpoint holds this network; without an objective of its own, leave out the checkpoint's.

        Raises:
            InputError: it does not.
        """
        check_network(self, checkpoint, str(self.trainer.ckpt_path) if self._trainer else "checkpoint")
        if self.objective is None:
            checkpoint["state_dict"] = network_state(checkpoint["state_dict"])

    def twin(self) -> MCSSNetwork:
        """Make an untrained network of the same sizes, without objective."""
        return untrained(self.hparams)

    def own_state(self) -> dict[str, Tensor]:
        """State of the network without its objective's, for a twin."""
        return network_state(self.state_dict())

    def on_train_batch_start(self, batch: TrainBatch, batch_idx: int) -> None:
        """Make dropout a function of (seed, step, rank), as the batch is: a resumed run drops what it would have."""
        key = np.random.SeedSequence([self.seed, _DROPOUT_STREAM, batch.step, distributed.rank()])
        seed = int(key.generate_state(1)[0])
        # Not torch.manual_seed, which formats the stack for CUDA's queue: a millisecond in every step without a GPU.
        torch.default_generator.manual_seed(seed)
        if self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(seed)

    def training_step(self, batch: TrainBatch, batch_idx: int) -> Tensor:
        """Total loss = L_pose + objective_weight * L_objective, of the streams that the batch has."""
        encoded, sizes = self.encode(batch.images), [batch.pairs] * len(batch.views)
        sizes.append(len(batch.images) - sum(sizes))
        *views, labelled = (Encoded(*part) for part in zip(*(x.split(sizes) for x in encoded), strict=True))
        loss, values = batch.images.new_zeros(()), dict[str, Tensor]()
        if batch.pairs and self.objective is not None:
            objective_loss, values = self._objective_loss(dict(zip(batch.views, views, strict=True)), batch)
            loss = loss + self.objective_weight * objective_loss
        if sizes[-1]:
            labelled = labelled if self.labels_train_encoder else Encoded(*(values.detach() for values in labelled))
            values["train/loss_pose"] = pose_loss = self._pose_loss(labelled, batch)
            loss = loss + pose_loss
            if self.facing_head is not None and batch.labelled_geometry is not None:
                true = true_facing(batch.pose_world, batch.labelled_geometry)
                of_facing = facing_loss(self.facing_head(labelled.features), true)
                values["train/loss_facing"] = of_facing
                loss = loss + FACING_WEIGHT * of_facing
        if self._is_logged_step():
            for name, value in values.items():
                self.log(name, value)
            self.log("train/loss", loss, prog_bar=True)
        return loss

    def _objective_loss(
        self, views: dict[str, Encoded], batch: TrainBatch
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        """Sum of the objective's losses, and what is logged of it."""
        total = self._trainer.max_steps if self._trainer else 0
        step = PairStep(PairViews(**views), batch, self, batch.step / max(total, 1), self._is_logged_step())
        losses, checks = self.objective(step)  # type: ignore[misc]
        values = {f"train/loss_{name}": value for name, value in losses.items()}
        return torch.stack([*losses.values()]).sum(), values | {f"train/{name}": x for name, x in checks.items()}

    def _is_logged_step(self) -> bool:
        """Whether the trainer writes the values of this step; calls of ``log`` in other steps take time for nothing."""
        trainer = self._trainer
        return trainer is None or (trainer.global_step + 1) % (trainer.log_every_n_steps or 1) == 0  # type: ignore[attr-defined]

    def validation_step(self, batch: EvalBatch, batch_idx: int) -> Prediction:
        """Prediction for the callbacks that measure it."""
        return self(batch.images)

    def test_step(self, batch: EvalBatch, batch_idx: int) -> Prediction:
        """Prediction for the callbacks that measure it."""
        return self(batch.images)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam with default parameters (paper, Sec. 4), the schedule stepped after every batch."""
        optimizer = torch.optim.Adam(self.parameters(), lr=self.lr)
        total = self.trainer.max_steps
        if total < 1:
            raise InputError("trainer.max_steps must be positive: a run is sized in steps")
        scheduler = LambdaLR(optimizer, lambda step: self.lr_schedule.factor(step, total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _pose_loss(self, labelled: Encoded, batch: TrainBatch) -> Float[Tensor, ""]:
        target = self.target(batch.pose_world, batch.labelled_geometry)
        # The axes of a mirrored image are mirrored already.
        mirrored = target[:, list(FLIP_ORDER)] if self.pose_frame == "camera" else flip_canonical(target)
        target = torch.where(batch.flipped[:, None, None], mirrored, target)
        standardised = standardise(target[:, REGRESSED], self.pose_mean_mm, self.pose_std_mm)
        return l1_pose_loss(self.regress(labelled), standardised)
