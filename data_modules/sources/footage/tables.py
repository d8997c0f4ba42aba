"""The tables that a lab writes beside its recordings: CSV files with a header, as spreadsheet programs save them.

Commas, semicolons or tabs between the cells; UTF-8, UTF-16 or Windows' Latin letters; a decimal point or comma.
"""

import csv
import hashlib
import math
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from data_modules.sources.file_names import VIDEO_SUFFIXES
from mcss.errors import InputError

SYNC_FILE, BOXES_FILE, MARKERS_FILE = "sync.csv", "boxes.csv", "markers.csv"
BOX_COLUMNS = ("left", "top", "width", "height")
COLUMNS = {
    SYNC_FILE: ("video",),
    BOXES_FILE: ("video", "frame", *BOX_COLUMNS),
    MARKERS_FILE: ("joint", "marker"),
}
"""That a table must have."""
SYNC_COLUMNS = ("video", "offset_s", "offset_frames", "drift_ppm", "fps", "unit", "up", "note")
"""All that sync.csv can have, ``note`` for your own words: under a mistyped name an offset would not be applied."""
DELIMITERS = ",;\t"


def read_text(path: Path) -> str:
    """Text of a file in UTF-8, UTF-16 with a byte order mark, or else Windows' Latin letters.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: the file is no text.
    """
    return path.read_bytes().decode(_encoding(path))


def read_table(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header that has at least ``columns``, one after the other: a table may be long.

    Raises:
        InputError: the file is no such table.
    """
    try:
        with path.open(newline="", encoding=_encoding(path)) as file:
            header = file.readline().lower()
            names = {mark: [name.strip(' "\r\n') for name in header.split(mark)] for mark in DELIMITERS}
            mark = max(names, key=lambda mark: len(set(columns) & set(names[mark])))
            if missing := [name for name in columns if name not in names[mark]]:
                raise InputError(f"{path}: has no column {', '.join(missing)}; its first line must name the columns")
            reader = csv.DictReader(file, names[mark], restval="", delimiter=mark, skipinitialspace=True)
            for row in reader:
                if None in row:
                    raise InputError(
                        f"{path}: line {reader.line_num + 1} has more cells than the first line; put names with a comma"
                        " into quotation marks, and write numbers with a point"
                    )
                yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file ({error}); save it as CSV in UTF-8") from None


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    try:
        with path.open(encoding="utf-8-sig") as text:
            for _ in text:
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def video_name(text: str) -> str:
    r"""Name of a recording as in all tables, from what somebody wrote: separators, accents and a suffix may differ.

    >>> video_name("S1\\walk\\front.MP4")
    'S1/walk/front'
    """
    name = unicodedata.normalize("NFC", text.strip().replace("\\", "/")).removeprefix("./")
    path = Path(name)
    return name.removesuffix(path.suffix) if path.suffix.lower() in VIDEO_SUFFIXES else name


def finite(text: str) -> float:
    """Number that a cell says, with a decimal point or comma.

    Raises:
        ValueError: it says none, or one that is not finite.
    """
    value = float(text.strip().replace(",", "."))
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is no number")
    return value


def number_in(row: Mapping[str, str], column: str, path: Path) -> float | None:
    """Number that the row of sync.csv of the file ``path`` has in ``column``; None where it has nothing.

    A rate may be a fraction, such as 30000/1001.

    Raises:
        InputError: it has something else.
    """
    text = row.get(column) or ""
    if not text.strip():
        return None
    try:
        above, _, below = text.partition("/")
        return finite(above) / finite(below or "1")
    except (ValueError, ZeroDivisionError):
        raise InputError(f"sync.csv, {path}: {column} is {text!r}; write a number") from None


def sync_rows(path: Path) -> dict[str, dict[str, str]]:
    """Row of sync.csv of each video and of each file of poses; none where there is no such file.

    Raises:
        InputError: the file is no such table, has a column of another name, or two unlike rows of one video.
    """
    rows = rows_by(path, "video")
    for name, (row, *others) in rows.items():
        if unknown := sorted(set(row) - set(SYNC_COLUMNS) - {""}):
            raise InputError(f"{path}: column {unknown[0]!r} is not known; there are {', '.join(SYNC_COLUMNS)}")
        if any(other != row for other in others):
            raise InputError(f"{path}: has {len(others) + 1} rows of {name}; keep one of them")
    return {name: row for name, (row, *_) in rows.items()}


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
        key = video_name(row[column] or "") if column == "video" else row[column] or ""
        if key.startswith(start):
            found[key].append({**row, column: key})
    return dict(found)


def clip_digests(path: Path) -> dict[str, str]:
    """Digest of the rows of a table of videos about each clip, by the clip's name.

    Raises:
        InputError: the file is no such table.
    """
    return _clip_digests(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _clip_digests(path: Path, changed_ns: int) -> dict[str, str]:
    digests: dict[str, Any] = defaultdict(hashlib.sha256)
    for row in read_table(path, COLUMNS[path.name]):
        digests[video_name(row["video"] or "").rpartition("/")[0]].update(repr(row).encode())
    return {clip: digest.hexdigest() for clip, digest in digests.items()}
