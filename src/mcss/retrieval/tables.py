"""The benchmark's figures as CSV and Markdown."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcss.metrics.retrieval import KS
from mcss.retrieval.benchmark import Difference, Line

CASE_TITLES = {
    "all": "all test subjects (paper, case 1)",
    "own": "the query's own subject",
    "cross": "other subjects (paper, case 2)",
}
_MEASURES = {
    "above_oracle_mm": ("Mean-PA-MPJPE@K above the oracle's, mm (paper, Table 3)", ".1f"),
    "mean_pa_mpjpe_mm": ("Mean-PA-MPJPE@K, mm", ".1f"),
    "hit": ("Hit@K", ".2f"),
}


def write_csv(path: Path, records: Sequence[Line] | Sequence[Difference]) -> None:
    """Write a line a record; the columns bear the fields' names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(records[0]._fields)
        writer.writerows(records)


def retrieval_page(
    record: Mapping[str, Any],
    lines: Sequence[Line],
    differences: Sequence[Difference],
    labels: Mapping[str, str],
) -> str:
    """All tables as Markdown, with the definitions of what they show.

    Args:
        record: content of ``retrieval.json``.
        lines: of ``retrieval.csv``.
        differences: of ``differences.csv``.
        labels: short name of each run.
    """
    parts = [
        f"# Retrieval, {record['data']}\n\n"
        f"{record['test_images']:,} images of {record['test_instants']:,} instants in {record['test_clips']} clips of"
        f" {', '.join(record['test_subjects'])}; every image of camera {', '.join(record['query_cameras'])} is once the"
        " query. In brackets:"
        f" {record['definitions']['intervals']}.\n"
    ]
    for measure, (title, digits) in _MEASURES.items():
        parts.append(f"\n## {title}\n\n" + _head("database", "ranking"))
        for case in dict.fromkeys(line.case for line in lines):
            for name, group in _rankings(lines, case, measure, labels).items():
                cells = [f"{x.value:{digits}} [{x.low:{digits}}, {x.high:{digits}}]" for x in group]
                parts.append(f"| {CASE_TITLES[case]} | {name} | " + " | ".join(cells) + " |\n")
    parts.append("\n## Differences in Mean-PA-MPJPE@K on the same queries, mm\n\n" + _head("database", "difference"))
    for run, against, case in dict.fromkeys((d.run, d.against, d.case) for d in differences):
        same = [d for d in differences if (d.run, d.against, d.case) == (run, against, case)]
        cells = [f"{x.value:+.1f} [{x.low:+.1f}, {x.high:+.1f}]" for x in same]
        name = f"{labels[run]}, less {labels.get(against, against)}"
        parts.append(f"| {CASE_TITLES[case]} | {name} | " + " | ".join(cells) + " |\n")
    parts.append("\n## Definitions\n\n")
    parts += [f"- *{name}*: {text}.\n" for name, text in record["definitions"].items()]
    return "".join(parts)


def _rankings(lines: Sequence[Line], case: str, measure: str, labels: Mapping[str, str]) -> dict[str, list[Line]]:
    """The lines of a case and measure by the name of their ranking; the oracle is not compared with itself."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        if (line.case, line.measure) == (case, measure) and (measure, line.ranking) != ("above_oracle_mm", "oracle"):
            groups.setdefault(labels.get(line.run, line.ranking), []).append(line)
    return groups


def _head(*columns: str) -> str:
    return (
        f"| {' | '.join(columns)} | " + " | ".join(f"K={k}" for k in KS) + " |\n"
        "|" + "---|" * len(columns) + "---:|" * len(KS) + "\n"
    )
