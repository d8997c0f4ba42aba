"""What labels cost that are solved from clicks: ``python -m benchmarks.solved_labels``.

Instants of S1 that are spread over their poses are labelled twice: by the true poses, and by the poses that the solver
makes of noisy clicks in all cameras, whose focal lengths and places it does not know. A network is trained with each,
on the pairs of all people and otherwise alike. The errors on the test subjects are written to
``benchmarks/solved_labels.md``.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, Int64

from benchmarks.short_runs import ROOT, trained_and_tested
from benchmarks.solver import Case, canonical_error_mm, clicked
from data_modules.sources.footage.labelling.proposals import farthest_first
from data_modules.sources.footage.solving.solve import solve
from data_modules.sources.studio.body import make_body
from data_modules.sources.studio.cast import draw_person
from data_modules.sources.studio.config import PRESETS
from data_modules.store import Store, open_store
from data_modules.store.writer import write_store
from mcss.geometry.camera import Camera
from mcss.geometry.canonical import to_canonical, to_root
from mcss.metrics.reported import METRICS
from mcss.run.scores import headline

PAGE = ROOT / "benchmarks/solved_labels.md"
SUBJECT, CLICK_NOISE_PX = "S1", 3.0


def spread_instants(store: Store, rows: Int64[np.ndarray, " rows"], count: int) -> Int64[np.ndarray, " chosen"]:
    """First rows of ``count`` instants among ``rows``, spread over the canonical poses (k-centre)."""
    _, first = np.unique(store.instant[rows], return_index=True)
    rows = rows[first]
    canonical = to_canonical(to_root(torch.from_numpy(store.pose_world[rows]).double()))[0].numpy()
    return np.sort(rows[farthest_first(canonical.reshape(len(rows), -1), count)])


def solved_poses(store: Store, rows: Int64[np.ndarray, " instants"]) -> Float64[np.ndarray, "instants 17 3"]:
    """Poses of the instants of ``rows``, solved from noisy clicks in all cameras of the store."""
    config = PRESETS[store.meta.name]
    height_mm = make_body(draw_person(config, SUBJECT).phenotype, config.mesh).height_mm
    cameras = [Camera.from_dict(values) for values in store.meta.calibration.values()]
    truth = store.pose_world[rows].astype(np.float64)
    clicks = clicked(truth, cameras, Case(noise_px=CLICK_NOISE_PX), np.random.default_rng(0))
    return solve(clicks, height_mm).pose_world


def write_labels(
    path: Path, store: Store, rows: Int64[np.ndarray, " instants"], poses: Float64[np.ndarray, "instants 17 3"]
) -> None:
    """Store of all views of the instants of ``rows``, with ``poses``."""
    pose_of = dict(zip(store.instant[rows].tolist(), poses.astype(np.float32), strict=True))
    views = np.flatnonzero(np.isin(store.instant, store.instant[rows]))
    meta = replace(store.meta, subjects_train=(SUBJECT,), subjects_test=(), excluded=())
    write_store(path, ({**store.row(v), "pose_world": pose_of[int(store.instant[v])]} for v in views.tolist()), meta)


def main() -> None:
    """Train what is not trained yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=ROOT / "data/studio")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/solved_labels", help="folder of the runs")
    parser.add_argument("--instants", type=int, default=60)
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    store = open_store(options.store)
    rows = spread_instants(store, np.flatnonzero(store.subject == SUBJECT), options.instants)
    truth = store.pose_world[rows].astype(np.float64)
    labels = {"true": truth, "solved": solved_poses(store, rows)}
    label_error_mm = canonical_error_mm(labels["solved"], truth)
    lines = []
    for name, poses in labels.items():
        folder = options.out / f"{name}-{options.instants}-{options.steps}"
        write_labels(folder.with_suffix(".store"), store, rows, poses)
        settings = {
            "data.store": options.store,
            "data.labelled_store": folder.with_suffix(".store"),
            "data.validation_clips": "[]",
            "data.filmed_test_clips": "[]",
            "trainer.max_steps": options.steps,
        }
        errors = headline(trained_and_tested(folder, "mcss", settings)["results"])
        lines.append(f"| {name} | " + " | ".join(f"{errors[error]:.1f}" for error in METRICS) + " |")
        print(lines[-1], flush=True)
    PAGE.write_text(_page(options, store, label_error_mm, lines), encoding="utf-8")


def _page(options: argparse.Namespace, store: Store, label_error_mm: float, lines: list[str]) -> str:
    views, side_px = len(store.meta.cameras), store.meta.config["frame_size_px"]
    return (
        "# What solved labels cost\n\n"
        f"Written by `python -m benchmarks.solved_labels --instants {options.instants} --steps {options.steps}`:\n"
        f"{options.instants} instants of {SUBJECT} on {store.meta.name}, clicked in {views} views of {side_px} x"
        f" {side_px} pixels with {CLICK_NOISE_PX:g} px of noise,\nunknown focal lengths; mean error of the solved"
        f" labels {label_error_mm:.1f} mm (canonical frame). Method mcss, seed 0, test subjects, mm:\n\n"
        f"| labels | {' | '.join(metric.heading for metric in METRICS.values())} |\n|---|{'---:|' * len(METRICS)}\n"
        + "\n".join(lines)
        + "\n"
    )


if __name__ == "__main__":
    main()
