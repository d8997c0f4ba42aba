"""Painting the limbs that the other view sees: a variant of Chen et al. (CVPR 2019) for images.

"Weakly-supervised discovery of geometry-aware representation for 3D human pose estimation" encodes limb maps that a 2D
detector gives, in training and in use. Here the network sees the image, and limb maps are what the decoder paints: 2D
joints of the training subjects are used, none in the test. Results with it say so.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from mcss.errors import InputError
from mcss.geometry.canonical import between_views
from mcss.objectives.base import Needs, NetworkSizes, Objective, ObjectiveTerms, PairStep
from mcss.objectives.decoder import PICTURE_SIDE_PX, PointDecoder
from mcss.objectives.view_synthesis import as_points, number_of_points
from mcss.skeleton import BONES


class SkeletonSynthesis(Objective):
    """Cross entropy of each view's limb maps, painted from the other view; and agreement of the two views' points.

    Args:
        limb_width: of a limb in the maps, as a share of the image's side. Paper: 8 of 64 pixels.
        consistency_weight: of the mean squared distance between the points of one view and those of the other, turned.
            The paper's text as it is known here does not give it. Near 1 the points move to an axis that all cameras
            see alike, the vertical one, and say nothing of the pose.
        dropout: of the decoder.

    Raises:
        InputError: a setting out of its range, named in the message.
    """

    def __init__(self, limb_width: float = 0.125, consistency_weight: float = 0.01, dropout: float = 0.3) -> None:
        super().__init__()
        if not 0 < limb_width < 1 or consistency_weight < 0 or not 0 <= dropout < 1:
            raise InputError(
                f"limb_width {limb_width:g} is a share of the side, consistency_weight {consistency_weight:g} not"
                f" negative, dropout {dropout:g} a share below 1"
            )
        self.limb_width, self.consistency_weight, self.dropout = limb_width, consistency_weight, dropout

    @property
    def needs(self) -> Needs:
        """Calibrated views and 2D joints."""
        return Needs(objective=type(self).__name__, geometry=True, joints_2d=True)

    def connect(self, sizes: NetworkSizes, seed: int) -> None:
        """Build the decoder."""
        self.decoder = PointDecoder(number_of_points(sizes), 0, 0, len(BONES), self.dropout)

    def forward(self, step: PairStep) -> ObjectiveTerms:
        """Paint the limbs of both views of each pair from the other."""
        rotation, joints = step.geometry
        points = torch.stack([as_points(view) for view in step.views[:2]])
        turned = between_views(points.flip(0), rotation.flip(0), rotation)  # each view's points, by the other view
        limbs = limb_maps(joints.flatten(0, 1), PICTURE_SIDE_PX, self.limb_width)

        def loss(turned: Float[Tensor, "2 pairs points 3"]) -> Float[Tensor, ""]:
            return limb_loss(self.decoder(turned.flatten(0, 1)), limbs)

        losses = {
            "skeleton_synthesis": loss(turned),
            "points_apart": self.consistency_weight * (turned - points).square().mean(),
        }
        checks = {}
        if step.is_logged:
            with torch.no_grad():
                wrong = between_views(points.flip(0), rotation.flip(0).roll(1, 1), rotation.roll(1, 1))
                checks["skeleton_synthesis_wrong_rotation"] = loss(wrong)
                mean_limbs = limbs.nanmean(dim=0).clamp(1e-4, 1 - 1e-4).logit().expand_as(limbs)
                checks["skeleton_synthesis_mean_only"] = limb_loss(mean_limbs, limbs)
        return ObjectiveTerms(losses, checks)


def limb_maps(
    joints: Float[Tensor, "images 17 2"], side_px: int, width: float
) -> Float[Tensor, "images limbs side_px side_px"]:
    """Pictures of each limb (``mcss.skeleton.BONES``): 1 where a pixel's centre is at most half a width from it.

    Joints are positions in the image, in [-1, 1]; ``width`` is a share of its side. Limbs of a joint that is not known
    are NaN.
    """
    centres = (torch.arange(side_px, device=joints.device) + 0.5) * 2 / side_px - 1
    pixels = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)
    start, end = (joints[:, list(ends), None, None] for ends in zip(*BONES, strict=True))
    along, offset = end - start, pixels - start
    place = (offset * along).sum(dim=-1) / along.square().sum(dim=-1).clamp(min=1e-12)
    distance = (offset - place.clamp(0, 1)[..., None] * along).norm(dim=-1)
    return torch.where(distance.isnan(), torch.nan, (distance <= width).to(joints.dtype))


def limb_loss(
    logits: Float[Tensor, "images limbs side side"], limbs: Float[Tensor, "images limbs side side"]
) -> Float[Tensor, ""]:
    """Mean cross entropy over the pixels of known limbs; 0 where none is known."""
    known = ~limbs.isnan()
    loss = binary_cross_entropy_with_logits(logits, limbs.nan_to_num(0.0), reduction="none")
    return torch.where(known, loss, 0.0).sum() / known.sum().clamp(min=1)
