r"""The hardest-negative contrastive loss between two views of the same poses.

With anchors :math:`a_i` and positives :math:`p_i`, unit vectors, and :math:`D_{ij} = \lVert a_i - p_j \rVert`, the
paper's equations 1 and 2 are

.. math::
    d_i = \min_{k \ne i} \{ D_{ik}, D_{ki} : \text{larger than } \alpha \}, \qquad
    L = \frac1P \sum_i D_{ii} + \max(0, m - d_i)

with margin m and threshold :math:`\alpha`; a row in which no negative is larger than :math:`\alpha` has no hinge term.
This is HardNet's contrastive form with anchor swap (https://github.com/DagnyT/hardnet, code/Losses.py).
``mcss.objectives.contrastive`` says when a run computes which form.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from mcss.losses.negatives import (
    distances_to_learn_from,
    hardest_negatives,
    hide_non_negatives,
    pairwise_squared_distance,
)


def contrastive_loss(
    positive: Float[Tensor, " pairs"],
    negative: Float[Tensor, " negatives"],
    margin: float,
    squared: bool = False,
) -> Float[Tensor, ""]:
    """Average distances of positives plus average max(0, margin - distance) of negatives; infinite ones add nothing.

    With ``squared``, distances and hinges are squared (Hadsell, Chopra and LeCun, CVPR 2006, without the halves).
    """
    hinge = (margin - negative).clamp(min=0.0)
    if squared:
        positive, hinge = positive.square(), hinge.square()
    return positive.mean() + hinge.mean()


def softmax_contrastive_loss(squared: Float[Tensor, "pairs pairs"], temperature: float) -> Float[Tensor, ""]:
    """Average the cross-entropies of finding pair i's positive from its anchor, and the reverse (InfoNCE).

    The logits are -D^2 / (2 temperature): for unit vectors the cosine similarity over temperature, less a constant.

    Args:
        squared: D^2.
        temperature: of the softmax.
    """
    logits = squared / (-2 * temperature)
    own = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.mT, own)) / 2


def hardest_negative_contrastive_loss(
    anchor: Float[Tensor, "pairs dim"], positive: Float[Tensor, "pairs dim"], margin: float, threshold: float
) -> Float[Tensor, ""]:
    """Compute the paper's loss, see the module; row i of both tensors, unit vectors, is the same pose in two views.

    Two pairs on the unit circle: the positives lie at distance 0 and 0.63, the nearest negative of both at 0.89.

    >>> anchor, positive = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    >>> round(hardest_negative_contrastive_loss(anchor, positive, margin=1.0, threshold=0.3).item(), 4)
    0.4218
    >>> round(hardest_negative_contrastive_loss(anchor, positive, margin=1.0, threshold=0.9).item(), 4)  # 1.41 remains
    0.3162
    """
    with torch.no_grad():
        candidates, _ = hide_non_negatives(pairwise_squared_distance(anchor, positive), threshold)
        chosen = hardest_negatives(candidates)
    return contrastive_loss(*distances_to_learn_from(anchor, positive, chosen), margin)


def effective_rank(embedding: Float[Tensor, "rows dim"]) -> Float[Tensor, ""]:
    """Take exp of the entropy of the singular values' shares (Roy and Vetterli, EUSIPCO 2007): 1 if rows are parallel.

    Not centred, so that embeddings that have collapsed to one point read 1 instead of the rank of their rounding. It
    is a decomposition: call it where its value is logged, not in every step.

    >>> round(effective_rank(torch.eye(3)).item(), 6), round(effective_rank(torch.ones(3, 3)).item(), 4)
    (3.0, 1.0)
    """
    singular = torch.linalg.svdvals(embedding.detach().float())
    share = singular / singular.sum()
    return torch.special.entr(share).sum().exp()
