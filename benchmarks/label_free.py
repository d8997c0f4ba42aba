"""Do the figures that need no label rank runs as their true error does? ``python -m benchmarks.label_free``.

Trains small runs of different quality on a rendered store, tests each on its test subjects, and writes the rank
correlation (Spearman) of every label-free figure with the true errors to ``benchmarks/label_free.md``.
"""

import argparse
from pathlib import Path

import pandas as pd
from scipy.stats import spearmanr

from benchmarks.short_runs import ROOT, trained_and_tested
from mcss.metrics.reported import METRICS
from mcss.metrics.view_agreement import DEFINITIONS
from mcss.run.scores import headline

PAGE = ROOT / "benchmarks/label_free.md"
RUNS = (
    *(("mcss", "S1", steps) for steps in (40, 120, 360)),
    *(("mcss", "all", steps) for steps in (40, 120, 360)),
    *(("baseline", "S1", steps) for steps in (40, 120, 360)),
    *(("baseline", "all", steps) for steps in (40, 120, 360)),
)
"""Method, supervision and steps of each run."""


def train_and_test(store: Path, folder: Path, method: str, supervision: str, steps: int) -> dict[str, float]:
    """Errors and label-free figures of a run on the test subjects."""
    settings = {
        "data.store": store,
        "data.supervision": supervision,
        "data.validation_clips": "[]",
        "model.width": 8,
        "model.image_size_px": 48,
        "trainer.max_steps": steps,
        "trainer.limit_test_batches": 0.25,
    }
    record = trained_and_tested(folder, method, settings)
    return headline(record["results"]) | record["view_agreement"]["network"]


def page(runs: pd.DataFrame, store: str) -> str:
    """Rank correlations and all runs as Markdown."""
    ranks = pd.DataFrame(
        {METRICS[error].heading: {name: spearmanr(runs[name], runs[error]).statistic for name in DEFINITIONS}
         for error in METRICS}
    )  # fmt: skip
    return (
        "# Figures without labels against the true error\n\n"
        f"Written by `python -m benchmarks.label_free`: {len(runs)} runs on {store}, tested on a quarter"
        " of the test images.\n"
        "Spearman's rank correlation of each figure with each error (1 or -1: the same order of runs):\n\n"
        f"{ranks.to_markdown(floatfmt='.2f')}\n\n{runs.to_markdown(floatfmt='.3g')}\n"
    )


def main() -> None:
    """Train what is not trained yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=ROOT / "data/studio")
    parser.add_argument("--out", type=Path, default=ROOT / "runs/label_free", help="folder of the runs")
    options = parser.parse_args()
    rows = {}
    for method, supervision, steps in RUNS:
        name = f"{method}-{supervision}-{steps}"
        rows[name] = train_and_test(options.store, options.out / name, method, supervision, steps)
    text = page(pd.DataFrame.from_dict(rows, orient="index"), options.store.name)
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
