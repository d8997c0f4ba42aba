"""Figures of several finished runs: error against the amount of labels, and runs compared on the same images."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from mcss.errors import InputError
from mcss.results.groups import described, differing, groups
from mcss.results.headlines import PEOPLE
from mcss.results.layout import CURVE_METHODS
from mcss.results.record import read_tested_run
from mcss.run.figures import compared_poses_figure
from mcss.run.history import MetricsHistory, read_history
from mcss.visualization.curves import compared_curves_figure
from mcss.visualization.supervision_curve import supervision_curve

_HEADINGS = {
    "mcss_plus": "MCSS plus",
    "mcss": "MCSS",
    "baseline_all_images": "baseline, all images seen",
    "baseline": "baseline",
}


def curve_figure(runs: pd.DataFrame, published: pd.DataFrame, data: str) -> Figure:
    """N-MPJPE of whole tests, on new and on filmed people: a line for each method and combination of settings."""
    grouped = groups(runs)
    grouped = grouped[grouped["method"].isin(CURVE_METHODS) & grouped["partial"].eq("no")].copy()
    grouped["curve"] = ""
    for method, members in grouped.groupby("method"):
        apart = [described(values) for values in differing(members)]
        names = [f"{_HEADINGS[str(method)]}{f' ({values})' if values else ''}" for values in apart]
        grouped.loc[members.index, "curve"] = names
    points = {
        who: grouped.rename(columns={metric: "mean_mm", f"sd:{metric}": "sd_mm"}).dropna(subset="mean_mm")
        for who, metric in PEOPLE.items()
        if who == "new" or not grouped[metric].isna().all()  # earlier runs were not tested on filmed people
    }
    theirs = published[(published["dataset"] == "h36m") & published["method"].isin(CURVE_METHODS)]
    theirs = theirs.assign(
        curve=theirs["method"].map(_HEADINGS), mean_mm=pd.to_numeric(theirs["n_mpjpe_mm"], errors="coerce")
    ).dropna(subset="mean_mm")
    return supervision_curve(points, theirs, data)


def write_comparison(runs: Mapping[str, Path], into: Path) -> None:
    """Write ``compared_poses.png`` (paper, Fig. 4) and ``compared_curves.png`` of tested runs, given by name.

    Raises:
        InputError: the runs were not tested on the same images, in the same frame; a file of a run is absent.
    """
    tested = {name: read_tested_run(folder) for name, folder in runs.items()}
    first = next(iter(tested.values()))
    alike = ("test_data_hash", "frame", "test_images")
    if len({tuple(run.record[key] for key in alike) for run in tested.values()}) > 1:
        raise InputError(f"{', '.join(map(str, runs.values()))}: tested on other data or in other frames")
    predictions = {name: run.predictions for name, run in tested.items()}
    compared_poses_figure(first.open_store(), first.record["frame"], predictions).savefig(
        into / "compared_poses.png", dpi=110
    )
    histories = {name: read_history(folder / MetricsHistory.FILE) for name, folder in runs.items()}
    compared_curves_figure(histories).savefig(into / "compared_curves.png", dpi=130)
