"""PA-MPJPE of many poses against singular value decompositions, batched in numpy and one pose at a time."""

import numpy as np
import torch

from benchmarks.timing import Comparison, compare
from mcss.metrics.functional import pa_mpjpe

POSES, LOOP_POSES, TOLERANCE_MM = 100_000, 5_000, 1e-6


def numpy_pa_mpjpe(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Batched: centre, decompose the covariances, mend reflections, scale, measure. Works on one pose too."""
    pred_centred = pred - pred.mean(axis=-2, keepdims=True)
    target_centre = target.mean(axis=-2, keepdims=True)
    u, singular, vh = np.linalg.svd(np.swapaxes(pred_centred, -1, -2) @ (target - target_centre))
    sign = np.ones_like(singular)
    sign[..., 2] = np.sign(np.linalg.det(u @ vh))
    scale = (singular * sign).sum(-1) / np.square(pred_centred).sum((-1, -2))
    aligned = scale[..., None, None] * (pred_centred @ ((u * sign[..., None, :]) @ vh)) + target_centre
    return np.linalg.norm(aligned - target, axis=-1).mean(-1)


def measure() -> list[Comparison]:
    """Both comparisons, on one set of float64 poses; the results are seen to be equal first."""
    generator = np.random.default_rng(0)
    target = 300 * generator.standard_normal((POSES, 17, 3))
    pred = target + 65 * generator.standard_normal(target.shape)
    pred_t, target_t = torch.from_numpy(pred), torch.from_numpy(target)
    difference_mm = np.abs(numpy_pa_mpjpe(pred, target) - pa_mpjpe(pred_t, target_t).numpy()).max()
    assert difference_mm < TOLERANCE_MM, difference_mm

    def loop() -> list[np.ndarray]:
        return [numpy_pa_mpjpe(p, g) for p, g in zip(pred[:LOOP_POSES], target[:LOOP_POSES], strict=True)]

    def ours_on_as_many() -> torch.Tensor:
        return pa_mpjpe(pred_t[:LOOP_POSES], target_t[:LOOP_POSES])

    return [
        compare(
            f"PA-MPJPE, {POSES:,} poses",
            lambda: pa_mpjpe(pred_t, target_t),
            lambda: numpy_pa_mpjpe(pred, target),
            "batched numpy SVD",
            wanted=2,
        ),
        compare(
            f"PA-MPJPE, {LOOP_POSES:,} poses", ours_on_as_many, loop, "a numpy SVD for each pose", rounds=5, wanted=20
        ),
    ]
