r"""The hardest-negative contrastive loss between two views of the same poses.

With anchors :math:`a_i` and positives :math:`p_i`, unit vectors, and :math:`D_{ij} = \lVert a_i - p_j \rVert`, the
paper's equations 1 and 2 are

.. math::
    d_i = \min_{k \ne i} \{ D_{ik}, D_{ki} : \text{larger than } \alpha \}, \qquad
    L = \frac1P \sum_i D_{ii} + \max(0, m - d_i)

with margin m and threshold :math:`\alpha`; a row in which no negative is larger than :math:`\alpha` has no hinge term.
This is HardNet's contrastive form with anchor swap (https://github.com/DagnyT/hardnet, code/Losses.py).

From random weights that form collapses: once the embeddings contract below :math:`\alpha`, nothing pushes them out
again. ``ContrastiveLoss`` therefore starts with the softmax over all negatives, which cannot lose them, then lets
:math:`\alpha` grow, and never above a low quantile of the batch's own distances.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mcss.distributed import all_gather_with_grad
from mcss.errors import InputError
from mcss.losses.negatives import (
    Negatives,
    distance,
    effective_threshold,
    hardest_negatives,
    hide_non_negatives,
    negative_distance,
    pairwise_squared_distance,
    random_negatives,
)


def contrastive_loss(
    positive: Float[Tensor, " pairs"],
    negative: Float[Tensor, "pairs hinges"],
    margin: float,
    squared: bool = False,
) -> Float[Tensor, ""]:
    """Average positive[i] + mean_h max(0, margin - negative[i, h]), distances, over pairs i; infinite ones add nothing.

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
    """Compute the paper's loss, see the module; row i of both tensors is the same pose in two views.

    Two pairs, embeddings on a line: the positives lie at distance 0 and 0.1, the nearest negative of both at 0.4.

    >>> anchor, positive = torch.tensor([[0.0], [0.5]]), torch.tensor([[0.0], [0.4]])
    >>> round(hardest_negative_contrastive_loss(anchor, positive, margin=0.6, threshold=0.3).item(), 6)
    0.25
    >>> round(hardest_negative_contrastive_loss(anchor, positive, margin=0.6, threshold=0.45).item(), 6)  # 0.5 remains
    0.15
    """
    with torch.no_grad():
        chosen = hardest_negatives(hide_non_negatives(pairwise_squared_distance(anchor, positive), threshold**2))
    return contrastive_loss(distance(anchor, positive), negative_distance(anchor, positive, chosen), margin)


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


class ContrastiveTerms(NamedTuple):
    """The loss of a batch and, if asked for, figures that show whether the embedding collapses, without a gradient.

    ``mean_distance`` is the mean off-diagonal distance, ``threshold`` the one in effect and ``without_candidate`` the
    share of pairs in which no negative is larger than it.
    """

    loss: Float[Tensor, ""]
    threshold: Float[Tensor, ""] | None = None
    mean_distance: Float[Tensor, ""] | None = None
    without_candidate: Float[Tensor, ""] | None = None


