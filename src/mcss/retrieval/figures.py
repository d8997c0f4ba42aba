"""Figures of the retrieval scores and of each run's embedding, as files."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from data_modules.store import Store
from mcss.metrics.functional import pa_mpjpe
from mcss.metrics.retrieval import KS, Retrieval
from mcss.retrieval.analysis import (
    QUERIES_PER_SUBJECT,
    distance_by_pose,
    distance_matrix,
    embedding_map,
    gallery_queries,
)
from mcss.retrieval.embeddings import RunEmbeddings
from mcss.retrieval.scores import JOINT_SET
from mcss.run.figures import SHOWN_QUANTILES, image_title, images_of_rows
from mcss.skeleton import joint_indices
from mcss.visualization.retrieval import (
    at_k_figure,
    distance_by_pose_figure,
    distance_matrix_figure,
    gallery_figure,
    map_figure,
)

CASE_TITLES = {
    "all": "all test subjects (paper, case 1)",
    "own": "the query's own subject",
    "cross": "other subjects (paper, case 2)",
}
GALLERY_CASES = ("own", "cross")
GALLERY_K = 5
"""Gallery queries are chosen by quantiles of the mean error of this number of nearest images."""
SHOWN = 3
"""Number of retrieved images shown for each query. Paper: 3."""


def write_retrieval_curve(into: Path, scores: pd.DataFrame, labels: Mapping[str, str], data: str) -> None:
    """Write ``mean_pa_mpjpe_at_k.png``: runs, oracle and random ranking (paper, Fig. 6, here absolute errors)."""
    shown = scores[scores["measure"] == "mean_pa_mpjpe_mm"]
    shown = shown.assign(name=shown["run"].map(labels).fillna(shown["ranking"]), title=shown["case"].map(CASE_TITLES))
    panels = {
        str(title): {
            str(name): curve[["value", "low", "high"]].to_numpy() for name, curve in of_case.groupby("name", sort=False)
        }
        for title, of_case in shown.groupby("title", sort=False)
    }
    unit = f"Mean-PA-MPJPE@K, mm (h36m16, {data})\nshaded: 95% interval"
    at_k_figure(KS, panels, {"oracle": "--", "random": ":"}, unit).savefig(into / "mean_pa_mpjpe_at_k.png", dpi=130)


def write_figures_of_run(into: Path, store: Store, run: RunEmbeddings, cases: Mapping[str, Retrieval]) -> None:
    """Write galleries (Fig. 5), distances (Figs. 7 and 1b) and the map of one run into its folder."""
    into.mkdir(parents=True, exist_ok=True)
    for case in GALLERY_CASES:
        if case in cases:
            gallery(store, run, case, cases[case]).savefig(into / f"gallery_{case}.jpg", dpi=100)
    _distance_by_pose(store, run).savefig(into / "distance_by_pose.png", dpi=130)
    _map(store, run).savefig(into / "map.png", dpi=110)
    matrix = _distance_matrix(store, run)
    if matrix:
        matrix.savefig(into / "distance_matrix.jpg", dpi=110)


def gallery(store: Store, run: RunEmbeddings, case: str, retrieval: Retrieval) -> Figure:
    """Images retrieved by queries at fixed quantiles of the error (paper, Fig. 5)."""
    queries = gallery_queries(retrieval, KS, GALLERY_K)
    joints = list(joint_indices(JOINT_SET))
    target = torch.from_numpy(store.pose_world[run.row[queries]][:, joints])
    images, titles = [], []
    for nearest in retrieval.nearest[queries, :SHOWN].numpy().T:
        rows = run.row[nearest]
        error_mm = pa_mpjpe(torch.from_numpy(store.pose_world[rows][:, joints]), target).tolist()
        images.append(images_of_rows(store, rows))
        titles.append(
            [
                f"{error:.0f} mm\n{image_title(store, row)}" if index >= 0 else ""
                for index, row, error in zip(nearest, rows.tolist(), error_mm, strict=True)
            ]
        )
    heading = (
        f"{run.label}: nearest images by embedding, {CASE_TITLES[case]}, other cameras. Queries at the"
        f" {', '.join(f'{q:.0%}' for q in SHOWN_QUANTILES)}\nquantiles of Mean-PA-MPJPE@{GALLERY_K};"
        " PA-MPJPE to the query's pose over each image"
    )
    query_titles = [image_title(store, row) for row in run.row[queries].tolist()]
    return gallery_figure(images_of_rows(store, run.row[queries]), np.stack(images), query_titles, titles, heading)


def _distance_by_pose(store: Store, run: RunEmbeddings) -> Figure:
    heading = (
        f"{run.label}: {QUERIES_PER_SUBJECT} random queries a test subject, images of that subject\n"
        "mean over queries, shaded: standard deviation over queries"
    )
    views = {
        f"{view} (Spearman {bins['correlation'].iloc[0]:.2f})": bins[["centre_mm", "mean", "deviation"]].to_numpy().T
        for view, bins in distance_by_pose(store, run).groupby("view", sort=False)
    }
    return distance_by_pose_figure(views, heading)


def _map(store: Store, run: RunEmbeddings) -> Figure:
    row, place = embedding_map(store, run)
    heading = f"{run.label}: t-SNE of {len(row):,} test images, {len(np.unique(store.instant[row]))} instants"
    return map_figure(place, store.action[row], store.camera[row], store.subject[row], heading)


def _distance_matrix(store: Store, run: RunEmbeddings) -> Figure | None:
    matrix = distance_matrix(store, run)
    if matrix is None:
        return None
    first, second = matrix.row
    views = (f"camera {store.camera[first[0]]}", f"camera {store.camera[second[0]]}")
    heading = (
        f"{run.label}: embedding distances of {len(first)} instants evenly spread\nover the clips of"
        f" {store.subject[first[0]]}, in two views; the diagonal is the same instant"
    )
    down, across = (images_of_rows(store, rows) for rows in matrix.row)
    return distance_matrix_figure(down, across, matrix.distance, views, heading)
