"""``make report``: finished runs to one tidy table, and from it the curve, the tables and the numbers in the README."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from mcss.errors import InputError
from mcss.results.collect import collect, read_rows
from mcss.results.figures import write_comparison
from mcss.results.page import CURVE_METHODS, difficulty, markdown_table, write_into
from mcss.results.tables import table_cells, write_tables
from mcss.run.folder import RESULTS_FILE
from mcss.visualization.supervision_curve import supervision_curve

PUBLISHED = Path("experiments/paper_reference.csv")
COMPARED_SUPERVISION = "S1"


def write_report(runs: Sequence[Path], table: Path, page: Path | None, published: Path = PUBLISHED) -> str:
    """Add finished runs to ``table``; draw everything beside it anew; fill in the page. Return the page's table.

    Two runs with the labels of S1, MCSS and baseline with the same seed, are also compared image by image.

    Raises:
        InputError: a folder has no results, or results on other data than the table's.
    """
    rows = collect(runs, table)
    if not rows:
        raise InputError(f"{table}: no runs yet; name folders of finished runs (make: RUNS=...)")
    folder, others = table.parent, read_rows(published)
    supervision_curve(rows, others, data=folder.name).savefig(folder / "supervision_curve.png", dpi=130)
    write_tables(folder, table_cells(rows, others))
    compared = runs_to_compare(runs)
    if compared:
        write_comparison(compared, folder)
    text = markdown_table(rows)
    if page:
        content = write_into(page.read_text(encoding="utf-8"), "results", text)
        page.write_text(write_into(content, "difficulty", difficulty(rows)), encoding="utf-8")
    return text


def runs_to_compare(runs: Iterable[Path]) -> dict[str, Path]:
    """MCSS and baseline with the labels of S1 and the lowest seed that has both, by method; empty if none has."""
    found: dict[int, dict[str, Path]] = {}
    for folder in runs:
        facts = json.loads((folder / RESULTS_FILE).read_text(encoding="utf-8"))
        if facts["supervision"] == COMPARED_SUPERVISION and facts["method"] in CURVE_METHODS:
            found.setdefault(facts["seed"], {})[facts["method"]] = folder
    for _, by_method in sorted(found.items()):
        if len(by_method) == len(CURVE_METHODS):
            return {method: by_method[method] for method in CURVE_METHODS}
    return {}


def main(args: Sequence[str] | None = None) -> None:
    """Run the program: exit code 2 after one line on stderr where a folder has no results."""
    parser = argparse.ArgumentParser(prog="python -m mcss.results.write", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs")
    parser.add_argument("--table", type=Path, required=True, help="the CSV file, experiments/results/DATA/runs.csv")
    parser.add_argument("--page", type=Path, help="a Markdown file with result marks to fill in")
    parser.add_argument("--published", type=Path, default=PUBLISHED, help="others' results")
    options = parser.parse_args(args)
    try:
        print(write_report(options.runs, options.table, options.page, options.published))
    except InputError as error:
        print(f"report: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
