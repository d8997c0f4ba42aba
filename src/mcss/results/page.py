"""What the README says of finished runs: the table of the curve, and how hard the data is."""

import re
import statistics
from collections.abc import Sequence

from mcss.results.collect import Rows
from mcss.results.metrics import METRICS

CURVE_METHODS = ("mcss", "baseline")
"""Methods of the README's table; the others stand in tables.md."""
CALIBRATION = "baseline_long"
"""Method whose errors say how hard the data is."""


def markdown_table(rows: Rows) -> str:
    """Mean and sample standard deviation over seeds, a line for each supervision, method and length of run.

    Of ``rows`` (of a ``runs.csv``) those with one of ``CURVE_METHODS`` are taken.
    """
    lines = [
        f"| 3D labels | method | seeds | steps | images seen | {' | '.join(x.heading for x in METRICS.values())} |",
        "|---|---|---:|---:|---:|" + "---:|" * len(METRICS),
    ]
    shown = [row for row in rows if row["method"] in CURVE_METHODS]
    for kind in dict.fromkeys(_kind(row) for row in shown):
        group = [row for row in shown if _kind(row) == kind]
        supervision, method, steps, images = kind
        errors = " | ".join(_mean_and_spread([float(row[metric]) for row in group]) for metric in METRICS)
        lines.append(f"| {supervision} | {method} | {len(group)} | {int(steps):,} | {int(images):,} | {errors} |")
    if shown:  # methods with a target in another frame have a mean pose of their own
        mean_pose = statistics.mean(float(row["mean_pose_mpjpe_mm"]) for row in shown)
        lines.append(f"| | always the mean training pose | | | | {mean_pose:.1f} | | |")
    return "\n".join(lines)


def difficulty(rows: Rows) -> str:
    """Sentence on what labels can do for the baseline: error with all labels, and how much more with those of S1."""
    error = {
        level: statistics.mean(float(row["mpjpe_mm"]) for row in group)
        for level in ("all", "S1")
        if (group := [row for row in rows if (row["method"], row["supervision"]) == (CALIBRATION, level)])
    }
    if "all" not in error:
        return f"Not measured: it takes `METHOD={CALIBRATION}` with `SUPERVISION=all` and with `SUPERVISION=S1`."
    (calibration, *_) = (row for row in rows if (row["method"], row["supervision"]) == (CALIBRATION, "all"))
    mean_pose = float(calibration["mean_pose_mpjpe_mm"])
    size = f"{int(calibration['steps']):,} steps, {float(calibration['wall_s']) / 60:.0f} minutes"
    sentence = (
        f"Trained for long (`METHOD={CALIBRATION}`: {size}), the baseline reaches an MPJPE of {error['all']:.1f} mm\n"
        "with the labels of all training subjects,"
        f" {error['all'] / mean_pose:.2f} times the mean pose's {mean_pose:.1f} mm"
    )
    if "S1" not in error:
        return f"{sentence}; with those of S1 alone it has not been measured."
    return (
        f"{sentence}, and {error['S1']:.1f} mm with those of S1 alone, {error['S1'] / error['all']:.2f} times as much."
    )


def write_into(page: str, name: str, text: str) -> str:
    """``page`` with what stands between the marks of block ``name`` replaced by ``text``."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)


def _kind(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[column] for column in ("supervision", "method", "steps", "images_seen"))


def _mean_and_spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"
