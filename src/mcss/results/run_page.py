"""A page a run, in one HTML file that needs no network: what was run, on which data, how good it is."""

import argparse
import base64
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure
from plotly.offline import get_plotlyjs

from data_modules.store import Store
from data_modules.store.card import data_card
from data_modules.store.check import store_statistics
from mcss.errors import InputError
from mcss.metrics.retrieval import KS, means
from mcss.results.collect import read_rows
from mcss.results.figures import COMPARED_QUANTILES, at_quantiles, pose_errors_mm
from mcss.results.tested_run import TestedRun, read_tested_run
from mcss.results.write import PUBLISHED
from mcss.retrieval.benchmark import retrieve_all
from mcss.retrieval.embeddings import Embedded
from mcss.retrieval.figures import GALLERY_CASES, gallery
from mcss.retrieval.tables import CASE_TITLES
from mcss.run.folder import deciding_settings
from mcss.run.history import MetricsHistory, read_history
from mcss.visualization.curves import curves_figure
from mcss.visualization.skeletons3d import skeleton_figure
from mcss.visualization.supervision_curve import supervision_curve

PAGE_FILE = "report.html"
FAILURES = 4
"""Worst image of each of so many clips. A browser draws at most 16 scenes: these and the chosen images are fewer."""
_TEMPLATE = Environment(
    loader=PackageLoader("mcss.results", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
).get_template("run_page.html")


def write_run_page(folder: Path, table: Path, published: Path = PUBLISHED) -> Path:
    """Write ``report.html`` into the folder of a tested run.

    Args:
        folder: of the run.
        table: CSV of finished runs on the same data, for the curve of error against labels; it may be absent.
        published: others' results, for the same figure.

    Raises:
        InputError: a file of the run or its data are absent, or the data are others by now.
    """
    run = read_tested_run(folder)
    store = run.open_store()
    has_truth = store.has_pose[run.predictions["row"]]
    run = run._replace(predictions={name: values[has_truth] for name, values in run.predictions.items()})
    error_mm = pose_errors_mm(run.predictions)
    rows = read_rows(table)
    path = folder / PAGE_FILE
    page = _TEMPLATE.render(
        plotly=Markup(get_plotlyjs()),
        record=run.record,
        headline=_headline(run.record),
        quantiles=", ".join(f"{quantile:.0%}" for quantile in COMPARED_QUANTILES),
        chosen=_examples(run, store, at_quantiles(error_mm)),
        failures=_examples(run, store, worst_of_clips(store.clip[run.predictions["row"]], error_mm)),
        curves=_as_image(curves_figure(read_history(folder / MetricsHistory.FILE), folder.name)),
        supervision=_as_image(supervision_curve(rows, read_rows(published), run.record["data"])) if rows else None,
        retrieval=_retrieval(run, store),
        ks=KS,
        settings=deciding_settings(run.config),
        card=data_card(store_statistics(store.path)),
    )
    path.write_text(page, encoding="utf-8")
    return path


def worst_of_clips(clip: Int[np.ndarray, " images"], error_mm: np.ndarray) -> Int[np.ndarray, " failures"]:
    """Index of the worst image of each of the ``FAILURES`` clips with the largest errors, worst first."""
    order = np.argsort(-error_mm, kind="stable")
    first_of_clip = np.unique(clip[order], return_index=True)[1]
    return order[np.sort(first_of_clip)[:FAILURES]]


def _headline(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Each metric, averaged over images, beside the mean pose's, with its definition."""
    of_mean_pose = {(r["metric"], r["joint_set"], r["average"]): r["value"] for r in record["mean_pose_results"]}
    return [
        {**result, "mean_pose": of_mean_pose[result["metric"], result["joint_set"], result["average"]]}
        for result in record["results"]
        if result["average"] == "micro"
    ]


def _examples(run: TestedRun, store: Store, chosen: Int[np.ndarray, " chosen"]) -> list[dict[str, Any]]:
    """Image, caption and turning skeletons of test images."""
    error_mm = pose_errors_mm(run.predictions)
    examples = []
    for index in chosen.tolist():
        row = int(run.predictions["row"][index])
        figure = skeleton_figure(run.predictions["pose_true_mm"][index], run.predictions["pose_pred_mm"][index])
        examples.append(
            {
                "error_mm": error_mm[index],
                "who": f"{store.subject[row]} {store.action[row]}, camera {store.camera[row]}",
                "image": _data_url("image/jpeg", bytes(store.jpeg(row))),
                "skeletons": Markup(figure.to_html({"displayModeBar": False}, include_plotlyjs=False, full_html=False)),
            }
        )
    return examples


def _retrieval(run: TestedRun, store: Store) -> dict[str, Any]:
    """Mean-PA-MPJPE@K of each case and ranking, and the galleries."""
    embedded = Embedded(run.folder.name, run.record, run.predictions["row"], run.predictions["embedding"])
    cases = retrieve_all(store, [embedded])[embedded.name]
    return {
        "table": [
            (CASE_TITLES[case], ranking, values[f"{ranking}_mm"].tolist())
            for case, values in ((case, means(retrieval)) for case, retrieval in cases.items())
            for ranking in ("oracle", "embedding", "random")
        ],
        "galleries": [
            _as_image(gallery(store, embedded, case, cases[case])) for case in GALLERY_CASES if case in cases
        ],
    }


def _as_image(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return _data_url("image/png", buffer.getvalue())


def _data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def main(args: Sequence[str] | None = None) -> None:
    """Run the program: exit code 2 after one line on stderr where a run cannot be shown."""
    parser = argparse.ArgumentParser(prog="python -m mcss.results.run_page", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of tested runs")
    parser.add_argument("--table", type=Path, required=True, help="the CSV file, experiments/results/DATA/runs.csv")
    options = parser.parse_args(args)
    try:
        for folder in options.runs:
            print(f"written: {write_run_page(folder, options.table)}")
    except InputError as error:
        print(f"report: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
