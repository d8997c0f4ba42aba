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


def pairwise_distance(
    anchor: Float[Tensor, "pairs dim"], positive: Float[Tensor, "pairs dim"]
) -> Float[Tensor, "pairs pairs"]:
    """Measure anchors against positives in float32 or better, with gradient 0 where two embeddings coincide.

    By differences: the usual expansion a^2 - 2ab + b^2 loses half of the digits of a small distance, and its matrix
    product would run in half precision under autocast.
    """
    dtype = torch.promote_types(anchor.dtype, torch.float32)
    difference = anchor.to(dtype).unsqueeze(1) - positive.to(dtype).unsqueeze(0)
    return torch.linalg.vector_norm(difference, dim=-1)


def off_diagonal(distance: Float[Tensor, "pairs pairs"]) -> Float[Tensor, "pairs others"]:
    """Drop the diagonal: what remains of each row are the distances of poses that differ."""
    pairs = len(distance)
    # Behind the first entry, every diagonal entry is the last of a row of length pairs + 1.
    return distance.flatten()[1:].view(pairs - 1, pairs + 1)[:, :-1].reshape(pairs, pairs - 1)


def effective_threshold(distance: Float[Tensor, "pairs pairs"], threshold: float, quantile: float) -> Float[Tensor, ""]:
    """Limit ``threshold`` by the batch's ``quantile`` of off-diagonal distances; no gradient flows through it.

    However far the embeddings contract, the threshold then hides about that share of the negatives, never all.
    """
    return torch.quantile(off_diagonal(distance.detach()), quantile).clamp(max=threshold)


def candidate_negatives(
    distance: Float[Tensor, "pairs pairs"], threshold: float | Float[Tensor, ""]
) -> Float[Tensor, "pairs 2 pairs"]:
    """List pair i's distances D[i, k] of the anchor and D[k, i] of the positive; infinite where k is no negative.

    A negative is another pair's (k != i) whose distance is larger than ``threshold``: nearer ones may be the same pose.
    """
    diagonal = torch.eye(len(distance), dtype=torch.bool, device=distance.device)
    candidates = distance.masked_fill(diagonal | (distance <= threshold), torch.inf)
    return torch.stack([candidates, candidates.mT], dim=1)


def random_negative(
    candidates: Float[Tensor, "*rows others"], generator: np.random.Generator
) -> Float[Tensor, "*rows"]:
    """Draw one finite entry of each row uniformly; infinite where there is none."""
    score = torch.from_numpy(generator.random(candidates.shape)).to(candidates.device, candidates.dtype)
    chosen = score.masked_fill(candidates.isinf(), -1.0).argmax(dim=-1, keepdim=True)
    return candidates.gather(-1, chosen).squeeze(-1)


def contrastive_loss(
    positive_distance: Float[Tensor, " pairs"],
    negative_distance: Float[Tensor, "pairs hinges"],
    margin: float,
    squared: bool = False,
) -> Float[Tensor, ""]:
    """Average D[i, i] + mean_h max(0, margin - negative[i, h]) over pairs i; an infinite negative adds nothing.

    With ``squared``, distances and hinges are squared (Hadsell, Chopra and LeCun, CVPR 2006, without the halves).
    """
    hinge = (margin - negative_distance).clamp(min=0.0)
    if squared:
        positive_distance, hinge = positive_distance.square(), hinge.square()
    return (positive_distance + hinge.mean(dim=1)).mean()


def softmax_contrastive_loss(distance: Float[Tensor, "pairs pairs"], temperature: float) -> Float[Tensor, ""]:
    """Average the cross-entropies of finding pair i's positive from its anchor, and the reverse (InfoNCE).

    The logits are -D^2 / (2 temperature): for unit vectors the cosine similarity over temperature, less a constant.
    """
    logits = -distance.square() / (2 * temperature)
    own = torch.arange(len(distance), device=distance.device)
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
    distance = pairwise_distance(anchor, positive)
    hardest = candidate_negatives(distance, threshold).flatten(1).amin(dim=1, keepdim=True)
    return contrastive_loss(distance.diagonal(), hardest, margin)


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
    """The loss of a batch, and what tells whether the embedding collapses; all but the loss without a gradient.

    ``mean_distance`` is the mean off-diagonal distance, ``threshold`` the one in effect and ``without_candidate`` the
    share of pairs in which no negative is larger than it.
    """

    loss: Float[Tensor, ""]
    threshold: Float[Tensor, ""]
    mean_distance: Float[Tensor, ""]
    without_candidate: Float[Tensor, ""]


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
        self, anchor: Float[Tensor, "pairs dim"], positive: Float[Tensor, "pairs dim"], step: int
    ) -> ContrastiveTerms:
        """Compute the loss of global step ``step``: a pure function of its arguments and the settings.

        Raises:
            ValueError: fewer than two pairs, so that there is no negative.
        """
        if self.settings.gather:
            views = all_gather_with_grad(torch.stack([anchor, positive], dim=1))
            anchor, positive = views.unbind(dim=1)
        if len(anchor) < 2:
            raise ValueError("a contrastive batch needs at least two pairs")
        distance = pairwise_distance(anchor, positive)
        threshold = effective_threshold(distance, self.threshold_at(step), self.settings.threshold_quantile)
        candidates = candidate_negatives(distance, threshold)
        if step < self.settings.warmup_steps or self.settings.negatives == "all":
            loss = softmax_contrastive_loss(distance, self.settings.temperature)
        else:
            negative = self._negative(candidates, step)
            loss = contrastive_loss(distance.diagonal(), negative, self.settings.margin, self.settings.squared)
        without_candidate = candidates.detach().isinf().flatten(1).all(dim=1).to(distance.dtype).mean()
        return ContrastiveTerms(loss, threshold, off_diagonal(distance.detach()).mean(), without_candidate)

    def threshold_at(self, step: int) -> float:
        """Tell the threshold of a step, before the batch's own distances limit it."""
        done, ramp = step - self.settings.warmup_steps, self.settings.threshold_warmup_steps
        if done < 0:
            return 0.0
        return self.settings.threshold * (done / ramp if done < ramp else 1)

    def _negative(self, candidates: Float[Tensor, "pairs 2 pairs"], step: int) -> Float[Tensor, "pairs hinges"]:
        pools = candidates if self.settings.hinge == "each" else candidates.flatten(1).unsqueeze(1)
        if self.settings.negatives == "hardest":
            return pools.amin(dim=-1)
        # Equal on all ranks, which hold the same candidates if they gather.
        return random_negative(pools, np.random.default_rng([self.settings.seed, step]))
