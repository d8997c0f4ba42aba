"""The contrastive loss, forward and backward, against a plain masked form of the same equations."""

import torch
import torch.nn.functional as F

from benchmarks.timing import Comparison, compare
from mcss.losses.contrastive import hardest_negative_contrastive_loss

PAIRS, DIM, MARGIN, THRESHOLD = (33, 512, 4096), 128, 0.6, 0.3


def masked_loss(anchor: torch.Tensor, positive: torch.Tensor) -> torch.Tensor:
    """Distances by a matrix product, an identity mask, two minima."""
    squared = anchor.square().sum(1)[:, None] + positive.square().sum(1)[None] - 2 * anchor @ positive.T
    distance = (squared + 1e-8).clamp(min=1e-8).sqrt()
    hidden = torch.eye(len(distance), dtype=torch.bool) | (distance <= THRESHOLD)
    candidates = distance + 1e4 * hidden
    hardest = torch.minimum(candidates.min(dim=0).values, candidates.min(dim=1).values)
    return (distance.diagonal() + (MARGIN - hardest).clamp(min=0)).mean()


def measure() -> list[Comparison]:
    """One comparison for each number of pairs."""
    return [_compared(pairs) for pairs in PAIRS]


def _compared(pairs: int) -> Comparison:
    generator = torch.Generator().manual_seed(0)
    anchor = F.normalize(torch.randn(pairs, DIM, generator=generator), dim=1)
    positive = F.normalize(anchor + 0.05 * torch.randn(pairs, DIM, generator=generator), dim=1)
    views = [anchor.requires_grad_(), positive.requires_grad_()]

    def ours() -> None:
        torch.autograd.grad(hardest_negative_contrastive_loss(*views, MARGIN, THRESHOLD), views)

    def reference() -> None:
        torch.autograd.grad(masked_loss(*views), views)

    rounds = 200 if pairs < 100 else 7
    name = f"contrastive loss, {pairs:,} pairs"
    return compare(name, ours, reference, "a plain masked form", rounds=rounds, wanted=1 if pairs == PAIRS[0] else None)
