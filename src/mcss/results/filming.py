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
from mcss.results.record import read_table
from mcss.results.table import write_into

STORES = Path("data")
PAGES = {"filming": Path("docs/filming.md"), "calibration": Path("docs/studio.md")}
"""Page with the block of each name."""
POINTS_FILE, FIGURE_FILE = "points.csv", "filming.png"
_ERRORS = ("n_mpjpe_mm", "filmed_n_mpjpe_mm")
_TABLE = re.compile(r"([a-z]+)-draw(\d+)")


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


def study_points(folder: Path, stores: Path = STORES) -> pd.DataFrame:
    """A row for each run of the studies: study, draw, place on the horizontal axis, and errors in mm.

    Rows of ``points.csv`` stay where the stores that their runs trained on are no longer there.
    """
    path = folder / POINTS_FILE
    known = pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=["study", "draw"])
    rows = []
    for table in sorted(folder.glob("*/runs.csv")):
        name = _TABLE.fullmatch(table.parent.name)
        if name and name[1] in STUDIES:
            found = _points_of(table, STUDIES[name[1]], stores / f"draw{name[2]}")
            rows += [{"study": name[1], "draw": int(name[2]), **point} for point in found]
    points = pd.DataFrame(rows, columns=["study", "draw", "place", *_ERRORS])
    renewed = known.set_index(["study", "draw"]).index.isin(points.set_index(["study", "draw"]).index)
    kept = [part for part in (known[~renewed], points) if len(part)]
    if not kept:
        raise InputError(f"{folder}: holds no run of a study; run `make filming`")
    points = pd.concat(kept).sort_values(["study", "draw", "place"]).reset_index(drop=True)
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
        errors = {name: float(pd.to_numeric(run[name], errors="coerce")) for name in _ERRORS}
        points.append({"place": float(study.place(settings, store)), **errors})
    return points


def filming_figure(points: pd.DataFrame) -> Figure:
    """A panel for each study: N-MPJPE (h36m16, mean over images) on new and on filmed people, a line for each draw."""
    names = [name for name in STUDIES if (points["study"] == name).any()]
    figure = Figure(figsize=(4.2 * len(names), 3.4), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        shown = points[points["study"] == name]
        places = sorted(shown["place"].unique())
        for style, metric, who in (("o-", "n_mpjpe_mm", "new"), ("s:", "filmed_n_mpjpe_mm", "filmed")):
            for number, (draw, line) in enumerate(shown.groupby("draw")):
                label = f"{who} people, draw {draw}"
                axes.plot(
                    [places.index(x) for x in line["place"]], line[metric], style, color=f"C{number}", label=label
                )
        axes.set_xticks(range(len(places)), [f"{place:g}" for place in places])
        axes.set_xlabel(STUDIES[name].heading)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("N-MPJPE, mm")
    figure.axes[0].legend(fontsize=7)
    return figure


def filming_text(points: pd.DataFrame) -> str:
    """Markdown tables of the studies: mean over draws of each point, and the range of the draws."""
    parts = []
    for name, study in STUDIES.items():
        shown = points[points["study"] == name]
        if not len(shown):
            continue
        rows = []
        for place, group in shown.groupby("place"):
            error, filmed = group["n_mpjpe_mm"], group["filmed_n_mpjpe_mm"]
            rows.append(
                {
                    study.heading: f"{place:g}",
                    "draws": len(group),
                    "new people, mm": f"{error.mean():.1f} ({error.min():.1f} to {error.max():.1f})",
                    "filmed people, mm": f"{filmed.mean():.1f} ({filmed.min():.1f} to {filmed.max():.1f})",
                }
            )
        parts.append(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))
    return "\n\n".join(parts) or "Not measured yet."


def calibration_text(folder: Path) -> str:
    """How hard the studio is: mean and standard deviation over draws of what the long baseline reaches."""
    ratios = []
    for table in sorted(folder.glob("calibration-draw*/runs.csv")):
        runs = read_table(table)
        error = pd.to_numeric(runs.set_index("supervision")["mpjpe_mm"]).groupby(level=0).mean()
        mean_pose = pd.to_numeric(runs["mean_pose_mpjpe_mm"]).mean()
        if {"all", "S1"} <= set(error.index):
            ratios.append({"all / mean pose": error["all"] / mean_pose, "S1 / all": error["S1"] / error["all"]})
    if not ratios:
        return "Not measured yet."
    values = pd.DataFrame(ratios)
    parts = [f"{name} {values[name].mean():.2f} ± {values[name].std():.2f}" for name in values]
    return f"MPJPE of the long baseline over {len(values)} draws, mean ± standard deviation: {', '.join(parts)}."


def write_studies(folder: Path, pages: dict[str, Path]) -> None:
    """Write points, figure and the blocks of the pages.

    Raises:
        InputError: there is no run of a study.
    """
    texts = {"calibration": calibration_text(folder)}
    if any(folder.glob("[!c]*-draw*/runs.csv")) or any(folder.glob("cameras-draw*/runs.csv")):
        points = study_points(folder)
        filming_figure(points).savefig(folder / FIGURE_FILE, dpi=130)
        texts["filming"] = filming_text(points)
    for name, text in texts.items():
        page = pages[name]
        page.write_text(write_into(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; exit with code 2 after one line on stderr if the input is invalid."""
    parser = argparse.ArgumentParser(prog="python -m mcss.results.filming", description=__doc__)
    parser.add_argument("folder", type=Path, help="of the studies' tables, experiments/results/filming")
    options = parser.parse_args(args)
    try:
        write_studies(options.folder, PAGES)
    except InputError as error:
        print(f"filming: {message_in_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
