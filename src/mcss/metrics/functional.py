r"""Pose errors, one number a pose.

All functions take predictions :math:`p` and targets :math:`g` of shape (poses, joints, 3), compute in float64 (on the
CPU if the inputs are on mps) and return the unit of their inputs: millimetres for millimetres. They neither subtract a
root joint nor average over poses: ``mcss.metrics.pose_error`` does both. No poses give an empty result; coordinates
that are not finite raise ValueError.

N-MPJPE may exceed MPJPE, and PA-MPJPE may exceed both, for a single pose: the alignments minimise squared distances,
the errors average distances.
"""

from jaxtyping import Float, Float64
from torch import Tensor

from mcss.geometry.similarity import finite_float64, similarity_align


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
    aligned = similarity_align(pred, target)
    return mpjpe(aligned, target.to(aligned.device))
