"""Error against the amount of 3D labels (the paper's Fig. 3)."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_PUBLISHED_LEVELS = ("S1", "all")
_COLOURS = {
    "MCSS": "tab:blue",
    "baseline": "tab:orange",
    "MCSS plus": "tab:green",
    "baseline, all images seen": "tab:red",
}
_LINE_STYLES = ("-", "--", ":", "-.")


def supervision_curve(points: Mapping[str, pd.DataFrame], published: pd.DataFrame, data: str) -> Figure:
    """Panels of N-MPJPE in mm: this project's (h36m16, mean over images) on new and on filmed people, published ones.

    Each supervision level has its own position on the horizontal axis, also if two levels have equally many labels.

    Args:
        points: for each kind of people, a row for each point, with columns ``curve`` (name of its line),
            ``supervision``, ``labelled_instants``, ``mean_mm``, ``sd_mm`` (standard deviation over seeds; NaN for one)
            and ``seeds``.
        published: rows with ``curve``, ``supervision`` and ``mean_mm``, as published on Human3.6M.
        data: name of the data set of ``points``.
    """
    figure = Figure(figsize=(13, 4), layout="constrained")
    *ours, theirs = figure.subplots(1, len(points) + 1, width_ratios=[*(2 for _ in points), 1])
    for axes, (people, values) in zip(ours, points.items(), strict=True):
        _draw_points(axes, values)
        axes.set_title(f"this project, {data}: {people} people", fontsize=9)
        axes.set_ylabel("N-MPJPE, mm (h36m16, micro, canonical)", fontsize=8)
    for name, line in published.groupby("curve", sort=False):
        value = line.drop_duplicates("supervision").set_index("supervision")["mean_mm"].to_dict()
        levels = [level for level in _PUBLISHED_LEVELS if level in value]
        theirs.plot(
            levels, [value[level] for level in levels], "o", markersize=5, color=_COLOURS.get(str(name)), label=name
        )
    theirs.margins(x=0.3)
    theirs.set_title("published, Human3.6M", fontsize=9)
    theirs.set_ylabel("N-MPJPE, mm, as published", fontsize=8)
    for axes in (*ours, theirs):
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend(fontsize=7)
    return figure


def _draw_points(axes: Axes, points: pd.DataFrame) -> None:
    levels = points.drop_duplicates("supervision").sort_values(["labelled_instants", "supervision"])
    place = {level: index for index, level in enumerate(levels["supervision"])}
    drawn = Counter[str]()  # lines of a method whose runs differ in their settings
    for name, line in points.assign(place=points["supervision"].map(place)).sort_values("place").groupby("curve"):
        label = f"{name}, n = {', '.join(map(str, sorted(set(line['seeds']))))}"
        spread, method = line["sd_mm"].fillna(0.0), str(name).partition(" (")[0]
        drawn[method] += 1
        style: dict[str, Any] = {
            "marker": "o",
            "markersize": 4,
            "capsize": 3,
            "color": _COLOURS.get(method),
            "linestyle": _LINE_STYLES[(drawn[method] - 1) % len(_LINE_STYLES)],
            "label": label,
        }
        axes.errorbar(line["place"], line["mean_mm"], spread, **style)
    labels = [f"{row.supervision}\n{row.labelled_instants:,.0f}" for row in levels.itertuples()]
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set_xlabel("supervision level, and its instants with 3D labels", fontsize=8)
