import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mcss.losses.contrastive import (
    candidate_negatives,
    contrastive_loss,
    effective_rank,
    effective_threshold,
    hardest_negative_contrastive_loss,
    off_diagonal,
    pairwise_distance,
    random_negative,
    softmax_contrastive_loss,
)
from tests.references import contrastive as loops
from tests.references import golden


def embeddings(seed, pairs=6, dim=4, spread=0.5):
    """Unit vectors of two views: positives are near their anchors, some pairs near each other."""
    generator = torch.Generator().manual_seed(seed)
    anchor = torch.randn(pairs, dim, dtype=torch.float64, generator=generator)
    anchor[1:2] = anchor[:1] + 0.05  # within most thresholds of the first pair
    positive = anchor + spread * torch.randn(pairs, dim, dtype=torch.float64, generator=generator)
    return torch.nn.functional.normalize(anchor, dim=-1), torch.nn.functional.normalize(positive, dim=-1)


def hinges(anchor, positive, squared=False, each=False, threshold=0.3):
    distance = pairwise_distance(anchor, positive)
    candidates = candidate_negatives(distance, threshold)
    negative = candidates.amin(-1) if each else candidates.flatten(1).amin(-1, keepdim=True)
    return contrastive_loss(distance.diagonal(), negative, 0.9, squared)


@pytest.mark.parametrize("part", golden.FILES)
def test_golden_values(part):
    arrays = golden.load(part)
    cases = zip(arrays["contrastive_batch_margin_threshold"], arrays["contrastive_loss"], strict=True)
    for (batch, margin, threshold), expected in cases:
        anchor, positive = (torch.tensor(arrays[f"{view}_{batch:.0f}"]).float() for view in ("anchor", "positive"))
        loss = hardest_negative_contrastive_loss(anchor, positive, float(margin), float(threshold))
        assert loss.item() == pytest.approx(expected, abs=1e-5)


@settings(deadline=None, max_examples=100)
@given(
    seed=st.integers(0, 10_000),
    pairs=st.integers(1, 8),
    margin=st.floats(0.1, 2),
    threshold=st.floats(0, 2),
    spread=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_hinge_losses_equal_loops(seed, pairs, margin, threshold, spread):
    anchor, positive = embeddings(seed, pairs, spread=spread)
    loss = hardest_negative_contrastive_loss(anchor, positive, margin, threshold).item()
    assert loss == pytest.approx(loops.hardest_negative(anchor, positive, margin, threshold), abs=1e-6)
    args = (anchor, positive, 0.9, 0.3)
    squared, each = hinges(anchor, positive, squared=True).item(), hinges(anchor, positive, each=True).item()
    assert squared == pytest.approx(loops.hardest_negative(*args, power=2), abs=1e-6)
    assert each == pytest.approx(loops.hardest_negative_each(*args), abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), pairs=st.integers(2, 8), temperature=st.floats(0.05, 2))
def test_softmax_equals_loops_over_cosines(seed, pairs, temperature):
    anchor, positive = embeddings(seed, pairs)
    loss = softmax_contrastive_loss(pairwise_distance(anchor, positive), temperature).item()
    assert loss == pytest.approx(loops.info_nce(anchor, positive, temperature), rel=1e-6)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(6)))
def test_losses_ignore_pair_order_and_which_view_is_called_anchor(seed, order):
    anchor, positive = embeddings(seed)

    def losses(anchor, positive):
        plain = hardest_negative_contrastive_loss(anchor, positive, 0.9, 0.3)
        softmax = softmax_contrastive_loss(pairwise_distance(anchor, positive), 0.1)
        return torch.stack([plain, hinges(anchor, positive, squared=True, each=True), softmax])

    expected = losses(anchor, positive)
    torch.testing.assert_close(losses(anchor[list(order)], positive[list(order)]), expected)
    torch.testing.assert_close(losses(positive, anchor), expected)


def test_a_negative_must_be_strictly_farther_than_the_threshold_and_another_pair():
    distance = torch.tensor([[0.9, 0.5, 0.6], [0.4, 0.9, 0.5], [0.8, 0.2, 0.9]])
    candidates = candidate_negatives(distance, 0.5)
    inf = math.inf
    assert candidates[0].tolist() == [[inf, inf, distance[0, 2]], [inf, inf, distance[2, 0]]]
    assert candidates[1].isinf().all()
    assert candidates[2].tolist() == [[distance[2, 0], inf, inf], [distance[0, 2], inf, inf]]


