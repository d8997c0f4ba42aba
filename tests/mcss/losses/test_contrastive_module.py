import math

import pytest
import torch

from mcss.errors import InputError
from mcss.losses.contrastive import (
    ContrastiveLoss,
    ContrastiveSettings,
    hardest_negative_contrastive_loss,
    softmax_contrastive_loss,
)
from mcss.losses.negatives import pairwise_squared_distance
from tests.references import contrastive as loops


def embeddings(seed, pairs=12, dim=4):
    generator = torch.Generator().manual_seed(seed)
    anchor, noise = torch.randn(2, pairs, dim, dtype=torch.float64, generator=generator)
    return (torch.nn.functional.normalize(view, dim=-1) for view in (anchor, anchor + 0.3 * noise))


def paper(**settings):
    """The paper's form throughout, changed by ``settings``."""
    return ContrastiveLoss(
        ContrastiveSettings(**{"warmup_steps": 0, "threshold_warmup_steps": 0, "threshold_quantile": 1.0} | settings)
    )


def test_without_warmup_it_is_the_papers_loss_at_every_step():
    anchor, positive = embeddings(0)
    expected = hardest_negative_contrastive_loss(anchor, positive, 0.6, 0.3)
    for step in (0, 1, 10**6):
        assert torch.equal(paper()(anchor, positive, step).loss, expected)


def test_it_moves_from_the_softmax_to_the_papers_form_with_a_growing_threshold():
    anchor, positive = embeddings(1)
    loss = paper(margin=0.8, threshold=0.5, temperature=0.2, warmup_steps=10, threshold_warmup_steps=20)
    softmax = softmax_contrastive_loss(pairwise_squared_distance(anchor, positive), 0.2)
    for step in (0, 9):
        assert torch.equal(loss(anchor, positive, step).loss, softmax)
    for step, threshold in ((10, 0.0), (20, 0.25), (29, 0.475), (30, 0.5), (999, 0.5)):
        terms = loss(anchor, positive, step)
        assert terms.threshold.item() == pytest.approx(threshold)
        expected = hardest_negative_contrastive_loss(anchor, positive, 0.8, threshold)
        assert terms.loss.item() == pytest.approx(expected.item())


def test_without_a_ramp_the_threshold_comes_in_full_after_the_softmax():
    loss = paper(warmup_steps=10)
    assert [loss.threshold_at(step) for step in (0, 9, 10, 11)] == [0.0, 0.0, 0.3, 0.3]


@pytest.mark.parametrize(
    ("settings", "reference"),
    [
        ({"squared": True}, lambda a, p: loops.hardest_negative(a, p, 0.6, 0.3, power=2)),
        ({"hinge": "each"}, lambda a, p: loops.hardest_negative_each(a, p, 0.6, 0.3)),
        ({"negatives": "all", "temperature": 0.3}, lambda a, p: loops.info_nce(a, p, 0.3)),
    ],
)
def test_options_change_the_form(settings, reference):
    anchor, positive = embeddings(2)
    expected = reference(anchor, positive)
    assert paper(**settings)(anchor, positive, 0).loss.item() == pytest.approx(expected)
    assert paper()(anchor, positive, 0).loss.item() != pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("hinge", ["one", "each"])
def test_random_negatives_depend_on_seed_and_step_alone(hinge):
    anchor, positive = embeddings(3)
    losses = [paper(negatives="random", hinge=hinge, margin=2.0)(anchor, positive, step).loss for step in range(8)]
    again = [paper(negatives="random", hinge=hinge, margin=2.0)(anchor, positive, step).loss for step in range(8)]
    other = [
        paper(negatives="random", hinge=hinge, margin=2.0, seed=1)(anchor, positive, step).loss for step in range(8)
    ]
    assert losses == again
    assert len({loss.item() for loss in losses + other}) == 16  # neither seeds nor steps repeat each other
    hardest = paper(hinge=hinge, margin=2.0)(anchor, positive, 0).loss
    assert all(loss < hardest for loss in losses)


def test_statistics_describe_the_batch():
    anchor, positive = embeddings(4)
    loss = paper(margin=1.95, threshold=1.85)
    terms = loss(anchor, positive, 0)
    d = loops.distances(anchor, positive)
    others = [d[i][k] for i in range(12) for k in range(12) if i != k]
    empty = [not loops.both_negatives(d, i, 1.85) for i in range(12)]
    assert terms.mean_distance.item() == pytest.approx(sum(others) / len(others))
    assert terms.without_candidate.item() == pytest.approx(sum(empty) / 12)
    assert 0 < terms.without_candidate < 1  # the case says something
    anchor, positive = (view.clone().requires_grad_() for view in (anchor, positive))
    terms = loss(anchor, positive, 0)
    assert [value.requires_grad for value in terms] == [True, False, False, False]


def descend(loss, steps=150):
    """The mean distance after gradient steps on the embeddings, which start close together."""
    generator = torch.Generator().manual_seed(0)
    weight = 1 + 0.02 * torch.randn(2, 16, 8, generator=generator)
    weight.requires_grad_()
    optimiser = torch.optim.Adam([weight], lr=0.02)
    for step in range(steps):
        optimiser.zero_grad()
        terms = loss(*torch.nn.functional.normalize(weight, dim=-1), step)
        terms.loss.backward()
        optimiser.step()
    return terms.mean_distance.item()


def test_the_recipe_escapes_the_collapse_that_absorbs_the_papers_form():
    assert descend(paper()) < 0.1
    assert descend(ContrastiveLoss(ContrastiveSettings(warmup_steps=50, threshold_warmup_steps=50))) > 0.6


def test_coincident_embeddings_give_finite_terms():
    anchor = torch.ones(4, 3).div(math.sqrt(3)).requires_grad_()
    for negatives in ("hardest", "random", "all"):
        terms = ContrastiveLoss(ContrastiveSettings(negatives=negatives, warmup_steps=0))(anchor, anchor.detach(), 0)
        terms.loss.backward()
        assert all(value.isfinite() for value in terms)
        assert anchor.grad.isfinite().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 0.6}, "0 <= threshold < margin must hold, got 0.6 and 0.6"),
        ({"threshold": -0.1}, "0 <= threshold"),
        ({"temperature": 0.0}, "temperature must be positive, got 0.0"),
        ({"threshold_quantile": 1.5}, "threshold_quantile must lie in 0 to 1, got 1.5"),
        ({"warmup_steps": -1}, "warmup_steps must not be negative, got -1 and 1000"),
        ({"threshold_warmup_steps": -5}, "warmup_steps must not be negative, got 1000 and -5"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InputError, match=message):
        ContrastiveLoss(ContrastiveSettings(**settings))


def test_one_pair_is_no_contrastive_batch():
    with pytest.raises(ValueError, match="at least two pairs"):
        ContrastiveLoss(ContrastiveSettings())(torch.ones(1, 4), torch.ones(1, 4), 0)


@pytest.mark.parametrize("step", [0, 10**6])
def test_without_monitoring_the_loss_and_its_gradient_are_the_same(step):
    rng = torch.Generator().manual_seed(5)
    views = [torch.nn.functional.normalize(torch.randn(9, 8, generator=rng), dim=1).requires_grad_() for _ in range(2)]
    loss = ContrastiveLoss(ContrastiveSettings())
    monitored, alone = loss(*views, step), loss(*views, step, monitor=False)
    assert torch.equal(monitored.loss, alone.loss)
    for a, b in zip(torch.autograd.grad(monitored.loss, views), torch.autograd.grad(alone.loss, views), strict=True):
        assert torch.equal(a, b)
    assert alone[1:] == (None, None, None)
