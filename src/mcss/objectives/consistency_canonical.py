"""Consistency without negatives: both views of a pose are to give one canonical pose, and no more is asked.

Beside ``Contrastive`` it tells what negatives are worth. The canonical frame turns with the person, so that no camera
has to be known. One constant pose for every image would satisfy it; a term keeps the poses of a batch spread.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mcss.errors import InputError
from mcss.objectives.base import Needs, Objective, ObjectiveTerms, PairStep


class ConsistencyCanonical(Objective):
    """L1 between the poses that the network predicts from two views, and a hinge on how far a batch's poses are spread.

    Poses are standardised: the labelled poses of all joints have spread 1.

    Args:
        spread: smallest spread of a batch's poses that is not penalised; 0 for no such term.

    Raises:
        InputError: ``spread`` is negative.
    """

    def __init__(self, spread: float = 0.5) -> None:
        super().__init__()
        if spread < 0:
            raise InputError(f"spread {spread:g}: choose 0 or more")
        self.spread = spread

    @property
    def needs(self) -> Needs:
        """Two views and no more."""
        return Needs(objective=type(self).__name__)

    def forward(self, step: PairStep) -> ObjectiveTerms:
        """Compute both terms.

        Checks: ``pose_spread``, which falls to 0 where one constant pose is predicted.
        """
        anchor, positive = (step.network.regress(view) for view in (step.views.anchor, step.views.positive))
        spread = pose_spread(torch.stack([anchor, positive]))
        losses = {"consistency": (anchor - positive).abs().mean(), "spread": (self.spread - spread).clamp(min=0)}
        return ObjectiveTerms(losses, {"pose_spread": spread.detach()})


def pose_spread(pose_standardised: Float[Tensor, "views pairs joints 3"]) -> Float[Tensor, ""]:
    """Root mean square, over coordinates and pairs, of the distance from a view's mean; gradient 0 where it is 0."""
    variance = (pose_standardised - pose_standardised.mean(dim=1, keepdim=True)).square().mean()
    return variance.clamp(min=torch.finfo(variance.dtype).tiny).sqrt()
