"""Several objectives at once: their losses are added."""

from collections.abc import Sequence
from dataclasses import fields

from torch import Tensor, nn

from mcss.errors import InputError
from mcss.objectives.base import Needs, NetworkSizes, Objective, ObjectiveTerms, PairStep, PoseNetwork


class Together(Objective):
    """The weighted sum of other objectives on the same pairs, whose batch brings what any of them needs.

    Args:
        objectives: two or more, of different classes.
        weights: of each; ``objective_weight`` applies to the sum.

    Raises:
        InputError: there are not as many weights as objectives, or two objectives log losses of one name.
    """

    def __init__(self, objectives: Sequence[Objective], weights: Sequence[float]) -> None:
        super().__init__()
        if len(objectives) != len(weights):
            raise InputError(f"{len(objectives)} objectives and {len(weights)} weights: give each objective one")
        if len({type(objective) for objective in objectives}) != len(objectives):
            raise InputError("two objectives are of one class: their losses would have one name")
        self.modules_of_all = nn.ModuleList(objectives)
        self.objectives, self.weights = tuple(objectives), tuple(weights)

    @property
    def needs(self) -> Needs:
        """What any of them needs."""
        all_needs = [objective.needs for objective in self.objectives]
        flags = [field.name for field in fields(Needs) if field.type is bool]
        asked = {name: any(getattr(needs, name) for needs in all_needs) for name in flags}
        return Needs(objective="+".join(needs.objective for needs in all_needs), **asked)

    def connect(self, sizes: NetworkSizes, seed: int) -> None:
        """Build the heads of all."""
        for objective in self.objectives:
            objective.connect(sizes, seed)

    def attach(self, network: PoseNetwork) -> None:
        """Show the network to all."""
        for objective in self.objectives:
            objective.attach(network)

    def forward(self, step: PairStep) -> ObjectiveTerms:
        """Compute the losses of all, each times its weight, and all checks."""
        losses, checks = dict[str, Tensor](), dict[str, Tensor]()
        for objective, weight in zip(self.objectives, self.weights, strict=True):
            terms = objective(step)
            losses |= {name: weight * loss for name, loss in terms.losses.items()}
            checks |= terms.checks
        return ObjectiveTerms(losses, checks)
