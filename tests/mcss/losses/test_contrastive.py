import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mcss.losses.contrastive import (
    contrastive_loss,
    effective_rank,
    hardest_negative_contrastive_loss,
    softmax_contrastive_loss,
)
from mcss.losses.negatives import (
    distance,
    distances_to_learn_from,
    hardest_negatives,
    hide_non_negatives,
    pairwise_squared_distance,
    random_negatives,
)
from mcss.objectives.contrastive import Contrastive
from tests.references import contrastive as loops
from tests.references import golden
from tests.references.pair_steps import pair_step


def embeddings(seed, pairs=6, dim=4, spread=0.5):
    """Unit vectors of two views: positives are near their anchors, some pairs near each other."""
    generator = torch.Generator().manual_seed(seed)
    anchor = torch.randn(pairs, dim, dtype=torch.float64, generator=generator)
    anchor[1:2] = anchor[:1] + 0.05  # within most thresholds of the first pair
    positive = anchor + spread * torch.randn(pairs, dim, dtype=torch.float64, generator=generator)
    return torch.nn.functional.normalize(anchor, dim=-1), torch.nn.functional.normalize(positive, dim=-1)


def hinges(anchor, positive, squared=False, each=False, threshold=0.3):
    with torch.no_grad():
        candidates, _ = hide_non_negatives(pairwise_distance(anchor, positive).square(), threshold)
        chosen = hardest_negatives(candidates, each)
    return contrastive_loss(*distances_to_learn_from(anchor, positive, chosen), 0.9, squared)


def pairwise_distance(anchor, positive):
    return torch.tensor(loops.distances(anchor, positive))


def softmax(anchor, positive, temperature):
    return softmax_contrastive_loss(pairwise_squared_distance(anchor, positive), temperature)


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
    loss = softmax(anchor, positive, temperature).item()
    assert loss == pytest.approx(loops.info_nce(anchor, positive, temperature), rel=1e-6)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(6)))
def test_losses_ignore_pair_order_and_which_view_is_called_anchor(seed, order):
    anchor, positive = embeddings(seed)

    def losses(anchor, positive):
        plain = hardest_negative_contrastive_loss(anchor, positive, 0.9, 0.3)
        return torch.stack([plain, hinges(anchor, positive, squared=True, each=True), softmax(anchor, positive, 0.1)])

    expected = losses(anchor, positive)
    torch.testing.assert_close(losses(anchor[list(order)], positive[list(order)]), expected)
    torch.testing.assert_close(losses(positive, anchor), expected)


def test_a_negative_must_be_strictly_farther_than_the_threshold_and_another_pair():
    pairwise = torch.tensor([[0.9, 0.5, 0.6], [0.4, 0.9, 0.5], [0.8, 0.2, 0.9]])
    candidates = hide_non_negatives(pairwise.square(), 0.5)[0].sqrt()
    inf = math.inf
    assert candidates.tolist() == [[inf, inf, pytest.approx(0.6)], [inf, inf, inf], [pytest.approx(0.8), inf, inf]]
    # Pair 0: D[0, 2] of its anchor, D[2, 0] of its positive. Pair 1 has none. Pair 2: D[2, 0] and D[0, 2].
    one, both = hardest_negatives(candidates), hardest_negatives(candidates, each=True)
    assert one.absent.tolist() == [[False], [True], [False]]
    assert [(one.anchor[i].item(), one.positive[i].item()) for i in (0, 2)] == [(0, 2), (0, 2)]
    assert both.absent.tolist() == [[False] * 2, [True] * 2, [False] * 2]
    assert both.anchor[[0, 2]].tolist() == [[0, 2], [2, 0]]
    assert both.positive[[0, 2]].tolist() == [[2, 0], [0, 2]]


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000), pairs=st.integers(2, 9), threshold=st.floats(0, 1.5))
def test_chosen_negatives_lie_at_the_distances_that_loops_find(seed, pairs, threshold):
    anchor, positive = embeddings(seed, pairs)
    d = loops.distances(anchor, positive)
    candidates, _ = hide_non_negatives(pairwise_distance(anchor, positive).square(), threshold)
    random = random_negatives(candidates, np.random.default_rng(seed), each=True)
    choices = hardest_negatives(candidates), hardest_negatives(candidates, each=True), random
    found = [distances_to_learn_from(anchor, positive, chosen) for chosen in choices]
    one, each, drawn = (negative.view(pairs, -1) for _, negative in found)
    for i in range(pairs):
        assert found[0][0][i].item() == pytest.approx(d[i][i])
        sides = loops.negatives(d, i, threshold)
        assert one[i].item() == pytest.approx(min([*sides[0], *sides[1], math.inf]))
        for side, nearest, random in zip(sides, each[i].tolist(), drawn[i].tolist(), strict=True):
            assert nearest == pytest.approx(min([*side, math.inf]))
            assert any(random == pytest.approx(value) for value in side or [math.inf])


