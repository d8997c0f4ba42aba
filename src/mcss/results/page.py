"""Writes one self-contained HTML page about a run: settings, data, errors and examples."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure
from plotly.offline import get_plotlyjs

from data_modules.store import Store
from data_modules.store.card import data_card
from data_modules.store.check import store_statistics
from mcss.metrics.reported import METRICS
from mcss.metrics.retrieval import KS, means
from mcss.metrics.view_agreement import DEFINITIONS
from mcss.results.figures import curve_figure
from mcss.results.groups import groups, notes
from mcss.results.record import TestedRun, read_tested_run
from mcss.retrieval.embeddings import RunEmbeddings
from mcss.retrieval.figures import CASE_TITLES, GALLERY_CASES, gallery
from mcss.retrieval.scores import retrieve_all
from mcss.run.figures import SHOWN_QUANTILES, at_quantiles
from mcss.run.history import MetricsHistory, read_history
from mcss.run.predictions import prediction_errors
from mcss.visualization.curves import curves_figure
from mcss.visualization.skeletons3d import skeleton_figure

PAGE_FILE = "report.html"
FAILURES = 4
"""Number of clips whose worst image is shown. Browsers draw at most 16 3D scenes on a page."""
_TEMPLATE = Environment(
    loader=PackageLoader("mcss.results", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
).get_template("page.html")


def write_page(folder: Path, runs: pd.DataFrame, published: pd.DataFrame) -> Path:
    """Write ``report.html`` into the folder of a tested run.

    Args:
        folder: of the run.
        runs: table of all runs on the same data, for the curve of error against labels; it may be empty.
        published: others' results, for the same figure.

    Raises:
        InputError: a file of the run or its data are absent, or the data have changed since.
    """
    run = read_tested_run(folder)
    store = run.open_store()
    error_mm = prediction_errors(run.predictions)["mpjpe_mm"].to_numpy()
    history = read_history(folder / MetricsHistory.FILE)
    curve = curve_figure(runs, published, store.meta.name) if len(runs) else None
    path = folder / PAGE_FILE
    page = _TEMPLATE.render(
        plotly=Markup(get_plotlyjs()),
        record=run.record,
        headline=_headline(run.record),
        by_group={"subject": run.record["by_subject"], "action": run.record["by_action"]},
        headings={name: reported.heading for name, reported in METRICS.items()},
        quantiles=", ".join(f"{quantile:.0%}" for quantile in SHOWN_QUANTILES),
        chosen=_examples(run, store, error_mm, at_quantiles(error_mm)),
        failures=_examples(run, store, error_mm, worst_of_clips(store.clip[run.predictions["row"]], error_mm)),
        curves=_as_image(curves_figure(history, folder.name)) if history else None,
        supervision=_as_image(curve) if curve else None,
        notes=notes(groups(runs)),
        retrieval=_retrieval(run, store),
        agreement=_agreement(run.record.get("view_agreement", {})),
        ks=KS,
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
    """Each metric averaged over images, with its definition and the error of the mean pose."""
    of_mean_pose = {(r["metric"], r["joint_set"], r["average"]): r["value"] for r in record["mean_pose_results"]}
    return [
        {**result, "mean_pose": of_mean_pose[result["metric"], result["joint_set"], result["average"]]}
        for result in record["results"]
        if result["average"] == "micro"
    ]


def _agreement(figures: dict[str, dict[str, float]]) -> list[tuple[str, float, float | None, str]]:
    """What was measured without labels: name, value, an untrained network's value, definition."""
    network, untrained = figures.get("network", {}), figures.get("untrained", {})
    return [(name, value, untrained.get(name), DEFINITIONS[name]) for name, value in network.items()]


def _examples(
    run: TestedRun, store: Store, error_mm: np.ndarray, chosen: Int[np.ndarray, " chosen"]
) -> list[dict[str, Any]]:
    """Image, caption and 3D skeletons of test images."""
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
    run_embeddings = RunEmbeddings(run.folder.name, run.record, run.predictions["row"], run.predictions["embedding"])
    cases = retrieve_all(store, [run_embeddings])[run_embeddings.name]
    return {
        "table": [
            (CASE_TITLES[case], ranking, values[f"{ranking}_mm"].tolist())
            for case, values in ((case, means(retrieval)) for case, retrieval in cases.items())
            for ranking in ("oracle", "embedding", "random")
        ],
        "galleries": [
            _as_image(gallery(store, run_embeddings, case, cases[case])) for case in GALLERY_CASES if case in cases
        ],
    }


def _as_image(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return _data_url("image/png", buffer.getvalue())


def _data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
