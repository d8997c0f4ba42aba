"""``make report``: adds finished runs to the table; writes curve, tables, README and a page for each run."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from mcss.errors import InputError, message_in_one_line
from mcss.results.figures import curve_figure, write_comparison
from mcss.results.headlines import DRAWS, headlines_table, read_draws
from mcss.results.layout import COMPARED_METHODS
from mcss.results.page import write_page
from mcss.results.record import add_runs, read_record
from mcss.results.table import (
    cells,
    difficulty,
    read_published,
    readme_table,
    tables_page,
    write_into,
)

PUBLISHED = Path("experiments/paper_reference.csv")
_COMPARED_SUPERVISION = "S1"


def write_report(runs: Sequence[Path], table: Path, page: Path | None, published: Path = PUBLISHED) -> pd.DataFrame:
    """Add finished runs to ``table``; write curve, tables and the blocks of ``page`` from it. Return the table.

    An MCSS and a baseline run with the labels of S1 and the same seed are also compared on the same images.

    Raises:
        InputError: a folder has no results, or results on other data than the table's; there is no such page.
    """
    if page and not page.is_file():
        raise InputError(f"{page}: no such page to fill in")
    rows = add_runs(runs, table)
    if not len(rows):
        raise InputError(f"{table}: no runs yet; name folders of finished runs (make: RUNS=...)")
    folder, others = table.parent, read_published(published)
    curve_figure(rows, others, folder.name).savefig(folder / "supervision_curve.png", dpi=130)
    (folder / "tables.md").write_text(tables_page(rows, others, folder.name), encoding="utf-8")
    cells(rows, others).to_csv(folder / "tables.csv", index=False, lineterminator="\n")
    compared = runs_to_compare(runs)
    if compared:
        write_comparison(compared, folder)
    if page:
        blocks = {"headlines": headlines_table(read_draws(folder.parent), others)}
        if folder.name not in DRAWS[1:]:  # the other blocks are of the first
            blocks |= {"results": readme_table(rows), "difficulty": difficulty(rows)}
        content = page.read_text(encoding="utf-8")
        for name, text in blocks.items():
            content = write_into(content, name, text)
        page.write_text(content, encoding="utf-8")
    return rows


def runs_to_compare(runs: Iterable[Path]) -> dict[str, Path]:
    """Folders, by method, of MCSS and baseline with the labels of S1 and the lowest common seed; empty if none."""
    found: dict[int, dict[str, Path]] = {}
    for folder in runs:
        record = read_record(folder)
        tested = record["supervision"] == _COMPARED_SUPERVISION and not record.get("partial", False)
        if tested and record["method"] in COMPARED_METHODS and "test_store" in record:
            found.setdefault(record["seed"], {})[record["method"]] = folder
    for _, by_method in sorted(found.items()):
        if len(by_method) == len(COMPARED_METHODS):
            return {method: by_method[method] for method in COMPARED_METHODS}
    return {}


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; exit with code 2 after one line on stderr if the input is invalid."""
    parser = argparse.ArgumentParser(prog="python -m mcss.results", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="folders of finished runs")
    parser.add_argument("--table", type=Path, required=True, help="the CSV file, experiments/results/DATA/runs.csv")
    parser.add_argument("--page", type=Path, help="a Markdown file with result marks to fill in")
    parser.add_argument("--published", type=Path, default=PUBLISHED, help="others' results")
    options = parser.parse_args(args)
    try:
        rows = write_report(options.runs, options.table, options.page, options.published)
        print(readme_table(rows))
        for folder in options.runs:
            print(f"written: {write_page(folder, rows, read_published(options.published))}")
    except InputError as error:
        print(f"report: {message_in_one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