FORMS = {
    "plain": lambda a, p: hardest_negative_contrastive_loss(a, p, 0.9, 0.3),
    "squared": lambda a, p: hinges(a, p, squared=True),
    "each": lambda a, p: hinges(a, p, each=True),
    "softmax": lambda a, p: softmax(a, p, 0.5),
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
    positive = torch.nn.functional.normalize(anchor + 1e-4, dim=-1)
    exact = (anchor.double() - positive.double()).norm(dim=-1).float()
    torch.testing.assert_close(distance(anchor, positive), exact, atol=0, rtol=1e-3)
    assert distance(anchor.bfloat16(), positive.bfloat16()).dtype == torch.float32
    all_pairs = (anchor.double().unsqueeze(1) - positive.double()).square().sum(dim=-1).float()
    torch.testing.assert_close(pairwise_squared_distance(anchor, positive), all_pairs, atol=1e-6, rtol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(distance(anchor, positive), exact, atol=0, rtol=1e-3)
        torch.testing.assert_close(pairwise_squared_distance(anchor, positive), all_pairs, atol=1e-6, rtol=0)


PAPER = Contrastive(softmax_fraction=0.0)
MEMORY_OF = {
    "the paper's loss": lambda a, p: hardest_negative_contrastive_loss(a, p, 0.9, 0.3),
    "that of a run after its softmax phase": lambda a, p: PAPER(pair_step(a, p)).losses["contrastive"],
}


@pytest.mark.parametrize("name", MEMORY_OF)
def test_the_backward_pass_keeps_nothing_of_the_size_of_all_pairs(name):
    """Memory: only what is proportional to pairs x dimensions waits for the gradient."""
    sizes = []
    anchor, positive = (view.requires_grad_() for view in embeddings(8, 64, 4))
    with torch.autograd.graph.saved_tensors_hooks(
        lambda saved: sizes.append(saved.numel()) or saved, lambda saved: saved
    ):
        MEMORY_OF[name](anchor, positive).backward()
    assert 0 < max(sizes) <= 2 * 64 * 4 < 64 * 64


def test_threshold_is_limited_by_the_batch_own_distances():
    pairwise = pairwise_distance(*embeddings(5, 20))
    others = pairwise[~torch.eye(20, dtype=torch.bool)]

    def hidden(scale, threshold, quantile):
        """Share of the others that is hidden, and the threshold in effect."""
        candidates, squared = hide_non_negatives((scale * pairwise).square(), threshold, quantile)
        return (candidates.isinf().sum().item() - 20) / len(others), float(squared) ** 0.5

    assert hidden(1.0, 0.3, 0.9)[1] == pytest.approx(0.3)  # the batch is spread
    assert hidden(1e-3, 0.3, 0.1)[0] == pytest.approx(0.1, abs=0.01)  # contracted
    expected = np.quantile(others.numpy(), 0.37, method="lower")
    assert hidden(1.0, 3.0, 0.37)[1] == pytest.approx(expected)
    assert hidden(1.0, 3.0, 1.0) == pytest.approx((1.0, 3.0))  # no limit
    assert hidden(1.0, 0.0, 0.1) == (0.0, 0.0)


@pytest.mark.parametrize("each", [False, True])
def test_random_negatives_are_reproducible_uniform_and_only_candidates(each):
    inf = math.inf
    candidates = torch.tensor([[inf, 0.1, inf, 0.2], [0.3, inf, inf, inf], [inf] * 4, [inf, 0.4, inf, inf]])

    def draw(seed):
        rng = np.random.default_rng(seed)
        return [
            torch.stack(parts)
            for parts in zip(*(random_negatives(candidates, rng, each) for _ in range(1500)), strict=True)
        ]

    (anchor, positive, absent), again, other = draw(0), draw(0), draw(1)
    assert torch.equal(positive, again[1])
    assert not torch.equal(positive, other[1])
    assert absent[:, 2].all()
    # Pair 0: D[0, 1] and D[0, 3] of its anchor, D[1, 0] of its positive.
    share = 1 / 2 if each else 1 / 3
    for k in (1, 3):
        drawn = (anchor[:, 0, 0] == 0) & (positive[:, 0, 0] == k)
        assert drawn.float().mean().item() == pytest.approx(share, abs=0.05)
    drawn = (anchor[:, 0, -1] == 1) & (positive[:, 0, -1] == 0)
    assert drawn.float().mean().item() == pytest.approx(1 if each else share, abs=0.05)


def test_effective_rank_tells_collapse_from_spread():
    line = torch.nn.functional.normalize(torch.ones(50, 16) + 1e-4 * embeddings(6, 50, 16)[0].float(), dim=-1)
    assert effective_rank(line).item() == pytest.approx(1, abs=0.05)
    orthogonal = torch.linalg.qr(embeddings(7, 16, 16)[0].float()).Q
    assert effective_rank(orthogonal[:, :5].repeat(3, 1)).item() == pytest.approx(5, abs=1e-3)
    share = np.array([3.0, 1.0]) / 4
    expected = math.exp(-(share * np.log(share)).sum())
    assert effective_rank(torch.diag(torch.tensor([3.0, 1.0]))).item() == pytest.approx(expected)
