"""Figures of test images with their true and predicted poses; images are chosen by quantiles of the error."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.figure import Figure

from data_modules.store import Store
from mcss.run.predictions import Predictions, prediction_errors
from mcss.visualization.poses import pose_figure

SHOWN_QUANTILES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
"""Quantiles of the error at which the images of a figure are chosen."""
_COLOURS = "left blue, right red, truth dashed"


def at_quantiles(error: Float[np.ndarray, " images"]) -> Int[np.ndarray, " chosen"]:
    """Index of the image whose error is at each of ``SHOWN_QUANTILES``."""
    places = np.round(np.array(SHOWN_QUANTILES) * (len(error) - 1)).astype(int)
    return np.argsort(error, kind="stable")[places]


def images_of_rows(store: Store, rows: Int[np.ndarray, " chosen"]) -> UInt8[np.ndarray, "chosen side side 3"]:
    """RGB images of rows of a store, at the store's crop size."""
    return store.decode(rows, store.meta.crop_size_px)


def image_title(store: Store, row: int) -> str:
    """Subject, action and camera of an image."""
    return f"{store.subject[row]} {store.action[row]}\ncamera {store.camera[row]}"


def extreme_poses_figure(name: str, store: Store, frame: str, predictions: Predictions) -> Figure:
    """The three best, median and worst test images of a run by MPJPE (h36m16), with true and predicted poses."""
    error = prediction_errors(predictions)["mpjpe_mm"].to_numpy()
    ranked = np.argsort(error)[: len(error) - np.isnan(error).sum()]
    middle = len(ranked) // 2
    chosen = {"best": ranked[:3], "median": ranked[middle - 1 : middle + 2], "worst": ranked[-3:]}
    labels = [f"{group}: {error[index]:.0f} mm" for group, indices in chosen.items() for index in indices]
    heading = f"{name}: test images, MPJPE (h36m16, {frame} frame); {_COLOURS}"
    rows = np.concatenate(list(chosen.values()))
    return _poses_figure(store, {"prediction": predictions}, rows, labels, heading, frame)


def compared_poses_figure(store: Store, frame: str, runs: Mapping[str, Predictions]) -> Figure:
    """Test images at ``SHOWN_QUANTILES`` of the runs' mean MPJPE, with the truth and each run's prediction."""
    errors = {name: prediction_errors(content)["mpjpe_mm"].to_numpy() for name, content in runs.items()}
    chosen = at_quantiles(np.mean(list(errors.values()), axis=0))
    labels = [", ".join(f"{name} {error[index]:.0f}" for name, error in errors.items()) + " mm" for index in chosen]
    heading = (
        f"Test images at the {', '.join(f'{q:.0%}' for q in SHOWN_QUANTILES)} quantiles of the mean error;"
        f" MPJPE (h36m16, {frame} frame); {_COLOURS}"
    )
    return _poses_figure(store, runs, chosen, labels, heading, frame)


def _poses_figure(
    store: Store,
    runs: Mapping[str, Predictions],
    chosen: Int[np.ndarray, " chosen"],
    labels: Sequence[str],
    heading: str,
    frame: str,
) -> Figure:
    first = next(iter(runs.values()))
    rows = first["row"][chosen]
    titles = [f"{label}\n{image_title(store, row)}" for label, row in zip(labels, rows.tolist(), strict=True)]
    poses_pred = {name: _with_z_up(content["pose_pred_mm"][chosen], frame) for name, content in runs.items()}
    pose_true = _with_z_up(first["pose_true_mm"][chosen], frame)
    return pose_figure(images_of_rows(store, rows), pose_true, poses_pred, titles, heading)


def _with_z_up(pose: Float[np.ndarray, "poses 17 3"], frame: str) -> Float[np.ndarray, "poses 17 3"]:
    """Poses for drawing, seen from the front; in the axes of a camera y points down, and z away from it."""
    return pose[..., [0, 2, 1]] * np.array([1, 1, -1], pose.dtype) if frame == "camera" else pose
