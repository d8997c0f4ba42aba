r"""Pose errors: one value for each pose.

All functions take predictions :math:`p` and targets :math:`g` of shape (poses, joints, 3), compute in float64 (on the
CPU if the inputs are on mps) and return the unit of their inputs: millimetres for millimetres. They neither subtract a
root joint nor average over poses: ``mcss.metrics.pose_error`` does both. No poses give an empty result; coordinates
that are not finite raise ValueError.

N-MPJPE may exceed MPJPE, and PA-MPJPE may exceed both, for a single pose: the alignments minimise squared distances,
the errors average distances.
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from mcss.geometry.similarity import align_to_centred, best_rotation, finite_float64, inverse_energy

_PAIRS_AT_ONCE = 1 << 16
_POSES_AT_ONCE = 1 << 14
"""Block size for which intermediate results stay in the cache: 25 % faster than all poses at once."""


def mpjpe(pred: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"]) -> Float64[Tensor, " poses"]:
    r"""Mean per-joint position error :math:`\frac1J \sum_j \lVert p_j - g_j \rVert`.

    Raises:
        ValueError: a coordinate is not finite.

    >>> import torch
    >>> mpjpe(torch.tensor([[[3.0, 4, 0], [0, 0, 1]]]), torch.zeros(1, 2, 3)).item()
    3.0
    """
    pred, target = finite_float64(pred, target)
    return (pred - target).norm(dim=-1).mean(dim=-1)


def n_mpjpe(
    pred: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"]
) -> Float64[Tensor, " poses"]:
    r"""MPJPE after each prediction is scaled by :math:`s = \langle p, g \rangle / \langle p, p \rangle`.

    The least-squares scale about the origin (Rhodin et al., ECCV 2018). It is negative for a prediction that points
    away from its target, and without effect on one whose joints all lie at the origin.

    Raises:
        ValueError: a coordinate is not finite.

    >>> import torch
    >>> target = torch.tensor([[[0.0, 0, 0], [3, 4, 0]]])
    >>> n_mpjpe(8 * target, target).item()
    0.0
    """
    pred, target = finite_float64(pred, target)
    energy = pred.square().sum(dim=(1, 2))
    scale = (pred * target).sum(dim=(1, 2)) / energy.where(energy > 0, 1.0)
    return mpjpe(scale[:, None, None] * pred, target)


def pa_mpjpe(
    pred: Float[Tensor, "poses joints 3"], target: Float[Tensor, "poses joints 3"]
) -> Float64[Tensor, " poses"]:
    """MPJPE after each prediction is moved by its best similarity: scale, proper rotation and translation.

    Degenerate poses are treated as ``similarity_align`` states.

    Raises:
        ValueError: a coordinate is not finite.

    >>> import torch
    >>> target = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]]])
    >>> round(pa_mpjpe(2 * target[..., [1, 2, 0]] + 5, target).item(), 9)  # a cyclic change of axes is a rotation
    0.0
    """
    pred, target = finite_float64(pred, target)
    parts = zip(pred.split(_POSES_AT_ONCE), target.split(_POSES_AT_ONCE), strict=True)
    return torch.cat([_aligned_error(*part) for part in parts])


def _aligned_error(
    pred: Float64[Tensor, "poses joints 3"], target: Float64[Tensor, "poses joints 3"]
) -> Float64[Tensor, " poses"]:
    # Both poses are compared relative to the target's centroid.
    target_centred = target - target.mean(dim=1, keepdim=True)
    return (align_to_centred(pred, target_centred) - target_centred).norm(dim=-1).mean(dim=-1)


def pairwise_pa_mpjpe(pose: Float[Tensor, "poses joints 3"]) -> Float64[Tensor, "poses poses"]:
    r"""PA-MPJPE of every pose against every other: entry [q, r] is that of pose r after it is moved onto pose q.

    Not symmetric: each entry is in the scale of its row's pose. One decomposition serves both directions, because the
    best rotation of q onto r is the transpose of that of r onto q; distances do not change when both poses are turned,
    so that only q is.

    Raises:
        ValueError: a coordinate is not finite.

    >>> flat = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]])
    >>> tall = flat * torch.tensor([1.0, 1, 4])
    >>> pairwise_pa_mpjpe(torch.stack([flat, tall])).round(decimals=2).tolist()
    [[0.0, 0.61], [2.16, 0.0]]
    """
    (pose,) = finite_float64(pose)
    centre = pose.mean(dim=1, keepdim=True)
    centred = pose - centre
    inverse = inverse_energy(centred, centre)
    error = pose.new_empty(len(pose), len(pose))
    rows_at_once = max(1, _PAIRS_AT_ONCE // max(1, len(pose)))
    for start in range(0, len(pose), rows_at_once):
        rows, rest = slice(start, start + rows_at_once), slice(start, None)
        covariance = torch.einsum("qjc,rjd->qrcd", centred[rows], centred[rest])
        rotation, correlation = best_rotation(covariance)
        turned = torch.einsum("qjc,qrcd->qrjd", centred[rows], rotation)
        scale_onto_row = (correlation * inverse[rest])[..., None, None]
        scale_onto_rest = (correlation * inverse[rows, None])[..., None, None]
        error[rows, rest] = (scale_onto_row * centred[rest] - turned).norm(dim=-1).mean(dim=-1)
        error[rest, rows] = (scale_onto_rest * turned - centred[rest]).norm(dim=-1).mean(dim=-1).T
    return error.fill_diagonal_(0.0)
