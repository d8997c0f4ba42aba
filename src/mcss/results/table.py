"""A run's results as a Markdown table."""

from collections.abc import Iterable
from typing import Any

from mcss.results.metrics import METRICS

HEADLINE = ("h36m16", "micro")
"""Joint set and average of the figures that stand for a run where there is room for one."""


def results_table(record: dict[str, Any]) -> str:
    """Errors in mm: a line a joint set and average, and the mean-pose predictor's for comparison.

    ``record`` is the content of ``results.json``.
    """
    lines = [
        f"\n{record.get('method', 'network')}, 3D labels: {record.get('supervision', 'unknown')},"
        f" test subjects {' '.join(record['test_subjects'])},"
        f" {record['test_images']} images, {record['frame']} frame, mm\n",
        "| joints, average | " + " | ".join(reported.heading for reported in METRICS.values()) + " |",
        "|---|" + "---:|" * len(METRICS),
    ]
    lines += _lines("", record["results"])
    lines += _lines("mean pose: ", record["mean_pose_results"])
    return "\n".join(lines) + "\n"


def headline(results: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Value of each metric in ``results`` on the headline's joint set and average."""
    return {r["metric"]: r["value"] for r in results if (r["joint_set"], r["average"]) == HEADLINE}


def _lines(prefix: str, results: list[dict[str, Any]]) -> list[str]:
    rows = dict.fromkeys((result["joint_set"], result["average"]) for result in results)
    value = {(r["joint_set"], r["average"], r["metric"]): r["value"] for r in results}
    return [
        f"| {prefix}{joint_set}, {average} | "
        + " | ".join(f"{value[joint_set, average, metric]:.1f}" for metric in METRICS)
        + " |"
        for joint_set, average in rows
    ]
