"""Error against the amount of 3D labels (the paper's Fig. 3)."""

import statistics

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcss.results.collect import Rows

METHODS = {"mcss": ("MCSS", "tab:blue"), "baseline": ("baseline", "tab:orange")}
"""Methods of the curve: name in the legend and colour."""
PUBLISHED_LEVELS = ("S1", "all")


def supervision_curve(rows: Rows, published: Rows, data: str) -> Figure:
    """Two panels of N-MPJPE (mm; test subjects): ours (h36m16, micro), and what was published on Human3.6M.

    Args:
        rows: lines of ``runs.csv``; each point is the mean over the seeds of a method and level, its bar their
            standard deviation.
        published: lines of ``experiments/paper_reference.csv``.
        data: name of the data set of ``rows``.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    ours, theirs = figure.subplots(1, 2, width_ratios=(2, 1))
    _draw_ours(ours, rows)
    ours.set_title(f"this project, {data}", fontsize=9)
    _draw_published(theirs, published)
    ours.set_ylabel("N-MPJPE, mm (h36m16, micro, canonical)", fontsize=8)
    theirs.set_title("published, Human3.6M", fontsize=9)
    theirs.set_ylabel("N-MPJPE, mm, as published", fontsize=8)
    for axes in (ours, theirs):
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend(fontsize=8)
    return figure


def _draw_ours(axes: Axes, rows: Rows) -> None:
    levels: dict[int, str] = {}
    for method, (name, color) in METHODS.items():
        errors: dict[int, list[float]] = {}
        for row in rows:
            if row["method"] == method:
                errors.setdefault(int(row["labelled_instants"]), []).append(float(row["n_mpjpe_mm"]))
                levels[int(row["labelled_instants"])] = row["supervision"]
        if not errors:
            continue
        labels = sorted(errors)
        means = [statistics.mean(errors[label]) for label in labels]
        spreads = [statistics.stdev(errors[label]) if len(errors[label]) > 1 else 0.0 for label in labels]
        axes.errorbar(labels, means, spreads, marker="o", markersize=4, capsize=3, color=color, label=name)
    axes.set_xscale("log")
    axes.set_xticks(sorted(levels), [f"{levels[label]}\n{label:,}" for label in sorted(levels)], fontsize=8)
    axes.minorticks_off()
    axes.set_xlabel("instants with 3D labels", fontsize=8)


def _draw_published(axes: Axes, published: Rows) -> None:
    for method, (name, color) in METHODS.items():
        value = {
            row["supervision"]: float(row["n_mpjpe_mm"])
            for row in published
            if (row["dataset"], row["method"]) == ("h36m", method) and row["n_mpjpe_mm"]
        }
        levels = [level for level in PUBLISHED_LEVELS if level in value]
        axes.plot(levels, [value[level] for level in levels], "o", markersize=5, color=color, label=name)
    axes.margins(x=0.3)
