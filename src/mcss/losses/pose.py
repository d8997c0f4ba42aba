"""The regression loss and the standardisation of its target.

The target is the canonical pose minus the mean of each coordinate, over one standard deviation per joint (not per
coordinate: in the canonical frame y of both hips is identically 0, and so is its deviation). A joint that a label lacks
is NaN in the target; it takes no part in the statistics and in the loss.
"""

import torch
from jaxtyping import Float
from torch import Tensor

STD_FLOOR_MM = 1.0
"""Least standard deviation of a joint: one that hardly moves in the labelled rows must not dominate the loss."""


def pose_statistics(
    pose: Float[Tensor, "poses joints 3"],
) -> tuple[Float[Tensor, "joints 3"], Float[Tensor, " joints"]]:
    """Measure the mean of each coordinate and one standard deviation per joint, in mm, of the labelled training poses.

    The deviation is the root mean square, over poses and the joint's three coordinates, of the difference from the
    coordinate's mean, at least ``STD_FLOOR_MM``. Missing joints (NaN) are left out. The mean of a joint that no pose
    has is NaN, so that a network standardised by it predicts NaN, a missing joint, instead of a guess.

    Raises:
        ValueError: no poses.

    >>> import torch
    >>> mean, std = pose_statistics(torch.tensor([[[0.0, 0, 0]], [[12, 0, 0]]]))
    >>> mean.tolist(), round(std.item(), 6)  # deviations 6, 0, 0: sqrt(36 / 3)
    ([[6.0, 0.0, 0.0]], 3.464102)
    """
    if len(pose) == 0:
        raise ValueError("pose statistics need at least one labelled pose")
    mean = pose.nanmean(dim=0)
    std = (pose - mean).square().nanmean(dim=(0, 2)).sqrt().clamp(min=STD_FLOOR_MM)
    return mean, std.nan_to_num(STD_FLOOR_MM)


def standardise(
    pose: Float[Tensor, "*batch joints 3"], mean: Float[Tensor, "joints 3"], std: Float[Tensor, " joints"]
) -> Float[Tensor, "*batch joints 3"]:
    """Compute (pose - mean) / std, without a unit; ``mean`` and ``std`` as ``pose_statistics`` gives them."""
    return (pose - mean) / std.unsqueeze(-1)


def unstandardise(
    pose_standardised: Float[Tensor, "*batch joints 3"], mean: Float[Tensor, "joints 3"], std: Float[Tensor, " joints"]
) -> Float[Tensor, "*batch joints 3"]:
    """Invert ``standardise``: back to mm."""
    return pose_standardised * std.unsqueeze(-1) + mean


def l1_pose_loss(
    pred_standardised: Float[Tensor, "poses joints 3"], target_standardised: Float[Tensor, "poses joints 3"]
) -> Float[Tensor, ""]:
    """Average the absolute difference over the known coordinates of standardised poses (the paper's L1 loss).

    Coordinates that are NaN in the target are missing and have no gradient; 0 where all are.

    >>> import torch
    >>> l1_pose_loss(torch.tensor([[[1.0, -2, 0]]]), torch.zeros(1, 1, 3)).item()
    1.0
    """
    known = ~target_standardised.isnan()
    # The target is filled in before the difference: the gradient of NaN times 0 would be NaN.
    difference = pred_standardised - torch.where(known, target_standardised, 0.0)
    return torch.where(known, difference, 0.0).abs().sum() / known.sum().clamp(min=1)
