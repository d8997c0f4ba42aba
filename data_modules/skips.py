"""What was skipped of a clip, counted by kind; kept beside its rows, and tried again once its source has changed."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

from data_modules.sources.base import Clip, Source
from mcss.errors import InputError


class Skips:
    """Counts what is skipped for reasons of one kind: thousands of images may be damaged in the same way."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._notes: list[str] = []

    def add(self, reason: str) -> None:
        """Count something; ``reason`` is a line "<where>: <what>"."""
        kind = kind_of(reason)
        self._counts[kind] += 1
        self._first.setdefault(kind, reason)

    def note(self, line: str) -> None:
        """Keep a line that has its own count."""
        self._notes.append(line)

    def lines(self) -> list[str]:
        """The notes; then how often each kind occurred, with the first reason as the example."""
        return self._notes + [
            f"{count} skipped{', the first' if count > 1 else ''}: {self._first[kind]}"
            for kind, count in self._counts.items()
        ]


def kind_of(reason: str) -> str:
    """Reason without where and without what stands in brackets, which differ from file to file.

    >>> kind_of("views/a/3.jpg: not a whole image (12 bytes left); copy it again")
    'not a whole image ; copy it again'
    """
    _, _, what = reason.partition(": ")
    return re.sub(r"\(.*\)", "", what)


def write_skips(path: Path, skips: Skips, layout: Source, clip: Clip) -> None:
    """Write beside the Arrow file ``path`` of ``clip`` what was skipped."""
    lines = skips.lines()
    state = source_state(layout, clip) if lines else ""
    _beside(path).write_text(json.dumps({"skipped": lines, "source_state": state}))


def read_skips(path: Path) -> list[str]:
    """Lines about what was skipped of the clip with the Arrow file ``path``."""
    return json.loads(_beside(path).read_text())["skipped"]


def is_done(path: Path, layout: Source, clip: Clip) -> bool:
    """Whether the Arrow file ``path`` of ``clip`` is there and another try would skip the same."""
    if not path.exists():
        return False
    values = json.loads(_beside(path).read_text())
    return not values["skipped"] or values["source_state"] == source_state(layout, clip)


def source_state(layout: Source, clip: Clip) -> str:
    """Hash of sizes and times of change of all files of ``clip``."""
    digest = hashlib.sha256()
    try:
        for path in layout.files(clip):
            digest.update(_state(path).encode())
    except InputError as error:
        digest.update(str(error).encode())
    return digest.hexdigest()


def _state(path: Path) -> str:
    """How many files there are, and the sums of their sizes and times: a folder may hold a million."""
    count = size = time_ns = 0
    for file in path.iterdir() if path.is_dir() else [path]:
        if file.exists():
            values = file.stat()
            count, size, time_ns = count + 1, size + values.st_size, time_ns + values.st_mtime_ns
    return f"{path} {count} {size} {time_ns}\n"


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")
