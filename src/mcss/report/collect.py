"""``make report``: finished runs to one tidy table, and from it the curve, the tables and the numbers in the README."""

import argparse
import csv
import json
import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mcss.errors import InputError
from mcss.report.table import headline
from mcss.report.tables import table_cells, write_tables
from mcss.run_folder import RESULTS_FILE
from mcss.visualization.supervision_curve import supervision_curve

COLUMNS = (
    *("method", "supervision", "labelled_instants", "seed", "frame", "mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm"),
    *("mean_pose_mpjpe_mm", "steps", "images_seen", "wall_s", "commit", "config_hash", "data_hash"),
)
_METRICS = ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")
CALIBRATION = "baseline_long"
"""Method whose errors say how hard the data is."""


def summary_row(record: dict[str, Any]) -> dict[str, Any]:
    """A line of ``runs.csv`` from the content of ``results.json``: errors of h36m16, micro, in the run's own frame."""
    errors = headline(record["results"])
    mean_pose = headline(record["mean_pose_results"])
    row = {**record, **errors, "mean_pose_mpjpe_mm": mean_pose["mpjpe_mm"]}
    return {column: row[column] for column in COLUMNS}


def collect(runs: Iterable[Path], table: Path) -> list[dict[str, str]]:
    """Add the runs in these folders to the CSV ``table``; a run with the same method, settings and data is replaced.

    Raises:
        InputError: a folder has no results.
    """
    rows = read_rows(table)
    for folder in runs:
        path = folder / RESULTS_FILE
        if not path.is_file():
            raise InputError(f"{path}: no such file; test the run first")
        row = {column: str(value) for column, value in summary_row(json.loads(path.read_text())).items()}
        rows = [other for other in rows if _identity(other) != _identity(row)] + [row]
    rows.sort(key=lambda row: (row["supervision"], row["method"], int(row["seed"])))
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def read_rows(table: Path) -> list[dict[str, str]]:
    """Lines of a ``runs.csv``; none where there is no file."""
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def markdown_table(rows: Sequence[dict[str, str]]) -> str:
    """Mean and sample standard deviation over seeds, a line for each supervision, method and length of run."""
    lines = [
        "| 3D labels | method | seeds | steps | images seen | MPJPE | N-MPJPE | PA-MPJPE |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in dict.fromkeys(_kind(row) for row in rows):
        group = [row for row in rows if _kind(row) == kind]
        supervision, method, steps, images = kind
        errors = " | ".join(_mean_and_spread([float(row[metric]) for row in group]) for metric in _METRICS)
        lines.append(f"| {supervision} | {method} | {len(group)} | {int(steps):,} | {int(images):,} | {errors} |")
    mean_pose = statistics.mean(float(row["mean_pose_mpjpe_mm"]) for row in rows)
    lines.append(f"| | always the mean training pose | | | | {mean_pose:.1f} | | |")
    return "\n".join(lines)


def difficulty(rows: Sequence[dict[str, str]]) -> str:
    """Sentence on what labels can do for the baseline: error with all labels, and how much more with those of S1."""
    error = {
        level: statistics.mean(float(row["mpjpe_mm"]) for row in group)
        for level in ("all", "S1")
        if (group := [row for row in rows if (row["method"], row["supervision"]) == (CALIBRATION, level)])
    }
    if "all" not in error:
        return f"Not measured: it takes `METHOD={CALIBRATION}` with `SUPERVISION=all` and with `SUPERVISION=S1`."
    mean_pose = float(rows[0]["mean_pose_mpjpe_mm"])
    sentence = (
        f"Trained for long (`METHOD={CALIBRATION}`), the baseline reaches an MPJPE of {error['all']:.1f} mm with the"
        f" labels of all training subjects,\n{error['all'] / mean_pose:.2f} times the mean pose's {mean_pose:.1f} mm"
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


def main(args: Sequence[str] | None = None) -> None:
    """Run the program: exit code 2 after one line on stderr where a folder has no results."""
    parser = argparse.ArgumentParser(prog="python -m mcss.report.collect", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs")
    parser.add_argument("--table", type=Path, required=True, help="the CSV file, experiments/results/DATA/runs.csv")
    parser.add_argument("--page", type=Path, help="a Markdown file with result marks to fill in")
    parser.add_argument(
        "--published", type=Path, default=Path("experiments/paper_reference.csv"), help="others' results"
    )
    options = parser.parse_args(args)
    try:
        rows = collect(options.runs, options.table)
    except InputError as error:
        print(f"report: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    table = markdown_table(rows)
    folder, published = options.table.parent, read_rows(options.published)
    supervision_curve(rows, published, data=folder.name).savefig(folder / "supervision_curve.png", dpi=130)
    write_tables(folder, table_cells(rows, published))
    if options.page:
        page = write_into(options.page.read_text(encoding="utf-8"), "results", table)
        options.page.write_text(write_into(page, "difficulty", difficulty(rows)), encoding="utf-8")
    print(table)


def _identity(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[column] for column in ("method", "config_hash", "data_hash"))


def _kind(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[column] for column in ("supervision", "method", "steps", "images_seen"))


def _mean_and_spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}"


if __name__ == "__main__":
    main()