@dataclass(frozen=True)
class ContrastiveSettings:
    """Settings of ``ContrastiveLoss``.

    ``warmup_steps=0, threshold_warmup_steps=0, threshold_quantile=1`` is the paper's form throughout; it needs
    pretrained weights. The margin and threshold of the paper are not known: the defaults are the project's.

    Args:
        margin: distance from which a negative adds nothing.
        threshold: distance up to which a negative is taken for the same pose, at most.
        negatives: the form after the warm-up: the hardest negative, a random one, or a softmax over all.
        squared: square distances and hinges (not the softmax, which always does).
        hinge: ``one`` for the anchor's and positive's negatives together, or the mean of one for ``each``.
        temperature: of the softmax.
        warmup_steps: steps with the softmax.
        threshold_warmup_steps: steps after those in which the threshold grows from 0, linearly.
        threshold_quantile: share of a batch's negatives that the threshold may hide; 1 for no such limit.
        gather: take negatives from all ranks, which must then draw the same subject (see ``mcss.distributed``).
        seed: of the random negatives.

    Raises:
        InputError: a setting out of its range, named in the message.
    """

    margin: float = 0.6
    threshold: float = 0.3
    negatives: Literal["hardest", "random", "all"] = "hardest"
    squared: bool = False
    hinge: Literal["one", "each"] = "one"
    temperature: float = 0.1
    warmup_steps: int = 1000
    threshold_warmup_steps: int = 1000
    threshold_quantile: float = 0.1
    gather: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < self.margin:
            raise InputError(f"0 <= threshold < margin must hold, got {self.threshold} and {self.margin}")
        if self.temperature <= 0:
            raise InputError(f"temperature must be positive, got {self.temperature}")
        if not 0 <= self.threshold_quantile <= 1:
            raise InputError(f"threshold_quantile must lie in 0 to 1, got {self.threshold_quantile}")
        if min(self.warmup_steps, self.threshold_warmup_steps) < 0:
            steps = f"{self.warmup_steps} and {self.threshold_warmup_steps}"
            raise InputError(f"warmup_steps and threshold_warmup_steps must not be negative, got {steps}")


class ContrastiveLoss(nn.Module):
    """The loss of a run: a softmax over all negatives first, then the chosen form with a growing threshold."""

    def __init__(self, settings: ContrastiveSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(
        self, anchor: Float[Tensor, "pairs dim"], positive: Float[Tensor, "pairs dim"], step: int, monitor: bool = True
    ) -> ContrastiveTerms:
        """Compute the loss of global step ``step``: a pure function of its arguments and the settings.

        Without ``monitor`` only the loss: the other terms take a sixth of the time at 33 pairs, a third in the softmax.

        Raises:
            ValueError: fewer than two pairs, so that there is no negative.
        """
        if self.settings.gather:
            views = all_gather_with_grad(torch.stack([anchor, positive], dim=1))
            anchor, positive = views.unbind(dim=1)
        if len(anchor) < 2:
            raise ValueError("a contrastive batch needs at least two pairs")
        is_softmax = step < self.settings.warmup_steps or self.settings.negatives == "all"
        if is_softmax and not monitor:
            return ContrastiveTerms(
                softmax_contrastive_loss(pairwise_squared_distance(anchor, positive), self.settings.temperature)
            )
        # Only the softmax has a gradient through all pairs, and needs their squares once more.
        with torch.set_grad_enabled(is_softmax and torch.is_grad_enabled()):
            squared = pairwise_squared_distance(anchor, positive)
        with torch.no_grad():
            pairwise = (squared.clamp(min=0) if is_softmax else squared.clamp_(min=0)).sqrt_()
            mean_distance = (pairwise.sum() - pairwise.trace()) / (len(anchor) * (len(anchor) - 1)) if monitor else None
            threshold = effective_threshold(pairwise, self.threshold_at(step), self.settings.threshold_quantile)
            chosen = self._negatives(hide_non_negatives(pairwise, threshold), step)
        if is_softmax:
            loss = softmax_contrastive_loss(squared, self.settings.temperature)
        else:
            negative = negative_distance(anchor, positive, chosen)
            loss = contrastive_loss(distance(anchor, positive), negative, self.settings.margin, self.settings.squared)
        if not monitor:
            return ContrastiveTerms(loss)
        without_candidate = chosen.absent.all(dim=1).to(loss.dtype).mean()
        return ContrastiveTerms(loss, threshold, mean_distance, without_candidate)

    def threshold_at(self, step: int) -> float:
        """Tell the threshold of a step, before the batch's own distances limit it."""
        done, ramp = step - self.settings.warmup_steps, self.settings.threshold_warmup_steps
        if done < 0:
            return 0.0
        return self.settings.threshold * (done / ramp if done < ramp else 1)

    def _negatives(self, candidates: Float[Tensor, "pairs pairs"], step: int) -> Negatives:
        each = self.settings.hinge == "each"
        if self.settings.negatives == "random":
            # Equal on all ranks, which hold the same candidates if they gather.
            return random_negatives(candidates, np.random.default_rng([self.settings.seed, step]), each)
        return hardest_negatives(candidates, each)
