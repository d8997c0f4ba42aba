"""The network: image to embedding (unit sphere) to pose (paper, Fig. 1a). ``module.py`` trains it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor, nn
from torch.nn.functional import normalize

from mcss.batch import Prediction, ViewGeometry
from mcss.errors import InputError, check_at_least
from mcss.geometry.canonical import rotate, to_canonical, to_root
from mcss.losses.pose import pose_statistics, unstandardise
from mcss.models.backbone import Backbone, BackboneName
from mcss.models.checkpoint import REGRESSED_JOINTS, check_network, network_state, read_checkpoint
from mcss.models.facing import FacingHead
from mcss.models.heads import EmbeddingHead, PoseRegressor
from mcss.objectives.base import Encoded
from mcss.skeleton import JOINTS, joint_indices

PoseFrame = Literal["canonical", "root", "camera"]
NETWORK_SETTINGS = (
    *("backbone", "width", "batchnorm_affine", "embedding_dim", "image_size_px", "pose_frame", "deep_regressor"),
    *("regressor_reads_features", "facing"),
)
"""Settings that say what a checkpoint's network is, and in which frame it predicts."""
REGRESSED = list(joint_indices(REGRESSED_JOINTS))
"""Positions of the regressed joints in h36m17."""


class MCSSNetwork(nn.Module):
    """Image to embedding to pose, and the target that it learns; ``MCSSModule`` trains it and explains the settings.

    Raises:
        InputError: ``facing`` with another frame than the canonical one, or a size below 1.

    Attributes:
        pose_mean_mm: of each coordinate of the regressed pose, in the ``pose_frame``.
        pose_std_mm: of each regressed joint; the regressor's output times this, plus the mean, is the pose.
        is_target_fitted: whether ``fit_target`` was called.
    """

    pose_mean_mm: Tensor
    pose_std_mm: Tensor

    def __init__(
        self,
        backbone: BackboneName = "resnet18",
        width: int = 64,
        weights: str = "imagenet",
        batchnorm_affine: bool = False,
        embedding_dim: int = 128,
        image_size_px: int = 224,
        pose_frame: PoseFrame = "canonical",
        deep_regressor: bool = False,
        regressor_reads_features: bool = False,
        facing: bool = False,
    ) -> None:
        if facing and pose_frame != "canonical":
            raise InputError(
                f"facing true, pose_frame {pose_frame}: what is predicted is the yaw of the canonical frame; choose"
                " pose_frame canonical, or leave facing out"
            )
        check_at_least(1, width=width, embedding_dim=embedding_dim)
        super().__init__()
        self.embedding_dim, self.image_size_px, self.pose_frame = embedding_dim, image_size_px, pose_frame
        trunk = Backbone(backbone, width, weights, batchnorm_affine)
        self.channels = trunk.out_channels
        head = EmbeddingHead(trunk.out_channels, image_size_px, embedding_dim)
        # channels_last: twice as fast for convolutions in bf16 on CPU, and what tensor cores want on GPU.
        self.embedder = nn.Sequential(trunk, head).to(memory_format=torch.channels_last)
        self.regressor = PoseRegressor(embedding_dim, len(REGRESSED), deep_regressor)
        self.from_features: nn.Linear | None = None
        if regressor_reads_features:
            self.from_features = nn.Linear(trunk.out_channels, embedding_dim, bias=False)
            nn.init.zeros_(self.from_features.weight)
        self.facing_head = FacingHead(trunk.out_channels) if facing else None
        self.is_target_fitted = False
        self.register_buffer("pose_mean_mm", torch.zeros(len(REGRESSED), 3))
        self.register_buffer("pose_std_mm", torch.ones(len(REGRESSED)))

    def forward(self, images: Float[Tensor, "batch 3 side side"]) -> Prediction:
        """Embedding and pose (``pose_frame``, mm, h36m17 with the pelvis at 0) of normalised images, in float32.

        Also under autocast, which training uses: bf16 would round the coordinates of a pose to about 1 mm.
        """
        with torch.autocast(images.device.type, enabled=False):
            encoded = self.encode(images)
        facing = None if self.facing_head is None else self.facing_head(encoded.features)
        return Prediction(encoded.embedding, self.regress_mm(encoded), facing)

    def encode(self, images: Float[Tensor, "batch 3 side side"]) -> Encoded:
        """Feature map, vector and embedding of normalised images; the last two in float32."""
        trunk, head = self.embedder
        features = trunk(images.contiguous(memory_format=torch.channels_last))
        vector = head(features)
        return Encoded(features, vector, normalize(vector, dim=1))

    def embed(self, images: Float[Tensor, "batch 3 side side"]) -> Float[Tensor, "batch dim"]:
        """Embedding of normalised images, unit length, float32."""
        return self.encode(images).embedding

    def regress(self, encoded: Encoded) -> Float[Tensor, "batch 16 3"]:
        """Predict standardised coordinates of h36m16."""
        read = encoded.embedding
        if self.from_features is not None:
            with torch.autocast(read.device.type, enabled=False):
                read = read + self.from_features(encoded.features.mean(dim=(2, 3)).to(read.dtype))
        return self.regressor(read).unflatten(1, (len(REGRESSED), 3))

    def regress_mm(self, encoded: Encoded) -> Float[Tensor, "batch 17 3"]:
        """Predict poses (``pose_frame``, mm, h36m17 with the pelvis at 0)."""
        pose = unstandardise(self.regress(encoded), self.pose_mean_mm, self.pose_std_mm)
        with_pelvis = pose.new_zeros(pose.shape[0], len(JOINTS), 3)  # len(pose) would fix the batch of an export
        with_pelvis[:, REGRESSED] = pose
        return with_pelvis

    def fit_target(
        self, pose_world: Float[Tensor, "labelled 17 3"], geometry: ViewGeometry | None = None, mirrored: bool = False
    ) -> None:
        """Standardise the regressor's target by the labelled training poses (world frame, mm, h36m17).

        Without a pose, as at supervision ``none``, the regressor is not trained.

        Args:
            pose_world: of the labelled training rows only; a missing joint is NaN.
            geometry: of the same rows, for ``pose_frame`` camera.
            mirrored: whether the training images, and with them the poses, are mirrored at random.

        Raises:
            InputError: images are mirrored, but the target keeps the world's orientation.
        """
        if mirrored and self.pose_frame == "root":
            raise InputError(
                "data.augment.flip_probability mirrors poses, which pose_frame 'root' does not admit: switch one off"
            )
        self.is_target_fitted = True
        if not len(pose_world):
            # DistributedDataParallel waits for the gradients of all parameters that require one.
            for part in (self.regressor, self.from_features, self.facing_head):
                if part is not None:
                    part.requires_grad_(False)
            return
        mean, std = pose_statistics(self.target(pose_world, geometry)[:, REGRESSED])
        self.pose_mean_mm.copy_(mean)
        self.pose_std_mm.copy_(std)
        if never := [JOINTS[joint] for joint, values in zip(REGRESSED, mean, strict=True) if values.isnan().any()]:
            rank_zero_warn(f"no labelled pose has {', '.join(never)}: the network will predict NaN there")

    def target(
        self, pose_world: Float[Tensor, "batch 17 3"], geometry: ViewGeometry | None = None
    ) -> Float[Tensor, "batch 17 3"]:
        """True pose in the frame that this network predicts (``pose_frame``), mm; ``camera`` takes the images' views.

        Raises:
            InputError: the frame is ``camera`` and there is no geometry.
        """
        pose_root = to_root(pose_world)
        if self.pose_frame == "camera":
            if geometry is None:
                raise InputError("pose_frame 'camera' needs the geometry of the images: pass mcss.batch.ViewGeometry")
            return rotate(pose_root, geometry.rot_world_to_view)
        return to_canonical(pose_root)[0] if self.pose_frame == "canonical" else pose_root


def load_network(path: Path) -> MCSSNetwork:
    """Read the network of a run's checkpoint, on the CPU, in evaluation mode.

    Raises:
        InputError: there is no such file, it is damaged, or it is no checkpoint of this project.
    """
    content = read_checkpoint(path)
    network = untrained(content.get("hyper_parameters", {}))
    check_network(network, content, str(path))
    network.load_state_dict(network_state(content["state_dict"]))
    return network.eval()


def untrained(hparams: Mapping[str, Any]) -> MCSSNetwork:
    """Make an untrained network of a training's settings, of which it takes those in ``NETWORK_SETTINGS``."""
    return MCSSNetwork(**{name: hparams[name] for name in NETWORK_SETTINGS if name in hparams}, weights="none")
