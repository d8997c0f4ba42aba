"""``make filming``: the studies of how to film, from the tables of their runs: points, a figure, text of pages."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from data_modules.store import open_store
from data_modules.store.format import STORE_FILE
from mcss.errors import InputError, message_in_one_line
from mcss.results.headlines import PEOPLE
from mcss.results.record import read_table
from mcss.results.table import write_into

PAGES = {"filming": "filming.md", "calibration": "studio.md"}
"""Page with the block of each name."""
POINTS_FILE, FIGURE_FILE = "points.csv", "filming.png"
FIGURE = f"![Error on new and on filmed people in every study](../experiments/results/filming/{FIGURE_FILE})"
NOT_MEASURED = "Not measured yet."
_TABLE = re.compile(r"([a-z]+)-draw(\d+)")
_PLACE = ["study", "draw", "place"]
_MEASURED = {
    "validation people": ("validation_mpjpe_mm", "validation_mean_pose_mpjpe_mm"),
    "test people": ("mpjpe_mm", "mean_pose_mpjpe_mm"),
}
"""Of the calibration: columns of the MPJPE on people whom nothing is trained on, and of the mean pose on the same."""


class Study(NamedTuple):
    """What a study varies.

    Attributes:
        place: value on the horizontal axis of a run, from its settings and the name of the store that it trained on.
    """

    heading: str
    place: Callable[[dict[str, Any], str], float]


def _number_in(store: str, otherwise: float) -> float:
    return float(re.sub(r"\D", "", store) or otherwise)


STUDIES = {
    "people": Study("people filmed without labels", lambda settings, _: len(settings["data.subjects"]) - 1),
    "cameras": Study("cameras", lambda settings, _: 6 - len(settings.get("data.leave_out_cameras", ()))),
    "minutes": Study("minutes filmed per person", lambda _, store: _number_in(store, 8.0)),
    "sync": Study("synchronisation error between cameras, ms", lambda _, store: _number_in(store, 0.0)),
}


def study_points(folder: Path, stores: Path) -> pd.DataFrame:
    """A row for each place of each study and draw: mean over seeds of the errors in mm, also of each person.

    Rows of ``points.csv`` stay where the stores that their runs trained on are no longer there.
    """
    path = folder / POINTS_FILE
    known = pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=_PLACE)
    rows = []
    for table in sorted(folder.glob("*/runs.csv")):
        name = _TABLE.fullmatch(table.parent.name)
        if name and name[1] in STUDIES:
            found = _points_of(table, STUDIES[name[1]], stores / f"draw{name[2]}")
            rows += [{"study": name[1], "draw": int(name[2]), **point} for point in found]
    points = pd.DataFrame(rows, columns=None if rows else _PLACE).groupby(_PLACE, as_index=False).mean()
    renewed = known.set_index(_PLACE[:2]).index.isin(points.set_index(_PLACE[:2]).index)
    kept = [part for part in (known[~renewed], points) if len(part)]
    if not kept:
        return points
    points = pd.concat(kept).sort_values(_PLACE).reset_index(drop=True)
    points.to_csv(path, index=False, lineterminator="\n")
    return points


def _points_of(table: Path, study: Study, stores: Path) -> list[dict[str, float]]:
    names = {open_store(path.parent).content_hash: path.parent.name for path in stores.glob(f"*/{STORE_FILE}")}
    points = []
    for _, run in read_table(table).iterrows():
        settings = json.loads(run["settings"])
        store = names.get(settings["data.labelled_store"])
        if store is None or run["partial"] != "no":
            continue
        columns = [str(name) for name in run.index if str(name).partition(":")[0] in PEOPLE.values()]
        errors = {name: float(pd.to_numeric(run[name], errors="coerce")) for name in columns}
        points.append({"place": float(study.place(settings, store)), **errors})
    return points


def filming_figure(points: pd.DataFrame) -> Figure:
    """A panel for each study: N-MPJPE (h36m16, mean over images) on new and on filmed people, mean and single draws."""
    names = [name for name in STUDIES if (points["study"] == name).any()]
    figure = Figure(figsize=(3.4 * len(names), 3.4), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, names, strict=True):
        shown = points[points["study"] == name]
        places = sorted(shown["place"].unique())
        position = shown["place"].map(places.index)
        for colour, (who, metric) in zip(("tab:blue", "tab:orange"), PEOPLE.items(), strict=True):
            for _, line in shown.assign(position=position).groupby("draw"):
                axes.plot(line["position"], line[metric], "o-", color=colour, alpha=0.35, linewidth=1, markersize=3)
            mean = shown[metric].groupby(position).mean()
            axes.plot(mean.index, mean, color=colour, linewidth=2, label=f"{who} people")
        axes.set_xticks(range(len(places)), [f"{place:g}" for place in places])
        draws = shown["draw"].nunique()
        axes.set_title(f"{draws} draw{'s' if draws > 1 else ''}", fontsize=9)
        axes.set_xlabel(STUDIES[name].heading, fontsize=9)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("N-MPJPE, mm")
    panels[0].legend(fontsize=8)
    return figure


def filming_text(points: pd.DataFrame) -> str:
    """Figure and Markdown tables of the studies: mean over draws of each point, and the range of the draws."""
    parts = [FIGURE]
    for name, study in STUDIES.items():
        shown = points[points["study"] == name]
        if not len(shown):
            continue
        rows = [
            {study.heading: f"{place:g}", "draws": len(group)}
            | {f"{who} people, mm": _with_range(group[metric]) for who, metric in PEOPLE.items()}
            | {f"each of the {who}": _each(group, metric) for who, metric in PEOPLE.items()}
            for place, group in shown.groupby("place")
        ]
        parts.append(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))
    return "\n\n".join(parts)


def _with_range(error: pd.Series) -> str:
    """Text such as ``97.0 (95.1 to 99.4)``."""
    if error.isna().all():
        return "unknown"
    return f"{error.mean():.1f}" + (f" ({error.min():.1f} to {error.max():.1f})" if len(error) > 1 else "")


def _each(group: pd.DataFrame, metric: str) -> str:
    """Text such as ``S9 101.1, S11 93.0``: means over the draws, which have other people by the same names."""
    people = [name for name in group if str(name).startswith(f"{metric}:") and not group[name].isna().all()]
    people = sorted(people, key=lambda name: (len(name), name))
    return ", ".join(f"{name.partition(':')[2]} {group[name].mean():.1f}" for name in people)


def calibration_text(folder: Path) -> str:
    """Table of how hard the studio is: MPJPE of the long baseline, of each draw, and mean and deviation over draws."""
    tables = sorted(folder.glob("calibration-draw*/runs.csv"))
    found = {int(table.parent.name.partition("-draw")[2]): _hardness(read_table(table)) for table in tables}
    known = {draw: ratios for draw, ratios in found.items() if ratios}
    if not known:
        return NOT_MEASURED
    values = pd.DataFrame.from_dict(known, orient="index").sort_index()
    rows = values.map(lambda value: f"{value:.2f}").rename_axis("draw").reset_index()
    if len(values) > 1:
        both = {name: f"{values[name].mean():.2f} ± {values[name].std():.2f}" for name in values}
        rows = pd.concat([rows, pd.DataFrame([{"draw": "mean ± standard deviation", **both}])])
    return str(rows.to_markdown(index=False, disable_numparse=True))


def _hardness(runs: pd.DataFrame) -> dict[str, float]:
    """Error with the labels of all over the mean pose's, and with those of S1 over that with all; empty if unknown."""
    ratios = {}
    whole = runs[runs["partial"] == "no"]
    for people, columns in _MEASURED.items():
        of_level = whole[[*columns]].apply(pd.to_numeric, errors="coerce").groupby(whole["supervision"]).mean().dropna()
        if {"all", "S1"} <= set(of_level.index):
            (error, mean_pose), (one, _) = of_level.loc["all"], of_level.loc["S1"]
            ratios[f"{people}: all / mean pose"] = error / mean_pose
            ratios[f"{people}: S1 / all"] = one / error
    return ratios


