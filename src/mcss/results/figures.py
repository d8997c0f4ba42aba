"""Figures of finished runs: test images with predicted poses, of one run or of several side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from matplotlib.figure import Figure

from data_modules.store import Store
from mcss.errors import InputError
from mcss.metrics.functional import mpjpe
from mcss.results.tested_run import read_tested_run
from mcss.run.history import MetricsHistory, read_history
from mcss.skeleton import joint_indices
from mcss.visualization.curves import compared_curves_figure
from mcss.visualization.poses import pose_figure

COMPARED_QUANTILES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
"""Where, in the order of the runs' mean error, the test images of a comparison lie."""
_LEGEND = "left blue, right red, truth dashed"


def test_poses_figure(name: str, store: Store, frame: str, predictions: Mapping[str, np.ndarray]) -> Figure:
    """Best, median and worst three test images of a run, by MPJPE (h36m16), with the true and the predicted pose.

    ``predictions`` is the content of the run's ``test_predictions.npz``, in mm in ``frame``.
    """
    error = pose_errors_mm(predictions)
    ranked = np.argsort(error)
    middle = len(ranked) // 2
    groups = {"best": ranked[:3], "median": ranked[middle - 1 : middle + 2], "worst": ranked[-3:]}
    chosen = np.concatenate(list(groups.values()))
    labels = [f"{group}: {error[index]:.0f} mm" for group, indices in groups.items() for index in indices]
    rows = predictions["row"][chosen]
    heading = f"{name}: test images, MPJPE (h36m16, {frame} frame); {_LEGEND}"
    poses_pred = {"prediction": predictions["pose_pred_mm"][chosen]}
    return pose_figure(
        images_of_rows(store, rows),
        predictions["pose_true_mm"][chosen],
        poses_pred,
        _titles(store, rows, labels),
        heading,
    )


def write_comparison(runs: Mapping[str, Path], into: Path) -> None:
    """Write ``compared_poses.png`` (paper, Fig. 4) and ``compared_curves.png`` of tested runs, given by name.

    The test images are chosen by rule: those at ``COMPARED_QUANTILES`` of the runs' mean MPJPE.

    Raises:
        InputError: the runs were not tested on the same images, in the same frame; a file of a run is absent.
    """
    tested = {name: read_tested_run(folder) for name, folder in runs.items()}
    first = next(iter(tested.values()))
    if len({(run.record["test_data_hash"], run.record["frame"]) for run in tested.values()}) > 1:
        raise InputError(f"{', '.join(map(str, runs.values()))}: tested on other data or in other frames")
    predictions = {name: run.predictions for name, run in tested.items()}
    compared_poses_figure(first.open_store(), first.record["frame"], predictions).savefig(
        into / "compared_poses.png", dpi=110
    )
    histories = {name: read_history(folder / MetricsHistory.FILE) for name, folder in runs.items()}
    compared_curves_figure(histories).savefig(into / "compared_curves.png", dpi=130)


def compared_poses_figure(store: Store, frame: str, predictions: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Test images at ``COMPARED_QUANTILES`` of the runs' mean MPJPE, with the truth and each run's prediction."""
    errors = {name: pose_errors_mm(content) for name, content in predictions.items()}
    chosen = at_quantiles(np.mean(list(errors.values()), axis=0))
    first = next(iter(predictions.values()))
    labels = [", ".join(f"{name} {error[index]:.0f}" for name, error in errors.items()) + " mm" for index in chosen]
    rows = first["row"][chosen]
    heading = (
        f"Test images at the {', '.join(f'{q:.0%}' for q in COMPARED_QUANTILES)} quantiles of the mean error;"
        f" MPJPE (h36m16, {frame} frame); {_LEGEND}"
    )
    poses_pred = {name: content["pose_pred_mm"][chosen] for name, content in predictions.items()}
    return pose_figure(
        images_of_rows(store, rows), first["pose_true_mm"][chosen], poses_pred, _titles(store, rows, labels), heading
    )


def at_quantiles(error: Float[np.ndarray, " images"]) -> Int[np.ndarray, " chosen"]:
    """Index of the image at each of ``COMPARED_QUANTILES`` of ``error``."""
    places = np.round(np.array(COMPARED_QUANTILES) * (len(error) - 1)).astype(int)
    return np.argsort(error, kind="stable")[places]


def pose_errors_mm(predictions: Mapping[str, np.ndarray]) -> Float[np.ndarray, " images"]:
    """MPJPE of each image (h36m16); the poses' pelvis is at 0."""
    joints = list(joint_indices("h36m16"))
    pred, true = (torch.from_numpy(predictions[name][:, joints]) for name in ("pose_pred_mm", "pose_true_mm"))
    return mpjpe(pred, true).numpy()


def _titles(store: Store, rows: Int[np.ndarray, " chosen"], labels: Sequence[str]) -> list[str]:
    return [
        f"{label}\n{store.subject[row]} {store.action[row]}\ncamera {store.camera[row]}"
        for label, row in zip(labels, rows, strict=True)
    ]


def images_of_rows(store: Store, rows: Int[np.ndarray, " chosen"]) -> UInt8[np.ndarray, "chosen side side 3"]:
    """RGB images of these rows, at the size of the store."""
    return store.decode(rows, store.meta.crop_size_px).permute(0, 2, 3, 1).numpy()
