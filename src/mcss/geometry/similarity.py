"""Batched Procrustes analysis: the best similarity transform of one pose onto another.

Least squares over scale, proper rotation and translation (Umeyama, "Least-squares estimation of transformation
parameters between two point patterns", 1991, equations 40 to 42). The rotation has a closed form; singular value
decompositions remain for the few poses where it is inexact.
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

POINT_SPREAD = 1e-12
"""A pose counts as a single point if its spread is at most this share of its distance from the origin."""
WELL_CONDITIONED = 1e-4
"""The closed form is used where its denominator, for a covariance of norm 1, is larger: rounding stays below 1e-11."""
NEWTON_STEPS, LAST_STEP = 10, 1e-8
"""Newton's method doubles the digits with each step once it is near, so that a last step this small is exact."""


def finite_float64(*poses: Float[Tensor, "poses joints 3"]) -> tuple[Float64[Tensor, "poses joints 3"], ...]:
    """Convert poses to float64, on the CPU if the device has no float64 (Apple's mps).

    Raises:
        ValueError: a coordinate is not finite; the error of such a pose is undefined.
    """
    poses = tuple((pose.cpu() if pose.device.type == "mps" else pose).double() for pose in poses)
    for argument, pose in enumerate(poses):
        if pose.sum().isfinite():  # one pass; a sum that is not finite may still be one of large numbers
            continue
        bad = ~pose.isfinite().all(dim=2).all(dim=1)
        if bad.any():
            raise ValueError(
                f"{int(bad.sum())} of {len(pose)} poses of argument {argument} hold coordinates that are not finite, "
                f"the first is pose {int(bad.nonzero()[0])}"
            )
    return poses


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
    return target_centre + align_to_centred(pred, target - target_centre)


def align_to_centred(
    pred: Float64[Tensor, "poses joints 3"], target_centred: Float64[Tensor, "poses joints 3"]
) -> Float64[Tensor, "poses joints 3"]:
    """``similarity_align`` onto targets whose centroids are at the origin, of coordinates known to be finite."""
    pred_centre = pred.mean(dim=1, keepdim=True)
    pred_centred = pred - pred_centre
    rotation, correlation = best_rotation(pred_centred.mT @ target_centred)
    scale = correlation * inverse_energy(pred_centred, pred_centre)
    return pred_centred @ (scale[:, None, None] * rotation)


def best_rotation(
    covariance: Float64[Tensor, "*pairs 3 3"],
) -> tuple[Float64[Tensor, "*pairs 3 3"], Float64[Tensor, "*pairs"]]:
    r"""Proper rotation :math:`R` that maximises :math:`\operatorname{tr}(R^T C)`, and the maximum.

    With singular values :math:`s_1 \ge s_2 \ge |s_3|` of :math:`C`, the last with the sign of :math:`\det C`, the
    maximum is :math:`e_1 = s_1 + s_2 + s_3`: the largest root of a quartic that QCP (Theobald, "Rapid calculation of
    RMSDs using a quaternion-based characteristic polynomial", 2005) finds by Newton's method. :math:`C = R S` with
    symmetric S, whose characteristic polynomial turns C, its cofactors :math:`R \operatorname{cof} S` and
    :math:`C C^T C = R S^3` into

    .. math:: R = \frac{e_1 \operatorname{cof} C + (e_1^2 - e_2)\, C - C C^T C}{e_1 e_2 - e_3}

    The denominator :math:`(s_1 + s_2)(s_2 + s_3)(s_1 + s_3)` vanishes where the best rotation is not unique.

    For :math:`C = \sum_j p_j g_j^T` of centred poses, ``p @ R`` is p turned onto g, and ``g @ R.mT`` g turned onto p;
    the maximum is their correlation :math:`\sum_j \langle p_j R, g_j \rangle`.
    """
    norm = covariance.square().sum(dim=(-2, -1)).sqrt()
    c = covariance / norm.where(norm > 0, 1.0)[..., None, None]
    cofactors = torch.linalg.cross(c[..., [1, 2, 0], :], c[..., [2, 0, 1], :])
    minors = cofactors.square().sum(dim=(-2, -1))
    e3 = (c[..., 0, :] * cofactors[..., 0, :]).sum(dim=-1)
    e1 = torch.full_like(norm, 3**0.5)  # no sum of three numbers whose squares sum to 1 is larger
    for _ in range(NEWTON_STEPS):
        e2 = (e1.square() - 1) / 2
        step = (e2.square() - 2 * e3 * e1 - minors) / (2 * (e1 * e2 - e3))
        e1 = e1 - step
    e2 = (e1.square() - 1) / 2
    denominator = e1 * e2 - e3
    numerator = e1[..., None, None] * cofactors + (e1.square() - e2)[..., None, None] * c - c @ c.mT @ c
    rotation, correlation = numerator / denominator[..., None, None], norm * e1
    inexact = ~((denominator > WELL_CONDITIONED) & (step.abs() < LAST_STEP))
    if inexact.any():
        rotation[inexact], correlation[inexact] = _best_rotation_svd(covariance[inexact])
    return rotation, correlation


def _best_rotation_svd(
    covariance: Float64[Tensor, "poses 3 3"],
) -> tuple[Float64[Tensor, "poses 3 3"], Float64[Tensor, " poses"]]:
    u, singular, vh = torch.linalg.svd(covariance)
    # u and vh are orthogonal, so this determinant is +-1 also where the covariance itself is singular (planar poses).
    mirrored = torch.linalg.det(u @ vh) < 0
    sign = torch.ones_like(singular)
    sign[:, 2] = torch.where(mirrored, -1.0, 1.0)
    return (u * sign[:, None, :]) @ vh, (singular * sign).sum(dim=1)


def inverse_energy(
    centred: Float64[Tensor, "poses joints 3"], centre: Float64[Tensor, "poses 1 3"]
) -> Float64[Tensor, " poses"]:
    """One over the sum of squared distances from the centroid; 0 for a single point, whose best scale is 0."""
    energy = centred.square().sum(dim=(1, 2))
    is_point = energy <= POINT_SPREAD**2 * centre.square().sum(dim=(1, 2))
    return energy.masked_fill(is_point, torch.inf).reciprocal()