def write_studies(folder: Path, stores: Path, pages: Path | None) -> None:
    """Write and print what the studies show: points, a figure, and the blocks of the pages.

    Args:
        folder: of the tables of the studies; a table lies in ``STUDY-drawN/runs.csv``.
        stores: the stores of a draw lie in ``drawN``.
        pages: folder of the pages; None leaves pages alone.

    Raises:
        InputError: there is no run of a study, and none of the calibration.
    """
    points, texts = study_points(folder, stores), {"calibration": calibration_text(folder)}
    if len(points):
        filming_figure(points).savefig(folder / FIGURE_FILE, dpi=130)
        texts["filming"] = filming_text(points)
    elif texts["calibration"] == NOT_MEASURED:
        raise InputError(f"{folder}: holds no run of a study; run `make filming`")
    for name, text in texts.items():
        print(f"{name}:\n\n{text}\n")
        if pages:
            page = pages / PAGES[name]
            page.write_text(write_into(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; exit with code 2 after one line on stderr if the input is invalid."""
    parser = argparse.ArgumentParser(prog="python -m mcss.results.filming", description=__doc__)
    parser.add_argument("folder", type=Path, help="of the studies' tables, experiments/results/filming")
    parser.add_argument("--stores", type=Path, default=Path("data"), help="folder of the stores of all draws")
    parser.add_argument("--pages", type=Path, help="folder of the pages to fill in, docs")
    options = parser.parse_args(args)
    try:
        write_studies(options.folder, options.stores, options.pages)
    except InputError as error:
        print(f"filming: {message_in_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
