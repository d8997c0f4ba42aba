"""The contrastive loss, forward and backward, against a plain masked form of the same equations."""

from functools import partial

import torch
import torch.nn.functional as F

from benchmarks.timing import Comparison, compare
from mcss.batch import TrainBatch
from mcss.losses.contrastive import hardest_negative_contrastive_loss
from mcss.objectives.base import Encoded, PairStep, PairViews
from mcss.objectives.contrastive import Contrastive

PAIRS, DIM, MARGIN, THRESHOLD = (33, 512, 4096), 128, 0.6, 0.3
EMPTY_BATCH = TrainBatch(torch.zeros(0), 0, torch.zeros(0, 17, 3), torch.zeros(0, dtype=torch.bool), step=0)


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
    objective = Contrastive()  # the settings of experiments/method/mcss.yaml

    def ours() -> None:
        torch.autograd.grad(hardest_negative_contrastive_loss(*views, MARGIN, THRESHOLD), views)

    def of_run(step: PairStep) -> None:
        torch.autograd.grad(objective(step).losses["contrastive"], views)

    def at(progress: float) -> PairStep:
        encoded = PairViews(*(Encoded(view, view, view) for view in views))
        return PairStep(encoded, EMPTY_BATCH, None, progress, is_logged=False)  # type: ignore[arg-type]

    def reference() -> None:
        torch.autograd.grad(masked_loss(*views), views)

    rounds, against = 200 if pairs < 100 else 7, "a plain masked form"
    wanted = 1 if pairs == PAIRS[0] else None
    parts = {
        "": ours,
        ", softmax phase of a run": partial(of_run, at(0.0)),
        ", growing threshold of a run": partial(of_run, at(0.7)),
        ", final form of a run": partial(of_run, at(0.99)),
    }
    return [
        compare(f"contrastive loss, {pairs:,} pairs{part}", loss, reference, against, rounds=rounds, wanted=wanted)
        for part, loss in parts.items()
    ]
