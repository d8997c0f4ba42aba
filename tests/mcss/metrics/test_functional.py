import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mcss.metrics import functional
from tests.references import golden, pose_errors

NAMES = ("mpjpe", "n_mpjpe", "pa_mpjpe")


def poses(seed, count=6):
    return 300 * torch.randn(count, 17, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("part", golden.FILES)
@pytest.mark.parametrize("name", NAMES)
def test_golden_values(name, part):
    arrays = golden.load(part)
    error = getattr(functional, name)(torch.tensor(arrays["pred_mm"]), torch.tensor(arrays["target_mm"]))
    torch.testing.assert_close(error, torch.tensor(arrays[f"{name}_mm"]), atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), likeness=st.floats(-2, 2))
def test_errors_equal_loops(seed, likeness):
    pred, target = poses(seed), poses(seed + 1)
    pred = pred + likeness * target
    for name in NAMES:
        expected = torch.tensor(getattr(pose_errors, name)(pred, target), dtype=torch.float64)
        torch.testing.assert_close(getattr(functional, name)(pred, target), expected, atol=1e-7, rtol=0)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3), shift=st.floats(-5000, 5000))
def test_invariances(seed, scale, shift):
    pred, target = poses(seed), poses(seed + 1)
    turn = torch.from_numpy(Rotation.random(rng=seed).as_matrix())
    torch.testing.assert_close(functional.n_mpjpe(scale * pred, target), functional.n_mpjpe(pred, target))
    torch.testing.assert_close(
        functional.pa_mpjpe(scale * pred @ turn.T + shift, target), functional.pa_mpjpe(pred, target)
    )


def test_what_each_error_does_not_forgive():
    target = poses(1)
    mirrored = target * torch.tensor([-1.0, 1, 1])
    assert (functional.pa_mpjpe(mirrored, target) > 50).all()
    assert (functional.n_mpjpe(target + 100, target) > 50).all()  # a translation: nothing is re-rooted
    torch.testing.assert_close(functional.mpjpe(target + 100, target), torch.full((6,), 3**0.5 * 100).double())
    torch.testing.assert_close(functional.pa_mpjpe(poses(2), 2 * target), 2 * functional.pa_mpjpe(poses(2), target))


def test_a_negative_scale_is_least_squares_too():
    # The best multiple of -g is -1 times it: the error vanishes, as in the definition's formula.
    assert functional.n_mpjpe(-poses(3), poses(3)).abs().max() < 1e-9


def test_single_points_have_the_error_of_their_best_placement():
    target, point = poses(4), torch.full((6, 17, 3), 70.0, dtype=torch.float64)
    centroid = target.mean(dim=1, keepdim=True).expand_as(target)
    torch.testing.assert_close(functional.pa_mpjpe(point, target), functional.mpjpe(centroid, target))
    torch.testing.assert_close(functional.pa_mpjpe(target, point), torch.zeros(6).double(), atol=1e-9, rtol=0)
    at_origin = torch.zeros_like(target)
    torch.testing.assert_close(functional.n_mpjpe(at_origin, target), target.norm(dim=-1).mean(dim=-1))


def test_float32_far_from_the_origin_is_computed_in_float64():
    pred, target = (poses(5) + 5000).float(), (poses(6) + 5000).float()
    for name in NAMES:
        error = getattr(functional, name)
        assert torch.equal(error(pred, target), error(pred.double(), target.double()))
        assert error(pred[:0], target[:0]).shape == (0,)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("argument", [0, 1])
def test_a_nan_is_an_error(name, argument):
    pair = [poses(7), poses(8)]
    pair[argument][2, 5, 1] = torch.nan
    with pytest.raises(ValueError, match=f"1 of 6 poses of argument {argument} .* the first is pose 2"):
        getattr(functional, name)(*pair)
