"""The paper's objective: equal poses get near embeddings, others distant ones (``mcss.losses.contrastive``).

From random weights the paper's form collapses: once the embeddings contract below the threshold, nothing pushes them
out again. The objective therefore starts with the softmax over all negatives, which cannot lose them, then lets the
threshold grow, and never above a low quantile of the batch's own distances.
"""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mcss.distributed import all_gather_with_grad
from mcss.errors import InputError
from mcss.losses.contrastive import contrastive_loss, softmax_contrastive_loss
from mcss.losses.negatives import (
    Negatives,
    distances_to_learn_from,
    hardest_negatives,
    hide_non_negatives,
    pairwise_squared_distance,
    random_negatives,
)
from mcss.objectives.base import Needs, NetworkSizes, Objective, ObjectiveTerms, PairStep


class Contrastive(Objective):
    """A softmax over all negatives first, then the chosen form with a growing threshold.

    ``softmax_fraction=0, threshold_fraction=0, threshold_quantile=1`` is the paper's form throughout; it needs
    pretrained weights. The margin and threshold of the paper are not known: the defaults are the project's.

    Args:
        margin: distance from which a negative adds nothing.
        threshold: distance up to which a negative is taken for the same pose, at most.
        negatives: the form after the softmax phase: the hardest negative, a random one, or the softmax to the end.
        squared: square distances and hinges (not the softmax, which always does).
        hinge: ``one`` for the anchor's and positive's negatives together, or the mean of one for ``each``.
        temperature: of the softmax.
        softmax_fraction: share of the run with the softmax.
        threshold_fraction: share of the run, after that, in which the threshold grows from 0, linearly.
        threshold_quantile: share of a batch's negatives that the threshold may hide; 1 for no such limit.
        gather: take negatives from all ranks, which then draw the same subject (see ``mcss.distributed``).

    Raises:
        InputError: a setting out of its range, named in the message.
    """

    def __init__(
        self,
        margin: float = 0.6,
        threshold: float = 0.3,
        negatives: Literal["hardest", "random", "all"] = "hardest",
        squared: bool = False,
        hinge: Literal["one", "each"] = "one",
        temperature: float = 0.1,
        softmax_fraction: float = 2 / 3,
        threshold_fraction: float = 1 / 6,
        threshold_quantile: float = 0.1,
        gather: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= threshold < margin:
            raise InputError(f"0 <= threshold < margin must hold, got {threshold} and {margin}")
        if temperature <= 0:
            raise InputError(f"temperature must be positive, got {temperature}")
        if not 0 <= threshold_quantile <= 1:
            raise InputError(f"threshold_quantile must lie in 0 to 1, got {threshold_quantile}")
        if min(softmax_fraction, threshold_fraction) < 0 or softmax_fraction + threshold_fraction > 1:
            raise InputError(
                f"softmax_fraction {softmax_fraction:g} and threshold_fraction {threshold_fraction:g} are shares of the"
                " run, not numbers of steps: choose two that are not negative and add up to 1 at most"
            )
        self.margin, self.threshold, self.threshold_quantile = margin, threshold, threshold_quantile
        self.negatives, self.each, self.squared, self.temperature = negatives, hinge == "each", squared, temperature
        self.softmax_fraction, self.threshold_fraction = softmax_fraction, threshold_fraction
        self.gather = gather
        self._seed = 0

    @property
    def needs(self) -> Needs:
        """Negatives of another rank must be of the same subject."""
        return Needs(objective="Contrastive", same_subject_on_ranks=self.gather)

    def connect(self, sizes: NetworkSizes, seed: int) -> None:
        """Keep the seed of the random negatives."""
        self._seed = seed

    def forward(self, step: PairStep) -> ObjectiveTerms:
        """Compute the loss, and in logged steps whether the embedding collapses.

        Checks: ``mean_distance`` is the mean off-diagonal distance, ``threshold`` the one in effect and
        ``without_candidate`` the share of pairs in which no negative is larger than it. They take a sixth of the time
        at 33 pairs, a third in the softmax.

        Raises:
            InputError: fewer than two pairs, so that there is no negative.
        """
        anchor, positive = step.views.anchor.embedding, step.views.positive.embedding
        if self.gather:
            anchor, positive = all_gather_with_grad(torch.stack([anchor, positive], dim=1)).unbind(dim=1)
        if len(anchor) < 2:
            raise InputError("a contrastive batch needs at least two pairs: set data.pairs to 2 or more")
        is_softmax = self.negatives == "all" or step.progress < self.softmax_fraction
        with torch.set_grad_enabled(is_softmax and torch.is_grad_enabled()):
            squared = pairwise_squared_distance(anchor, positive)
        checks: dict[str, Float[Tensor, ""]] = {}
        if step.is_logged:
            checks["mean_distance"] = mean_distance(squared.detach())
        if not is_softmax or step.is_logged:
            chosen, squared_threshold = self._choose(squared.detach().clone() if is_softmax else squared, step)
        if step.is_logged:
            checks["threshold"] = torch.as_tensor(squared_threshold, dtype=squared.dtype).sqrt()
            checks["without_candidate"] = chosen.absent.all(dim=1).to(squared.dtype).mean()
        if is_softmax:
            loss = softmax_contrastive_loss(squared, self.temperature)
        else:
            distances = distances_to_learn_from(anchor, positive, chosen)
            loss = contrastive_loss(*distances, self.margin, self.squared)
        return ObjectiveTerms({"contrastive": loss}, checks)

    def threshold_at(self, progress: float) -> float:
        """Tell the threshold at a share of the run, before the batch's own distances limit it."""
        done = progress - self.softmax_fraction
        if done < 0:
            return 0.0
        return self.threshold * (done / self.threshold_fraction if done < self.threshold_fraction else 1)

    def _choose(
        self, squared: Float[Tensor, "pairs pairs"], step: PairStep
    ) -> tuple[Negatives, float | Float[Tensor, ""]]:
        """Negatives of each pair, and the square of the threshold in effect; overwrites ``squared``."""
        candidates, squared_threshold = hide_non_negatives(
            squared, self.threshold_at(step.progress), self.threshold_quantile
        )
        if self.negatives != "random":
            return hardest_negatives(candidates, self.each), squared_threshold
        # Equal on all ranks, which hold the same candidates if they gather.
        rng = np.random.default_rng([self._seed, step.batch.step])
        return random_negatives(candidates, rng, self.each), squared_threshold


def mean_distance(squared: Float[Tensor, "pairs pairs"]) -> Float[Tensor, ""]:
    """Mean off-diagonal distance of squared ones."""
    pairwise = squared.clamp(min=0).sqrt_()
    return (pairwise.sum() - pairwise.trace()) / (len(pairwise) * (len(pairwise) - 1))
