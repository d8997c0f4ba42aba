import warnings

import pytest
import torch

from mcss.batch import TrainBatch
from mcss.objectives.base import NetworkSizes, PairStep, PairViews
from mcss.objectives.synchronisation import Synchronisation
from tests.references import synchronisation as loops
from tests.references.pair_steps import encoded


def make(fusion="product", dim=5):
    torch.manual_seed(0)
    objective = Synchronisation(fusion, hidden=3)
    objective.connect(NetworkSizes(1, 64, dim), seed=0)
    return objective.double()


def step_of(vectors, number=0, is_logged=True):
    """A step of pairs with these vectors (4, pairs, dim)."""
    nothing = torch.zeros(0, dtype=torch.bool)
    batch = TrainBatch(torch.zeros(0, 3, 1, 1), vectors.shape[1], torch.zeros(0, 17, 3), nothing, number)
    return PairStep(PairViews(*(encoded(view, is_embedding=False) for view in vectors)), batch, None, 0.0, is_logged)


def random_vectors(pairs=6, dim=5, seed=0):
    return torch.randn(4, pairs, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("fusion", ["product", "difference"])
def test_losses_equal_loops(fusion):
    objective, vectors = make(fusion), random_vectors()
    layers = [(layer.weight.tolist(), layer.bias.tolist()) for layer in (objective.head[1], objective.head[3])]
    losses = objective(step_of(vectors)).losses
    expected = loops.losses(layers, *vectors.tolist(), fusion)
    assert [losses["synchronous"].item(), losses["mirrored"].item()] == pytest.approx(expected)


def test_gradients_reach_views_and_head():
    objective, vectors = make(), random_vectors(pairs=2).requires_grad_()
    parameters = tuple(objective.parameters())
    assert torch.autograd.gradcheck(
        lambda views, *_: torch.stack([*objective(step_of(views, is_logged=False)).losses.values()]),
        (vectors, *parameters),
    )


def test_accuracies_count_right_answers():
    objective = make()
    with torch.no_grad():
        objective.head[3].weight.zero_()
        objective.head[3].bias.copy_(torch.tensor([1.0, -1.0]))  # always "synchronous", never "mirrored"
    checks = objective(step_of(random_vectors())).checks
    assert (checks["synchronous_accuracy"], checks["mirrored_accuracy"]) == (0.5, 0.5)
    assert objective(step_of(random_vectors(), is_logged=False)).checks == {}


def answer_rightly(objective, first_step):
    """Five logged steps in which a mirrored view is told from others by the sign of its product."""
    vectors = torch.ones(4, 6, 5, dtype=torch.float64)
    vectors[3] = 2  # mirrored
    with torch.no_grad():
        for layer in (objective.head[1], objective.head[3]):
            layer.weight.fill_(1.0)
            layer.bias.zero_()
        objective.head[3].bias.fill_(-20.0)  # 15 for a synchronous pair, 30 for a mirrored one
    for number in range(5):
        objective(step_of(vectors, first_step + number))


def test_mirrored_views_that_are_told_too_early_are_called_a_shortcut_once():
    with pytest.warns(UserWarning, match="SHORTCUT at step 304: 100% of mirrored views") as caught:
        answer_rightly(make(), first_step=300)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer_rightly(make(), first_step=900)
