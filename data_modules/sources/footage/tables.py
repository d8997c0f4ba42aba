"""The tables that a lab writes beside its recordings: CSV files with a header."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from mcss.errors import InputError

SYNC_FILE, BOXES_FILE, MARKERS_FILE = "sync.csv", "boxes.csv", "markers.csv"
BOX_COLUMNS = ("left", "top", "width", "height")
COLUMNS = {
    SYNC_FILE: ("video",),
    BOXES_FILE: ("video", "frame", *BOX_COLUMNS),
    MARKERS_FILE: ("joint", "marker"),
}
"""That a table must have."""


def read_table(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header that has at least ``columns``, one after the other: a table may be long.

    Raises:
        InputError: the file is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
                raise InputError(f"{path}: has no column {', '.join(missing)}; its first line must name the columns")
            yield from reader
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file ({error}); save it as CSV in UTF-8") from None


def number_in(row: Mapping[str, str], column: str, path: Path) -> float | None:
    """Number that the row of sync.csv of the file ``path`` has in ``column``; None where it has nothing.

    Raises:
        InputError: it has something else.
    """
    text = row.get(column) or ""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"sync.csv, {path}: {column} is {text!r}; write a number") from None


def rows_by(path: Path, column: str, start: str = "") -> dict[str, list[dict[str, str]]]:
    """Rows of a table by what they have in ``column``, those that ``start`` so; none where there is no such file.

    Raises:
        InputError: the file is no such table.
    """
    return _rows_by(path, column, start, path.stat().st_mtime_ns) if path.exists() else {}


@lru_cache(maxsize=4)
def _rows_by(path: Path, column: str, start: str, changed_ns: int) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_table(path, COLUMNS[path.name]):
        if row[column].startswith(start):
            found[row[column]].append(row)
    return dict(found)
