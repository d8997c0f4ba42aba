import math

import pytest
import pytorch_lightning as pl
import torch

from mcss.batch import TrainBatch
from mcss.errors import InputError
from mcss.losses.contrastive import hardest_negative_contrastive_loss, softmax_contrastive_loss
from mcss.losses.negatives import pairwise_squared_distance
from mcss.models.module import MCSSModule
from mcss.objectives.base import NetworkSizes
from mcss.objectives.contrastive import Contrastive
from tests.references import contrastive as loops
from tests.references.pair_steps import pair_step


def embeddings(seed, pairs=12, dim=4):
    generator = torch.Generator().manual_seed(seed)
    anchor, noise = torch.randn(2, pairs, dim, dtype=torch.float64, generator=generator)
    return (torch.nn.functional.normalize(view, dim=-1) for view in (anchor, anchor + 0.3 * noise))


def paper(seed=0, **settings):
    """The paper's form throughout, changed by ``settings``."""
    phases = {"softmax_fraction": 0.0, "threshold_fraction": 0.0, "threshold_quantile": 1.0}
    objective = Contrastive(**(phases | settings))
    objective.connect(NetworkSizes(1, 64, 4), seed)
    return objective


def loss_of(objective, anchor, positive, **step):
    return objective(pair_step(anchor, positive, **step)).losses["contrastive"]


def test_without_phases_it_is_the_papers_loss_throughout():
    anchor, positive = embeddings(0)
    expected = hardest_negative_contrastive_loss(anchor, positive, 0.6, 0.3)
    for progress in (0.0, 0.01, 0.99):
        assert torch.equal(loss_of(paper(), anchor, positive, progress=progress), expected)


def test_it_moves_from_the_softmax_to_the_papers_form_with_a_growing_threshold():
    anchor, positive = embeddings(1)
    objective = paper(margin=0.8, threshold=0.5, temperature=0.2, softmax_fraction=0.25, threshold_fraction=0.5)
    softmax = softmax_contrastive_loss(pairwise_squared_distance(anchor, positive), 0.2)
    for progress in (0.0, 0.24):
        assert torch.equal(loss_of(objective, anchor, positive, progress=progress), softmax)
    for progress, threshold in ((0.25, 0.0), (0.5, 0.25), (0.7, 0.45), (0.75, 0.5), (0.99, 0.5)):
        losses, checks = objective(pair_step(anchor, positive, progress=progress))
        assert checks["threshold"].item() == pytest.approx(threshold)
        expected = hardest_negative_contrastive_loss(anchor, positive, 0.8, threshold)
        assert losses["contrastive"].item() == pytest.approx(expected.item())


def test_without_a_ramp_the_threshold_comes_in_full_after_the_softmax():
    objective = paper(softmax_fraction=0.5)
    assert [objective.threshold_at(progress) for progress in (0.0, 0.49, 0.5, 0.6)] == [0.0, 0.0, 0.3, 0.3]


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
    assert loss_of(paper(**settings), anchor, positive).item() == pytest.approx(expected)
    assert loss_of(paper(), anchor, positive).item() != pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("hinge", ["one", "each"])
def test_random_negatives_depend_on_seed_and_step_alone(hinge):
    anchor, positive = embeddings(3)
    losses, again, other = (
        [
            loss_of(paper(seed, negatives="random", hinge=hinge, margin=2.0), anchor, positive, step=step)
            for step in range(8)
        ]
        for seed in (0, 0, 1)
    )
    assert losses == again
    assert len({loss.item() for loss in losses + other}) == 16  # neither seeds nor steps repeat each other
    hardest = loss_of(paper(hinge=hinge, margin=2.0), anchor, positive)
    assert all(loss < hardest for loss in losses)


def test_statistics_describe_the_batch():
    anchor, positive = embeddings(4)
    objective = paper(margin=1.95, threshold=1.85)
    anchor, positive = (view.clone().requires_grad_() for view in (anchor, positive))
    checks = objective(pair_step(anchor, positive)).checks
    d = loops.distances(anchor, positive)
    others = [d[i][k] for i in range(12) for k in range(12) if i != k]
    empty = [not loops.both_negatives(d, i, 1.85) for i in range(12)]
    assert checks["mean_distance"].item() == pytest.approx(sum(others) / len(others))
    assert checks["without_candidate"].item() == pytest.approx(sum(empty) / 12)
    assert 0 < checks["without_candidate"] < 1  # the case says something
    assert not any(value.requires_grad for value in checks.values())


