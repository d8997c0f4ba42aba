"""Figures of the benchmark and of each run's embedding, as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, Int
from matplotlib.figure import Figure

from data_modules.store import Store
from mcss.metrics.functional import pa_mpjpe
from mcss.metrics.retrieval import KS, Retrieval
from mcss.retrieval.analysis import (
    QUERIES_PER_SUBJECT,
    DistanceByPose,
    EmbeddingMap,
    FewImages,
    distance_by_pose,
    embedding_map,
    few_images,
    gallery_queries,
)
from mcss.retrieval.benchmark import JOINT_SET, Line
from mcss.retrieval.embeddings import Embedded
from mcss.retrieval.tables import CASE_TITLES
from mcss.run.predictions import SHOWN_QUANTILES, images_of_rows
from mcss.skeleton import joint_indices
from mcss.visualization.retrieval import (
    at_k_figure,
    distance_by_pose_figure,
    distance_matrix_figure,
    gallery_figure,
    map_figure,
)

GALLERY_CASES = ("own", "cross")
GALLERY_K = 5
"""Queries of the gallery lie at quantiles of the mean error of so many nearest images."""
SHOWN = 3
"""Retrieved images a query. Paper: 3."""


def write_retrieval_curve(into: Path, lines: Sequence[Line], labels: Mapping[str, str], data: str) -> None:
    """Write ``mean_pa_mpjpe_at_k.png`` (paper, Fig. 6, but absolute): each run between oracle and random."""
    shown = [line for line in lines if line.measure == "mean_pa_mpjpe_mm"]
    curves: dict[str, dict[str, list[tuple[float, float, float]]]] = {}
    for line in shown:
        name = labels.get(line.run, line.ranking)
        curves.setdefault(CASE_TITLES[line.case], {}).setdefault(name, []).append((line.value, line.low, line.high))
    panels = {case: {name: np.array(curve) for name, curve in by_name.items()} for case, by_name in curves.items()}
    figure = at_k_figure(
        KS, panels, {"oracle": "--", "random": ":"}, f"Mean-PA-MPJPE@K, mm (h36m16, {data})\nshaded: 95% interval"
    )
    figure.savefig(into / "mean_pa_mpjpe_at_k.png", dpi=130)


def write_figures_of_run(into: Path, store: Store, run: Embedded, cases: Mapping[str, Retrieval]) -> None:
    """Write galleries (Fig. 5), distances (Figs. 7 and 1b) and the map of one run into its folder."""
    into.mkdir(parents=True, exist_ok=True)
    for case in GALLERY_CASES:
        if case in cases:
            gallery(store, run, case, cases[case]).savefig(into / f"gallery_{case}.jpg", dpi=100)
    _distances(run, distance_by_pose(store, run)).savefig(into / "distance_by_pose.png", dpi=130)
    _map(store, run, embedding_map(store, run)).savefig(into / "map.png", dpi=110)
    few = few_images(store, run)
    if few:
        _few_images(store, run, few).savefig(into / "few_images.jpg", dpi=110)


def gallery(store: Store, run: Embedded, case: str, retrieval: Retrieval) -> Figure:
    """What queries at fixed quantiles of their error retrieve (paper, Fig. 5)."""
    queries = gallery_queries(retrieval, KS, GALLERY_K)
    nearest = retrieval.nearest[queries, :SHOWN].numpy().T
    error_mm = np.stack([_errors_mm(store, run.row[queries], run.row[rank]) for rank in nearest])
    titles = [
        [
            f"{error:.0f} mm\n{_who(store, int(run.row[image]))}" if image >= 0 else ""
            for image, error in zip(*columns, strict=True)
        ]
        for columns in zip(nearest, error_mm, strict=True)
    ]
    heading = (
        f"{run.label}: nearest images by embedding, {CASE_TITLES[case]}, other cameras. Queries at the"
        f" {', '.join(f'{q:.0%}' for q in SHOWN_QUANTILES)}\nquantiles of Mean-PA-MPJPE@{GALLERY_K};"
        " PA-MPJPE to the query's pose over each image"
    )
    return gallery_figure(
        images_of_rows(store, run.row[queries]),
        np.stack([images_of_rows(store, run.row[rank]) for rank in nearest]),
        [_who(store, row) for row in run.row[queries].tolist()],
        titles,
        heading,
    )


def _errors_mm(
    store: Store, query: Int[np.ndarray, " queries"], retrieved: Int[np.ndarray, " queries"]
) -> Float64[np.ndarray, " queries"]:
    """PA-MPJPE of the retrieved rows' poses moved onto the queries'."""
    joints = list(joint_indices(JOINT_SET))
    poses = (torch.from_numpy(store.pose_world[rows][:, joints]) for rows in (retrieved, query))
    return pa_mpjpe(*poses).numpy()


def _who(store: Store, row: int) -> str:
    return f"{store.subject[row]} {store.action[row]}\ncamera {store.camera[row]}"


def _distances(run: Embedded, views: Mapping[str, DistanceByPose]) -> Figure:
    heading = (
        f"{run.label}: {QUERIES_PER_SUBJECT} random queries a test subject, images of that subject\n"
        "mean over queries, shaded: standard deviation over queries"
    )
    drawn = {
        f"{name} (Spearman {view.correlation:.2f})": np.stack([view.centre_mm, view.mean, view.deviation])
        for name, view in views.items()
    }
    return distance_by_pose_figure(drawn, heading)


def _map(store: Store, run: Embedded, placed: EmbeddingMap) -> Figure:
    row = placed.row
    heading = f"{run.label}: t-SNE of {len(row):,} test images, {len(np.unique(store.instant[row]))} instants"
    return map_figure(placed.place, store.action[row], store.camera[row], store.subject[row], heading)


def _few_images(store: Store, run: Embedded, few: FewImages) -> Figure:
    first, second = few.row
    views = (f"camera {store.camera[first[0]]}", f"camera {store.camera[second[0]]}")
    heading = (
        f"{run.label}: embedding distances of {len(first)} instants evenly spread\nover the clips of"
        f" {store.subject[first[0]]}, in two views; the diagonal is the same instant"
    )
    return distance_matrix_figure(
        images_of_rows(store, first), images_of_rows(store, second), few.distance, views, heading
    )
