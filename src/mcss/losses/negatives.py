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
    """Measure anchors against positives, unit vectors, by 2 - 2 a.p, in float32 or better also under autocast.

    Its rounding, some 1e-7, does not matter to a softmax or to which negative is nearest, but half of the digits of a
    small distance are lost in it: see ``distance``.
    """
    dtype = torch.promote_types(anchor.dtype, torch.float32)
    twice = torch.full((len(anchor), len(positive)), 2.0, dtype=dtype, device=anchor.device)
    return twice.addmm_(anchor.to(dtype), positive.to(dtype).mT, alpha=-2)  # autocast leaves in-place operations alone


def hide_non_negatives(
    squared: Float[Tensor, "pairs pairs"], threshold: float, quantile: float = 1.0
) -> tuple[Float[Tensor, "pairs pairs"], float | Float[Tensor, ""]]:
    """Overwrite with infinity, in place, what is no negative: the own pair, and distances up to a threshold.

    Nearer ones may be the same pose. The threshold is limited by the batch's ``quantile`` of off-diagonal distances
    (the nearest entry below it): however far the embeddings contract, it then hides about that share of the negatives,
    never all. With a ``quantile`` of 1 nothing is limited.

    Returns:
        ``squared``, and the square of the threshold in effect.
    """
    limit: float | Tensor = threshold**2
    squared.fill_diagonal_(torch.inf)
    if threshold > 0 and quantile < 1:
        others = squared.numel() - len(squared)  # the diagonal comes last in any order
        # Not torch.quantile, which sorts all of them and refuses more than 2**24.
        nearest = squared.flatten().kthvalue(1 + int(quantile * (others - 1))).values
        limit = nearest.clamp(min=0, max=threshold**2)
    return squared.masked_fill_(squared <= limit, torch.inf), limit


def hardest_negatives(candidates: Float[Tensor, "pairs pairs"], each: bool = False) -> Negatives:
    """Choose pair i's nearest negative: of its anchor, D[i, k], or of its positive, D[k, i]; with ``each`` one of both.

    ``candidates`` are distances or their squares, infinite where there is no negative.
    """
    own = torch.arange(len(candidates), device=candidates.device)
    (of_anchor, k), (of_positive, j) = candidates.min(dim=1), candidates.min(dim=0)
    if each:
        nearest = torch.stack([of_anchor, of_positive], dim=1)
        return Negatives(torch.stack([own, j], dim=1), torch.stack([k, own], dim=1), nearest.isinf())
    is_nearer = of_anchor <= of_positive
    is_absent = torch.minimum(of_anchor, of_positive) == torch.inf
    return Negatives(own.where(is_nearer, j)[:, None], k.where(is_nearer, own)[:, None], is_absent[:, None])


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


def distances_to_learn_from(
    anchor: Float[Tensor, "pairs dim"], positive: Float[Tensor, "pairs dim"], chosen: Negatives
) -> tuple[Float[Tensor, " pairs"], Float[Tensor, " negatives"]]:
    """Distances of the pairs and of all chosen negatives, infinite where there is none, with a gradient.

    Only these carry one, so that nothing of size pairs x pairs is kept for the backward pass.
    """
    own = torch.arange(len(anchor), device=anchor.device)
    rows = torch.cat([own, chosen.anchor.flatten()]), torch.cat([own, chosen.positive.flatten()])
    of_all = distance(anchor.index_select(0, rows[0]), positive.index_select(0, rows[1]))
    of_pairs, of_negatives = of_all.split([len(own), chosen.absent.numel()])
    return of_pairs, of_negatives.masked_fill(chosen.absent.flatten(), torch.inf)