def descend(objective, steps=150):
    """The mean distance after gradient steps on the embeddings, which start close together."""
    generator = torch.Generator().manual_seed(0)
    weight = 1 + 0.02 * torch.randn(2, 16, 8, generator=generator)
    weight.requires_grad_()
    optimiser = torch.optim.Adam([weight], lr=0.02)
    for step in range(steps):
        optimiser.zero_grad()
        views = torch.nn.functional.normalize(weight, dim=-1)
        losses, checks = objective(pair_step(*views, step=step, progress=step / steps))
        losses["contrastive"].backward()
        optimiser.step()
    return checks["mean_distance"].item()


def test_the_recipe_escapes_the_collapse_that_absorbs_the_papers_form():
    assert descend(paper()) < 0.1
    assert descend(Contrastive(softmax_fraction=1 / 3, threshold_fraction=1 / 3)) > 0.6


def test_coincident_embeddings_give_finite_terms():
    anchor = torch.ones(4, 3).div(math.sqrt(3)).requires_grad_()
    for negatives in ("hardest", "random", "all"):
        losses, checks = Contrastive(negatives=negatives, softmax_fraction=0.0)(pair_step(anchor, anchor.detach()))
        losses["contrastive"].backward()
        assert all(value.isfinite() for value in [*losses.values(), *checks.values()])
        assert anchor.grad.isfinite().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 0.6}, "0 <= threshold < margin must hold, got 0.6 and 0.6"),
        ({"threshold": -0.1}, "0 <= threshold"),
        ({"temperature": 0.0}, "temperature must be positive, got 0.0"),
        ({"threshold_quantile": 1.5}, "threshold_quantile must lie in 0 to 1, got 1.5"),
        ({"softmax_fraction": 2000.0}, "softmax_fraction 2000 and threshold_fraction 0.166667 are shares of the run"),
        ({"softmax_fraction": 0.7, "threshold_fraction": 0.4}, "add up to 1 at most"),
        ({"threshold_fraction": -5.0}, "two that are not negative"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InputError, match=message):
        Contrastive(**settings)


def test_one_pair_is_no_contrastive_batch():
    with pytest.raises(InputError, match=r"at least two pairs: set data.pairs"):
        Contrastive()(pair_step(torch.ones(1, 4), torch.ones(1, 4)))


@pytest.mark.parametrize("progress", [0.0, 0.99])
def test_in_other_than_logged_steps_the_loss_and_its_gradient_are_the_same(progress):
    rng = torch.Generator().manual_seed(5)
    views = [torch.nn.functional.normalize(torch.randn(9, 8, generator=rng), dim=1).requires_grad_() for _ in range(2)]
    logged, alone = (
        loss_of(Contrastive(), *views, progress=progress, is_logged=is_logged) for is_logged in (True, False)
    )
    assert torch.equal(logged, alone)
    for a, b in zip(torch.autograd.grad(logged, views), torch.autograd.grad(alone, views), strict=True):
        assert torch.equal(a, b)
    assert Contrastive()(pair_step(*views, progress=progress, is_logged=False)).checks == {}


SOFTMAX_CURVE = [3.558749031, 3.053950512, 3.25094023, 3.113856715]
CURVES = {
    "hardest": [1.703574955, 1.687038455, 1.789431817, 1.813800781, 1.795014001, 1.738710003, 1.84617754, 1.969862212],
    "random": [1.543570637, 1.515062188, 1.657712217, 1.635120938, 1.703034351, 1.577121743, 1.720608743, 1.819093318],
}
"""Total loss of 12 steps before the contrastive loss was an objective: the threshold grows in 4 after the softmax."""


@pytest.mark.parametrize("negatives", CURVES)
def test_the_curve_of_a_short_run_is_what_it_was(negatives):
    torch.manual_seed(0)
    objective = Contrastive(negatives=negatives, softmax_fraction=4 / 12, threshold_fraction=4 / 12)
    small = {"width": 8, "weights": "none", "image_size_px": 48, "embedding_dim": 16, "batchnorm_affine": True}
    module = MCSSModule(**small, objective=objective, objective_weight=1.0, seed=3).double()
    module.log = lambda *args, **kwargs: None
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    module.trainer = pl.Trainer(max_steps=12, accelerator="cpu", **quiet)
    module.pose_std_mm.fill_(300.0)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    rng = torch.Generator().manual_seed(1)
    losses = []
    for step in range(12):
        images = torch.randn(2 * 6 + 4, 3, 48, 48, generator=rng, dtype=torch.float64)
        poses = torch.randn(4, 17, 3, generator=rng, dtype=torch.float64) * 300
        loss = module.training_step(TrainBatch(images, 6, poses, torch.zeros(4, dtype=torch.bool), step), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == pytest.approx([*SOFTMAX_CURVE, *CURVES[negatives]], rel=1e-6)
