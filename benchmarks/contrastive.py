"""The contrastive loss, forward and backward, against a plain masked form of the same equations."""

from pathlib import Path

import torch
import torch.nn.functional as F
import yaml

from benchmarks.timing import Comparison, compare
from mcss.losses.contrastive import ContrastiveLoss, ContrastiveSettings, hardest_negative_contrastive_loss

PAIRS, DIM, MARGIN, THRESHOLD = (33, 512, 4096), 128, 0.6, 0.3
AFTER_WARMUP = 10**6


def masked_loss(anchor: torch.Tensor, positive: torch.Tensor) -> torch.Tensor:
    """Distances by a matrix product, an identity mask, two minima."""
    squared = anchor.square().sum(1)[:, None] + positive.square().sum(1)[None] - 2 * anchor @ positive.T
    distance = (squared + 1e-8).clamp(min=1e-8).sqrt()
    hidden = torch.eye(len(distance), dtype=torch.bool) | (distance <= THRESHOLD)
    candidates = distance + 1e4 * hidden
    hardest = torch.minimum(candidates.min(dim=0).values, candidates.min(dim=1).values)
    return (distance.diagonal() + (MARGIN - hardest).clamp(min=0)).mean()


def measure() -> list[Comparison]:
    """For each number of pairs the loss alone, and that of a run, which also tells how the embedding is spread."""
    return [comparison for pairs in PAIRS for comparison in _compared(pairs)]


def _compared(pairs: int) -> list[Comparison]:
    generator = torch.Generator().manual_seed(0)
    anchor = F.normalize(torch.randn(pairs, DIM, generator=generator), dim=1)
    positive = F.normalize(anchor + 0.05 * torch.randn(pairs, DIM, generator=generator), dim=1)
    views = [anchor.requires_grad_(), positive.requires_grad_()]
    of_run = ContrastiveLoss(gpu_settings())

    def ours() -> None:
        torch.autograd.grad(hardest_negative_contrastive_loss(*views, MARGIN, THRESHOLD), views)

    def ours_in_softmax_phase() -> None:
        torch.autograd.grad(of_run(*views, 0, monitor=False).loss, views)

    def ours_after_it() -> None:
        torch.autograd.grad(of_run(*views, AFTER_WARMUP, monitor=False).loss, views)

    def reference() -> None:
        torch.autograd.grad(masked_loss(*views), views)

    rounds, against = 200 if pairs < 100 else 7, "a plain masked form"
    wanted = 1 if pairs == PAIRS[0] else None
    parts = {"": ours, ", softmax phase of a run": ours_in_softmax_phase, ", final form of a run": ours_after_it}
    return [
        compare(f"contrastive loss, {pairs:,} pairs{part}", loss, reference, against, rounds=rounds, wanted=wanted)
        for part, loss in parts.items()
    ]


def gpu_settings() -> ContrastiveSettings:
    """Settings of ``experiments/trainer/gpu.yaml``."""
    overlay = yaml.safe_load(Path("experiments/trainer/gpu.yaml").read_text(encoding="utf-8"))
    return ContrastiveSettings(**overlay["model"]["contrastive"])
