"""Figures of losses and errors against steps."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_PANELS = (
    ("training loss", ("train/loss", "train/loss_pose", "train/loss_contrastive"), ""),
    ("validation clips", ("val/mpjpe_mm", "val/n_mpjpe_mm", "val/pa_mpjpe_mm"), "mm, h36m16, micro"),
    ("embedding, validation clips", ("val/mean_distance",), "mean distance of two images"),
)
_COMPARED = (
    ("training, pose loss", "train/loss_pose", ""),
    ("validation clips, N-MPJPE", "val/n_mpjpe_mm", "mm, h36m16, micro"),
    ("embedding, validation clips", "val/mean_distance", "mean distance of two images"),
)


def curves_figure(history: Mapping[int, Mapping[str, float]], heading: str) -> Figure:
    """Three panels of a ``MetricsHistory``: losses (smoothed, raw values pale), errors, spread of the embedding."""
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    figure.suptitle(heading, fontsize=10)
    for axes, (title, names, unit) in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        for name in names:
            _draw(axes, history, name, label=name.partition("/")[2])
        _finish(axes, title, unit)
    return figure


def compared_curves_figure(histories: Mapping[str, Mapping[int, Mapping[str, float]]]) -> Figure:
    """Three panels with a line for each run: pose loss, error and spread of the embedding on validation clips.

    Args:
        histories: a ``MetricsHistory`` by the run's name.
    """
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    for axes, (title, name, unit) in zip(figure.subplots(1, len(_COMPARED)), _COMPARED, strict=True):
        for run, history in histories.items():
            _draw(axes, history, name, label=run)
        _finish(axes, title, unit)
    return figure


def _draw(axes: Axes, history: Mapping[int, Mapping[str, float]], name: str, label: str) -> None:
    points = [(step, row[name]) for step, row in sorted(history.items()) if name in row]
    if not points:
        return
    steps, values = (np.array(column) for column in zip(*points, strict=True))
    if len(points) > 40:
        line = axes.plot(steps, values, alpha=0.25, linewidth=0.8)[0]
        window = len(points) // 20
        smooth = np.convolve(values, np.ones(window) / window, mode="valid")
        axes.plot(steps[window - 1 :], smooth, color=line.get_color(), label=label)
    else:
        axes.plot(steps, values, marker="o", markersize=3, label=label)


def _finish(axes: Axes, title: str, unit: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("step", fontsize=8)
    axes.set_ylabel(unit, fontsize=8)
    axes.grid(alpha=0.3)
    if axes.has_data():
        axes.legend(fontsize=7)
