"""Figures of an embedding: retrieval curves and galleries, distances, map (paper, Figs. 1b, 5, 6, 7)."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Curve = Float[np.ndarray, "ks 3"]
"""Value, low and high end of its interval, for each K."""

_MARKERS = "osv^Dx+*<>"


def at_k_figure(
    ks: Sequence[int], panels: Mapping[str, Mapping[str, Curve]], references: Mapping[str, str], unit: str
) -> Figure:
    """Mean PA-MPJPE against K (paper, Fig. 6): one panel for each case, one line for each ranking.

    Args:
        ks: numbers of nearest images.
        panels: by case, the curves by name.
        references: line style of the curves that are references, by name.
        unit: what the vertical axis shows.
    """
    figure = Figure(figsize=(3.7 * len(panels), 3.6), layout="constrained")
    row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (case, curves) in zip(row, panels.items(), strict=True):
        for name, curve in curves.items():
            value, low, high = curve.T
            style = {"color": "0.35", "linestyle": references[name]} if name in references else {"marker": "o"}
            line = axes.plot(range(len(ks)), value, markersize=4, label=name, **style)[0]
            axes.fill_between(range(len(ks)), low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        axes.set_title(case, fontsize=9)
        axes.set_xticks(range(len(ks)), [str(k) for k in ks])
        axes.set_xlabel("K nearest images", fontsize=8)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.label_outer()
    axes = figure.axes[0]
    axes.set_ylabel(unit, fontsize=8)
    figure.legend(*axes.get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=4)
    return figure


def gallery_figure(
    queries: UInt8[np.ndarray, "queries height width 3"],
    retrieved: UInt8[np.ndarray, "ranks queries height width 3"],
    query_titles: Sequence[str],
    retrieved_titles: Sequence[Sequence[str]],
    heading: str,
) -> Figure:
    """One column for each query: its image above the nearest ones (paper, Fig. 5); no image for empty titles."""
    rows, columns = 1 + len(retrieved), len(queries)
    figure = Figure(figsize=(1.5 * columns, 1.85 * rows + 0.4), layout="constrained")
    figure.suptitle(heading, fontsize=9)
    grid = figure.subplots(rows, columns, squeeze=False)
    titles = [query_titles, *retrieved_titles]
    for row, images in enumerate([queries, *retrieved]):
        for column in range(columns):
            axes = grid[row, column]
            if titles[row][column]:
                axes.imshow(images[column], interpolation="nearest")
            axes.set_title(titles[row][column], fontsize=7)
            _frame(axes, "black" if row == 0 else "0.75", width=2.0 if row == 0 else 0.8)
        grid[row, 0].set_ylabel("query" if row == 0 else f"nearest {row}", fontsize=8)
    return figure


def distance_by_pose_figure(views: Mapping[str, Float[np.ndarray, "3 bins"]], heading: str) -> Figure:
    """Embedding distance against pose distance (paper, Fig. 7): one line for each view, with standard deviation.

    Args:
        views: centre of the bins in mm, mean and standard deviation of the distance, by the view's name.
        heading: of the figure.
    """
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    axes = figure.subplots()
    styles = itertools.cycle(("o-", "x--"))  # the lines may overlap
    for name, (centre_mm, mean, deviation) in views.items():
        line = axes.plot(centre_mm, mean, next(styles), markersize=4, label=name)[0]
        axes.fill_between(
            centre_mm, mean - deviation, mean + deviation, color=line.get_color(), alpha=0.15, linewidth=0
        )
    axes.set_title(heading, fontsize=8)
    axes.set_xlabel("pose distance to the query: MPJPE, mm (h36m16, canonical)", fontsize=8)
    axes.set_ylabel("embedding distance", fontsize=8)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    return figure


def map_figure(
    place: Float[np.ndarray, "images 2"],
    action: Shaped[np.ndarray, " images"],
    camera: Shaped[np.ndarray, " images"],
    subject: Shaped[np.ndarray, " images"],
    heading: str,
) -> Figure:
    """Map of images, one panel for each subject; colours are actions, markers cameras (paper, supplement)."""
    subjects, actions, cameras = (np.unique(values) for values in (subject, action, camera))
    figure = Figure(figsize=(4.6 * len(subjects) + 1.8, 4.8), layout="constrained")
    figure.suptitle(heading, fontsize=9)
    colours = colormaps["tab20"](np.arange(len(actions)) % 20)
    for axes, name in zip(
        figure.subplots(1, len(subjects), sharex=True, sharey=True, squeeze=False)[0], subjects, strict=True
    ):
        for view, marker in zip(cameras, _MARKERS, strict=False):
            shown = (subject == name) & (camera == view)
            colour = colours[np.searchsorted(actions, action[shown])]
            axes.scatter(*place[shown].T, c=colour, marker=marker, s=11, linewidths=0.6)
        axes.set_title(f"subject {name}", fontsize=9)
        _frame(axes, "0.75", width=0.8)
    handles = [axes.scatter([], [], color=c, s=24, label=a) for a, c in zip(actions, colours, strict=True)]
    handles += [
        axes.scatter([], [], color="0.3", marker=marker, s=20, label=f"camera {view}")
        for view, marker in zip(cameras, _MARKERS, strict=False)
    ]
    figure.legend(handles=handles, fontsize=7, loc="outside right center")
    return figure


def distance_matrix_figure(
    first: UInt8[np.ndarray, "instants height width 3"],
    second: UInt8[np.ndarray, "instants height width 3"],
    distance: Float[np.ndarray, "instants instants"],
    views: tuple[str, str],
    heading: str,
) -> Figure:
    """Distances between images of a few instants; rows are one view, columns the other (paper, Fig. 1b)."""
    count = len(distance)
    figure = Figure(figsize=(1.15 * (count + 1), 1.15 * (count + 1) + 0.5), layout="constrained")
    figure.suptitle(heading, fontsize=9)
    grid = figure.subplots(count + 1, count + 1)
    colours = colormaps["viridis_r"](distance / distance.max())
    for row, column in np.ndindex(count + 1, count + 1):
        axes = grid[row, column]
        _frame(axes, "0.75", width=0.8)
        if row and column:
            axes.set_facecolor(colours[row - 1, column - 1])
            dark = colours[row - 1, column - 1, :3].mean() < 0.5
            axes.text(
                0.5,
                0.5,
                f"{distance[row - 1, column - 1]:.2f}",
                ha="center",
                va="center",
                color="white" if dark else "black",
                fontweight="bold" if row == column else "normal",
            )
        elif row or column:
            axes.imshow(first[row - 1] if row else second[column - 1], interpolation="nearest")
    grid[0, 0].text(0.5, 0.5, f"{views[0]} (down)\n{views[1]} (across)", ha="center", va="center", fontsize=6)
    return figure


def _frame(axes: Axes, colour: str, width: float) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=colour, linewidth=width)
