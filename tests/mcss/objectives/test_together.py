import pytest
import torch

from mcss.errors import InputError
from mcss.objectives.base import Needs, NetworkSizes
from mcss.objectives.contrastive import Contrastive
from mcss.objectives.synchronisation import Synchronisation
from mcss.objectives.together import Together
from tests.mcss.objectives.test_synchronisation import random_vectors, step_of


def test_losses_are_weighted_and_checks_are_of_all():
    parts = [Contrastive(), Synchronisation(hidden=3)]
    both = Together(parts, [0.5, 2.0])
    both.connect(NetworkSizes(1, 64, 5), seed=0)
    both.double()
    step = step_of(random_vectors())
    (losses, checks), *alone = (objective(step) for objective in (both, *parts))
    for terms, weight in zip(alone, (0.5, 2.0), strict=True):
        for name, loss in terms.losses.items():
            torch.testing.assert_close(losses[name], weight * loss)
        assert terms.checks.keys() <= checks.keys()
    assert len(losses) == 3


def test_it_needs_what_any_of_them_needs():
    needs = Together([Contrastive(gather=True), Synchronisation()], [1.0, 1.0]).needs
    names = "Contrastive+Synchronisation"
    assert needs == Needs(names, unsynchronised=True, mirrored=True, same_subject_on_ranks=True)


@pytest.mark.parametrize(
    ("objectives", "weights", "message"),
    [
        ([Contrastive(), Synchronisation()], [1.0], "2 objectives and 1 weights"),
        ([Contrastive(), Contrastive()], [1.0, 1.0], "two objectives are of one class"),
    ],
)
def test_bad_settings(objectives, weights, message):
    with pytest.raises(InputError, match=message):
        Together(objectives, weights)