def test_off_diagonal_keeps_rows():
    matrix = torch.arange(9.0).reshape(3, 3)
    assert off_diagonal(matrix).tolist() == [[1, 2], [3, 5], [6, 7]]


FORMS = {
    "plain": lambda a, p: hardest_negative_contrastive_loss(a, p, 0.9, 0.3),
    "squared": lambda a, p: hinges(a, p, squared=True),
    "each": lambda a, p: hinges(a, p, each=True),
    "softmax": lambda a, p: softmax_contrastive_loss(pairwise_distance(a, p), 0.5),
}


@pytest.mark.parametrize("form", FORMS)
def test_gradients(form):
    anchor, positive = (view.requires_grad_() for view in embeddings(3))
    assert torch.autograd.gradcheck(FORMS[form], (anchor, positive))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("all_equal", [False, True])
def test_gradients_are_finite_where_embeddings_coincide(form, all_equal):
    anchor, _ = embeddings(4)
    anchor = (anchor[:1].expand(6, 4) if all_equal else anchor).clone().requires_grad_()
    positive = anchor.detach().clone().requires_grad_()
    loss = FORMS[form](anchor, positive)
    loss.backward()
    assert loss.isfinite()
    assert anchor.grad.isfinite().all()
    assert positive.grad.isfinite().all()


def test_small_distances_keep_their_digits_in_float32_and_under_autocast():
    anchor = torch.nn.functional.normalize(torch.randn(8, 128, generator=torch.Generator().manual_seed(0)), dim=-1)
    positive = anchor + 1e-4
    exact = (anchor.double().unsqueeze(1) - positive.double()).norm(dim=-1).float()
    torch.testing.assert_close(pairwise_distance(anchor, positive), exact, atol=0, rtol=1e-3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(pairwise_distance(anchor, positive), exact, atol=0, rtol=1e-3)
    assert pairwise_distance(anchor.bfloat16(), positive.bfloat16()).dtype == torch.float32


def test_threshold_is_limited_by_the_batch_own_distances():
    distance = pairwise_distance(*(view.requires_grad_() for view in embeddings(5, 20)))
    wide = effective_threshold(distance, 0.3, 0.9)
    assert wide.item() == pytest.approx(0.3)  # the batch is spread: the setting decides
    assert not wide.requires_grad
    contracted = effective_threshold(distance * 1e-3, 0.3, 0.1)
    hidden = (off_diagonal(distance * 1e-3) <= contracted).float().mean().item()
    assert hidden == pytest.approx(0.1, abs=0.01)
    assert effective_threshold(distance, 3.0, 1.0) == off_diagonal(distance).max()


def test_random_negatives_are_reproducible_uniform_and_only_candidates():
    candidates = torch.tensor([[math.inf, 0.1, 0.2, 0.3, math.inf], [math.inf] * 5]).repeat(3000, 1)
    first = random_negative(candidates, np.random.default_rng(0))
    assert torch.equal(first, random_negative(candidates, np.random.default_rng(0)))
    assert not torch.equal(first, random_negative(candidates, np.random.default_rng(1)))
    assert first[1::2].isinf().all()
    for value in (0.1, 0.2, 0.3):
        assert (first[::2] == value).float().mean().item() == pytest.approx(1 / 3, abs=0.04)


def test_effective_rank_tells_collapse_from_spread():
    line = torch.nn.functional.normalize(torch.ones(50, 16) + 1e-4 * embeddings(6, 50, 16)[0].float(), dim=-1)
    assert effective_rank(line).item() == pytest.approx(1, abs=0.05)
    orthogonal = torch.linalg.qr(embeddings(7, 16, 16)[0].float()).Q
    assert effective_rank(orthogonal[:, :5].repeat(3, 1)).item() == pytest.approx(5, abs=1e-3)
    share = np.array([3.0, 1.0]) / 4
    expected = math.exp(-(share * np.log(share)).sum())
    assert effective_rank(torch.diag(torch.tensor([3.0, 1.0]))).item() == pytest.approx(expected)
