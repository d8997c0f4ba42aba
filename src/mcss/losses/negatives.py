"""Choosing negatives for the contrastive loss: distances of all pairs to choose by, exact ones to learn from.

Row i of ``anchor`` and ``positive`` is the same pose in two views; D[i, k] is the distance of anchor i and positive k.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Negatives(NamedTuple):
    """Negatives of each pair: rows of the anchor and of the positive to measure, and where there is none."""

    anchor: Int[Tensor, "pairs hinges"]
    positive: Int[Tensor, "pairs hinges"]
    absent: Bool[Tensor, "pairs hinges"]


def pairwise_squared_distance(
    anchor: Float[Tensor, "pairs dim"], positive: Float[Tensor, "pairs dim"]
) -> Float[Tensor, "pairs pairs"]:
    """Measure anchors against positives by a matrix product, in float32 or better also under autocast.

    Its rounding, some 1e-7 for unit vectors, does not matter to a softmax or to which negative is nearest, but half of
    the digits of a small distance are lost in it: see ``distance``.
    """
    dtype = torch.promote_types(anchor.dtype, torch.float32)
    anchor, positive = anchor.to(dtype), positive.to(dtype)
    squared = anchor.square().sum(dim=1, keepdim=True) + positive.square().sum(dim=1)
    return squared.addmm_(anchor, positive.mT, alpha=-2)  # autocast does not apply to in-place operations


def off_diagonal(values: Float[Tensor, "pairs pairs"]) -> Float[Tensor, "pairs others"]:
    """Drop the diagonal: what remains of each row are the distances of poses that differ."""
    pairs = len(values)
    # Behind the first entry, every diagonal entry is the last of a row of length pairs + 1.
    return values.flatten()[1:].view(pairs - 1, pairs + 1)[:, :-1].reshape(pairs, pairs - 1)


def effective_threshold(pairwise: Float[Tensor, "pairs pairs"], threshold: float, quantile: float) -> Float[Tensor, ""]:
    """Limit ``threshold`` by the batch's ``quantile`` of off-diagonal distances (the nearest entry below it).

    However far the embeddings contract, the threshold then hides about that share of the negatives, never all. With a
    ``quantile`` of 1, which could hide them all as well, nothing is limited and no distance looked at.
    """
    if threshold == 0 or quantile == 1:
        return pairwise.new_full((), threshold)
    others = off_diagonal(pairwise).flatten()
    # Not torch.quantile, which sorts all of them and refuses more than 2**24.
    return others.kthvalue(1 + int(quantile * (len(others) - 1))).values.clamp(max=threshold)


def hide_non_negatives(
    pairwise: Float[Tensor, "pairs pairs"], threshold: float | Float[Tensor, ""]
) -> Float[Tensor, "pairs pairs"]:
    """Overwrite with infinity, in place, what is no negative: the own pair, and distances up to ``threshold``.

    Nearer ones may be the same pose.
    """
    return pairwise.masked_fill_(pairwise <= threshold, torch.inf).fill_diagonal_(torch.inf)


def hardest_negatives(candidates: Float[Tensor, "pairs pairs"], each: bool = False) -> Negatives:
    """Choose pair i's nearest negative: of its anchor, D[i, k], or of its positive, D[k, i]; with ``each`` one of both.

    Distances may be squared: the order is the same.
    """
    own = torch.arange(len(candidates), device=candidates.device)
    (of_anchor, k), (of_positive, j) = candidates.min(dim=1), candidates.min(dim=0)
    if each:
        nearest = torch.stack([of_anchor, of_positive], dim=1)
        return Negatives(torch.stack([own, j], dim=1), torch.stack([k, own], dim=1), nearest.isinf())
    is_nearer = of_anchor <= of_positive
    nearest = torch.minimum(of_anchor, of_positive)
    return Negatives(*(x[:, None] for x in (own.where(is_nearer, j), k.where(is_nearer, own), nearest.isinf())))


def random_negatives(
    candidates: Float[Tensor, "pairs pairs"], generator: np.random.Generator, each: bool = False
) -> Negatives:
    """Draw negatives uniformly among the finite entries, in the form of ``hardest_negatives``."""
    pools = torch.stack([candidates, candidates.mT], dim=1)
    pools = pools if each else pools.flatten(1).unsqueeze(1)
    score = torch.from_numpy(generator.random(pools.shape)).to(pools.device, pools.dtype)
    drawn = score.masked_fill(pools.isinf(), -1.0).argmax(dim=-1)
    pairs = len(candidates)
    of_positive = torch.arange(2, device=drawn.device) == 1 if each else drawn >= pairs
    own, other = torch.arange(pairs, device=drawn.device)[:, None], drawn % pairs
    return Negatives(
        torch.where(of_positive, other, own), torch.where(of_positive, own, other), pools.isinf().all(dim=-1)
    )


def distance(one: Float[Tensor, "*rows dim"], other: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows"]:
    """Distance of two embeddings by their difference, in float32 or better; gradient 0 where they coincide."""
    dtype = torch.promote_types(one.dtype, torch.float32)
    return torch.linalg.vector_norm(one.to(dtype) - other.to(dtype), dim=-1)


def negative_distance(
    anchor: Float[Tensor, "pairs dim"], positive: Float[Tensor, "pairs dim"], chosen: Negatives
) -> Float[Tensor, "pairs hinges"]:
    """Distances of the chosen negatives, with gradient; infinite where there is none.

    Only these carry one, so that nothing of size pairs x pairs is kept for the backward pass.
    """
    return distance(anchor[chosen.anchor], positive[chosen.positive]).masked_fill(chosen.absent, torch.inf)
