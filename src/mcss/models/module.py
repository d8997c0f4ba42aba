"""The LightningModule: one backbone call a step, contrastive loss on pairs, L1 on the labelled images' poses."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import pytorch_lightning as pl
import torch
from jaxtyping import Float
from pytorch_lightning.utilities import rank_zero_warn
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from mcss.batch import EvalBatch, Prediction, TrainBatch
from mcss.errors import InputError
from mcss.geometry.canonical import flip_canonical, to_canonical, to_root
from mcss.losses.contrastive import ContrastiveLoss, ContrastiveSettings
from mcss.losses.pose import l1_pose_loss, pose_statistics, standardise, unstandardise
from mcss.models.backbone import Backbone, BackboneName
from mcss.models.checkpoint import REGRESSED_JOINTS, check_network, load_network_weights, read_checkpoint
from mcss.models.heads import EmbeddingHead, PoseRegressor
from mcss.skeleton import JOINTS, joint_indices

PoseFrame = Literal["canonical", "root"]
_REGRESSED = list(joint_indices(REGRESSED_JOINTS))


@runtime_checkable
class LabelledPoses(Protocol):
    """What a data module offers so that the target is standardised without a call of ``fit_target``."""

    @property
    def mirrors_images(self) -> bool:
        """Whether training images, and with them their poses, are mirrored at random."""

    def labelled_pose_world(self) -> Float[Tensor, "labelled 17 3"]:
        """Poses of the labelled training rows: world frame, mm, h36m17."""


class MCSSModule(pl.LightningModule):
    """Image to embedding (unit sphere) to pose; trained on pairs of views and on few 3D labels (paper, Fig. 1a).

    Args:
        backbone: ``resnet18`` (paper), ``resnet34`` or ``resnet50``.
        width: channels of the first stage. Paper: 64.
        weights: of the backbone: ``imagenet`` (paper), ``none``, or the path of a state dict.
        init_from: a run's checkpoint whose whole network training starts from, in place of ``weights``; its statistics
            of the target stay where there are no labels (paper, Sec. 6.3: fine-tuning on other data's views).
        batchnorm_affine: learn scale and shift in BatchNorm. Paper: off.
        embedding_dim: length of the embedding. Paper: 128.
        image_size_px: side of the images; a checkpoint is bound to it. Project default: 224.
        pose_frame: target of the regressor: ``canonical`` (paper), or ``root``, which keeps the world's orientation
            (the paper's MCSS-global).
        contrastive: settings of the contrastive loss.
        contrastive_weight: of the contrastive loss; the pose loss has weight 1. Project default: 1.
        lr: highest learning rate of Adam. Project default: 1e-3.
        schedule: ``step`` (x 0.1 at half of the steps, as the paper's 20 of 40 epochs) or ``cosine`` (linear warm-up
            over ``warmup_steps``, then down to 0).
        warmup_steps: of the ``cosine`` schedule.
    """

    pose_mean_mm: Tensor
    pose_std_mm: Tensor

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
        contrastive: ContrastiveSettings = ContrastiveSettings(),  # noqa: B008 - frozen; the command line reads it
        contrastive_weight: float = 1.0,
        lr: float = 1e-3,
        schedule: Literal["step", "cosine"] = "step",
        warmup_steps: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["contrastive"])
        # Checkpoints are read with weights_only=True, which admits primitives, not classes.
        self.save_hyperparameters({"contrastive": asdict(contrastive)})
        self.init_from = init_from
        self._is_target_fitted = False
        self.pose_frame = pose_frame
        self.image_size_px = image_size_px
        self.contrastive_weight = contrastive_weight
        self.lr, self.schedule, self.warmup_steps = lr, schedule, warmup_steps
        trunk = Backbone(backbone, width, weights, batchnorm_affine)
        head = EmbeddingHead(trunk.out_channels, image_size_px, embedding_dim)
        # channels_last: twice as fast for convolutions in bf16 on CPU, and what tensor cores want on GPU.
        self.embedder = nn.Sequential(trunk, head).to(memory_format=torch.channels_last)
        self.regressor = PoseRegressor(embedding_dim, len(_REGRESSED))
        self.contrastive_loss = ContrastiveLoss(contrastive)
        self.register_buffer("pose_mean_mm", torch.zeros(len(_REGRESSED), 3))
        self.register_buffer("pose_std_mm", torch.ones(len(_REGRESSED)))

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
            self.fit_target(data.labelled_pose_world(), mirrored=data.mirrors_images)
        elif not self._is_target_fitted and self.init_from is None:
            raise InputError("the target has no statistics: call MCSSModule.fit_target(pose_world) before Trainer.fit")

    def fit_target(self, pose_world: Float[Tensor, "labelled 17 3"], mirrored: bool = False) -> None:
        """Standardise the regressor's target by the labelled training poses (world frame, mm, h36m17).

        Without a pose, as at supervision ``none``, the regressor is not trained.

        Args:
            pose_world: of the labelled training rows only; a missing joint is NaN.
            mirrored: whether the training images, and with them the poses, are mirrored at random.

        Raises:
            InputError: images are mirrored, but the target keeps the world's orientation.
        """
        if mirrored and self.pose_frame == "root":
            raise InputError(
                "data.augment.flip_probability mirrors poses, which pose_frame 'root' does not admit: switch one off"
            )
        self._is_target_fitted = True
        if not len(pose_world):
            # DistributedDataParallel waits for the gradients of all parameters that require one.
            self.regressor.requires_grad_(False)
            return
        mean, std = pose_statistics(self.target(pose_world)[:, _REGRESSED])
        self.pose_mean_mm.copy_(mean)
        self.pose_std_mm.copy_(std)
        if never := [JOINTS[joint] for joint, values in zip(_REGRESSED, mean, strict=True) if values.isnan().any()]:
            rank_zero_warn(f"no labelled pose has {', '.join(never)}: the network will predict NaN there")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the name of the joint set: the number of joints does not identify it."""
        checkpoint["joint_set"] = REGRESSED_JOINTS

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check that the checkpoint holds this network.

        Raises:
            InputError: it does not.
        """
        check_network(self, checkpoint, str(self.trainer.ckpt_path) if self._trainer else "checkpoint")

    def forward(self, images: Float[Tensor, "batch 3 side side"]) -> Prediction:
        """Embedding and pose (``pose_frame``, mm, h36m17 with the pelvis at 0) of normalised images, in float32.

        Also under autocast, which training uses: bf16 would round the coordinates of a pose to about 1 mm.
        """
        with torch.autocast(images.device.type, enabled=False):
            embedding = self.embed(images)
        pose = unstandardise(self._regress(embedding), self.pose_mean_mm, self.pose_std_mm)
        with_pelvis = pose.new_zeros(pose.shape[0], len(JOINTS), 3)  # len(pose) would fix the batch of an export
        with_pelvis[:, _REGRESSED] = pose
        return Prediction(embedding, with_pelvis)

    def embed(self, images: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch dim"]:
        """Embedding of normalised images, unit length, float32."""
        return self.embedder(images.contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: TrainBatch, batch_idx: int) -> Tensor:
        """Total loss = L_pose + contrastive_weight * L_contrastive, of the streams that the batch has."""
        embedding = self.embed(batch.images)
        anchor, positive, labelled = embedding.tensor_split([batch.pairs, 2 * batch.pairs])
        loss, values = embedding.new_zeros(()), {}
        if len(anchor):
            terms = self.contrastive_loss(anchor, positive, batch.step, monitor=self._is_logged_step())
            loss = loss + self.contrastive_weight * terms.loss
            figures = terms._asdict()
            values["train/loss_contrastive"] = figures.pop("loss")
            values |= {f"train/{name}": value for name, value in figures.items() if value is not None}
        if len(labelled):
            values["train/loss_pose"] = pose_loss = self._pose_loss(labelled, batch)
            loss = loss + pose_loss
        if self._is_logged_step():
            for name, value in values.items():
                self.log(name, value)
            self.log("train/loss", loss, prog_bar=True)
        return loss

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
        scheduler = LambdaLR(optimizer, lambda step: self._lr_factor(step, total))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _lr_factor(self, step: int, total: int) -> float:
        if self.schedule == "step":
            return 1.0 if step < total / 2 else 0.1
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        progress = (step - self.warmup_steps) / max(1, total - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    def _pose_loss(self, embedding: Float[Tensor, "labelled dim"], batch: TrainBatch) -> Float[Tensor, ""]:
        target = self.target(batch.pose_world)
        target = torch.where(batch.flipped[:, None, None], flip_canonical(target), target)
        standardised = standardise(target[:, _REGRESSED], self.pose_mean_mm, self.pose_std_mm)
        return l1_pose_loss(self._regress(embedding), standardised)

    def _regress(self, embedding: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch 16 3"]:
        return self.regressor(embedding).unflatten(1, (len(_REGRESSED), 3))

    def target(self, pose_world: Float[Tensor, "batch 17 3"]) -> Float[Tensor, "batch 17 3"]:
        """True pose in the frame that this network predicts (``pose_frame``), mm."""
        pose_root = to_root(pose_world)
        return to_canonical(pose_root)[0] if self.pose_frame == "canonical" else pose_root


def load_network(path: Path) -> MCSSModule:
    """Read the network of a run's checkpoint, on the CPU, in evaluation mode.

    Raises:
        InputError: there is no such file, it is damaged, or it is no checkpoint of this project.
    """
    read_checkpoint(path)  # for its errors: Lightning's own are of half a dozen types
    return MCSSModule.load_from_checkpoint(path, map_location="cpu", weights="none", weights_only=True).eval()
