"""The paper's tables and the ablations from ``runs.csv``; values published on Human3.6M have a column of their own."""

import csv
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from mcss.results.collect import Rows
from mcss.results.metrics import METRICS

REFERENCE = "mcss"
"""Method whose error is divided by each other's, at the same supervision."""


class Table(NamedTuple):
    """Which runs a table compares."""

    title: str
    levels: tuple[str, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...] = ("n_mpjpe_mm",)


TABLES = {
    "curve": Table("Amount of labels", ("all", "S1+S5", "S1", "50%S1", "10%S1", "5%S1"), ("baseline", "mcss")),
    "table1": Table("Labels of all training subjects, and of S1", ("all", "S1"), ("baseline", "mcss"), tuple(METRICS)),
    "table2": Table("Target in the world's frame; a deeper network", ("S1",), ("mcss", "mcss_global", "mcss_resnet34")),
    "ablations": Table(
        "One part changed at a time",
        ("S1",),
        (
            *("mcss", "mcss_threshold_at_once", "mcss_no_threshold", "mcss_random_negatives", "mcss_softmax"),
            *("mcss_squared", "mcss_mixed_subjects", "mcss_dim64", "mcss_dim256", "baseline_all_images", "baseline"),
        ),
    ),
}
"""The tables by name."""


class Cell(NamedTuple):
    """One figure of a table, mm on the test subjects (h36m16, micro); empty strings where there is no value."""

    table: str
    supervision: str
    method: str
    frame: str
    metric: str
    seeds: int
    mean_mm: float
    sd_mm: float | str
    mcss_ratio: float | str
    """Error of MCSS over this one."""
    mean_pose_ratio: float
    """MPJPE over that of always predicting the mean training pose: near 1, nothing was learned."""
    published_h36m_mm: str


def table_cells(rows: Rows, published: Rows) -> list[Cell]:
    """Every figure of every table that ``rows`` have runs for, in the tables' order."""
    return [
        cell
        for name, table in TABLES.items()
        for level in table.levels
        for method in table.methods
        for metric in table.metrics
        for cell in _cell(name, level, method, metric, rows, published)
    ]


def _cell(table: str, level: str, method: str, metric: str, rows: Rows, published: Rows) -> Iterable[Cell]:
    group = [row for row in rows if (row["supervision"], row["method"]) == (level, method)]
    if not group:
        return
    values = [float(row[metric]) for row in group]
    reference = [float(row[metric]) for row in rows if (row["supervision"], row["method"]) == (level, REFERENCE)]
    mean = statistics.mean(values)
    theirs = [
        row[metric]
        for row in published
        if (row["dataset"], row["supervision"], row["method"]) == ("h36m", level, method)
    ]
    yield Cell(
        table,
        level,
        method,
        group[0]["frame"],
        metric,
        len(values),
        round(mean, 4),
        round(statistics.stdev(values), 4) if len(values) > 1 else "",
        round(statistics.mean(reference) / mean, 3) if reference else "",
        round(_mean(group, "mpjpe_mm") / _mean(group, "mean_pose_mpjpe_mm"), 3),
        theirs[0] if theirs else "",
    )


def _mean(rows: Rows, column: str) -> float:
    return statistics.mean(float(row[column]) for row in rows)


def tables_page(cells: Sequence[Cell], data: str) -> str:
    """All tables as Markdown."""
    parts = [
        f"# Tables, {data}\n\nErrors on the test subjects in mm (h36m16, mean over images), each in its own frame."
        " *Of mean pose*: MPJPE over that of always predicting the mean training pose; near 1, a run has learned next"
        " to nothing, and no other column means much.\n"
    ]
    for name, table in TABLES.items():
        parts.append(
            f"\n## {table.title}\n\n"
            "| 3D labels | method | frame | metric | seeds | ours | of mean pose | mcss / this | published, Human3.6M"
            " |\n"
            "|---|---|---|---|---:|---:|---:|---:|---:|\n"
        )
        parts += [_line(cell) for cell in cells if cell.table == name]
    return "".join(parts)


def write_tables(folder: Path, cells: Sequence[Cell]) -> None:
    """Write ``tables.md`` and, a line a figure, ``tables.csv`` into the results of a data set."""
    (folder / "tables.md").write_text(tables_page(cells, folder.name), encoding="utf-8")
    with (folder / "tables.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Cell._fields)
        writer.writerows(cells)


def _line(cell: Cell) -> str:
    ours = f"{cell.mean_mm:.1f}" + (f" ± {cell.sd_mm:.1f}" if cell.sd_mm != "" else "")
    words = (cell.supervision, cell.method, cell.frame, METRICS[cell.metric].heading, cell.seeds, ours)
    ratios = (f"{cell.mean_pose_ratio:.2f}", cell.mcss_ratio, cell.published_h36m_mm)
    return "| " + " | ".join(str(word) for word in (*words, *ratios)) + " |\n"
