"""Are two views of the same instant, and is one of them mirrored? After Jenni and Favaro (ACCV 2020).

Three kinds of pairs share their anchor: synchronous; not synchronous, of one clip and two cameras; synchronous with one
of the two mirrored. A network can answer without looking at the person: by the walls that crops pass on the way, and by
rooms that are never mirrored. Both views of a pair are therefore mirrored at random, one of them once more for the
third kind, and the accuracies are logged.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor, nn
from torch.nn import functional as F

from mcss.objectives.base import Needs, NetworkSizes, Objective, ObjectiveTerms, PairStep

SHORTCUT_STEPS = 500
"""Within so many steps nobody has learned left from right."""
SHORTCUT_ACCURACY = 0.97
SHORTCUT_LOOKS = 5
"""Logged steps that are averaged: one of 16 pairs is right by chance now and then."""


class Synchronisation(Objective):
    """Two logits of the fused vectors of two views: whether they are synchronous, and whether one is mirrored.

    The first cross-entropy is over synchronous and unsynchronised pairs, the second over synchronous ones with none and
    with one view mirrored; which pairs enter which is this project's choice, the paper's text does not tell.

    Args:
        fusion: of the two vectors, before a ReLU: their ``product`` (paper) or ``difference``.
        hidden: width of the hidden layer.
    """

    def __init__(self, fusion: Literal["product", "difference"] = "product", hidden: int = 128) -> None:
        super().__init__()
        self.fusion, self.hidden = fusion, hidden
        self._accuracies: list[float] = []

    @property
    def needs(self) -> Needs:
        """Pairs of all three kinds."""
        return Needs(objective=type(self).__name__, unsynchronised=True, mirrored=True)

    def connect(self, sizes: NetworkSizes, seed: int) -> None:
        """Build the head."""
        self.head = nn.Sequential(
            nn.ReLU(), nn.Linear(sizes.embedding_dim, self.hidden), nn.ReLU(), nn.Linear(self.hidden, 2)
        )

    def forward(self, step: PairStep) -> ObjectiveTerms:
        """Compute both cross-entropies.

        Checks: the accuracies of both questions, 0.5 by chance.
        """
        anchor, *others = (view.vector for view in step.views if view is not None)
        synchronous, unsynchronised, mirrored = self.logits(anchor, torch.stack(others)).unbind()
        in_time = torch.cat([synchronous[:, 0], unsynchronised[:, 0]])
        is_mirrored = torch.cat([mirrored[:, 1], synchronous[:, 1]])
        is_first = torch.arange(len(in_time), device=anchor.device) < len(anchor)
        losses = {
            "synchronous": F.binary_cross_entropy_with_logits(in_time, is_first.to(in_time.dtype)),
            "mirrored": F.binary_cross_entropy_with_logits(is_mirrored, is_first.to(in_time.dtype)),
        }
        if not step.is_logged:
            return ObjectiveTerms(losses, {})
        checks = {
            "synchronous_accuracy": _accuracy(in_time, is_first),
            "mirrored_accuracy": _accuracy(is_mirrored, is_first),
        }
        self._watch(float(checks["mirrored_accuracy"]), step.batch.step)
        return ObjectiveTerms(losses, checks)

    def logits(
        self, anchor: Float[Tensor, "pairs dim"], other: Float[Tensor, "kinds pairs dim"]
    ) -> Float[Tensor, "kinds pairs 2"]:
        """Logits of synchronous and of mirrored, for each other view of each anchor."""
        with torch.autocast(anchor.device.type, enabled=False):
            return self.head(anchor * other if self.fusion == "product" else anchor - other)

    def _watch(self, mirrored_accuracy: float, step: int) -> None:
        """Warn once if mirrored views are told from others too early."""
        self._accuracies = [*self._accuracies, mirrored_accuracy][-SHORTCUT_LOOKS:]
        mean = sum(self._accuracies) / SHORTCUT_LOOKS
        if step < SHORTCUT_STEPS and mean > SHORTCUT_ACCURACY:
            rank_zero_warn(
                f"SHORTCUT at step {step}: {mean:.0%} of mirrored views are told from others, too early to be learned "
                "from the person: the room shows it; set data.background.mode substitute"
            )
            self._accuracies.clear()


def _accuracy(logits: Float[Tensor, " pairs"], is_true: Bool[Tensor, " pairs"]) -> Float[Tensor, ""]:
    return ((logits.detach() > 0) == is_true).to(logits.dtype).mean()
