"""Batched Procrustes analysis: the similarity transform that brings one pose nearest to another.

Least squares over scale, proper rotation and translation (Umeyama, "Least-squares estimation of transformation
parameters between two point patterns", 1991, equations 40 to 42), by one 3 x 3 singular value decomposition a pose.
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

POINT_SPREAD = 1e-12
"""A pose whose spread is at most this share of its distance from the origin is a single point: the rest is rounding."""


def finite_float64(*poses: Float[Tensor, "poses joints 3"]) -> tuple[Float64[Tensor, "poses joints 3"], ...]:
    """Convert poses to float64, on the CPU if the device has no float64 (Apple's mps).

    Raises:
        ValueError: a coordinate is not finite; the error of such a pose is undefined.
    """
    for argument, pose in enumerate(poses):
        bad = ~pose.isfinite().all(dim=2).all(dim=1)
        if bad.any():
            raise ValueError(
                f"{int(bad.sum())} of {len(pose)} poses of argument {argument} hold coordinates that are not finite, "
                f"the first is pose {int(bad.nonzero()[0])}"
            )
    return tuple((pose.cpu() if pose.device.type == "mps" else pose).double() for pose in poses)


def similarity_align(
    pred: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"]
) -> Float64[Tensor, "poses joints 3"]:
    r"""Move each prediction onto its target by the best similarity transform.

    .. math:: \min_{s \ge 0,\; R \in SO(3),\; t} \sum_j \lVert s R p_j + t - g_j \rVert^2

    The rotation is proper: a mirrored pose is not matched by reflecting it. Degenerate poses have a defined result,
    never a NaN: if either pose is a single point, or no rotation correlates the two, the best scale is 0 and every
    joint lands on the target's centroid. For planar, collinear and mirrored poses the minimum is reached, even where
    several rotations reach it.

    Returns:
        The aligned predictions in float64, in the unit and frame of ``target``; on the CPU if the inputs are on mps.

    Raises:
        ValueError: a coordinate is not finite.

    >>> square = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]])
    >>> turned = 3 * square[..., [1, 0, 2]] * torch.tensor([-1.0, 1, 1]) + 5  # by 90 degrees about Z
    >>> torch.allclose(similarity_align(turned, square), square.double())
    True
    """
    pred, target = finite_float64(pred, target)
    target_centre = target.mean(dim=1, keepdim=True)
    pred_centred = pred - pred.mean(dim=1, keepdim=True)
    rotation, correlation = best_rotation(pred_centred.mT @ (target - target_centre))
    scale = correlation * inverse_energy(pred)
    return scale[:, None, None] * pred_centred @ rotation + target_centre


def best_rotation(
    covariance: Float64[Tensor, "*pairs 3 3"],
) -> tuple[Float64[Tensor, "*pairs 3 3"], Float64[Tensor, "*pairs"]]:
    r"""Proper rotation that brings centred poses p nearest to g, from :math:`C = \sum_j p_j g_j^T`, whatever the scale.

    Returns:
        The rotation R, as in ``p @ R``, and the correlation :math:`\sum_j \langle p_j R, g_j \rangle`. The transpose of
        R brings g nearest to p, with the same correlation.
    """
    u, singular, vh = torch.linalg.svd(covariance)
    # u and vh are orthogonal, so this determinant is +-1 also where the covariance itself is singular (planar poses).
    mirrored = torch.linalg.det(u @ vh) < 0
    sign = torch.ones_like(singular)
    sign[..., 2] = torch.where(mirrored, -1.0, 1.0)
    return (u * sign[..., None, :]) @ vh, (singular * sign).sum(dim=-1)


def inverse_energy(pose: Float64[Tensor, "poses joints 3"]) -> Float64[Tensor, " poses"]:
    """One over the sum of squared distances from the centroid; 0 for a single point, whose best scale is 0."""
    centre = pose.mean(dim=1, keepdim=True)
    energy = (pose - centre).square().sum(dim=(1, 2))
    is_point = energy <= POINT_SPREAD**2 * centre.square().sum(dim=(1, 2))
    return energy.masked_fill(is_point, torch.inf).reciprocal()
