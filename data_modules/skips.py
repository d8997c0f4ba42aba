"""What was skipped of a clip, counted by kind."""

import re
from collections import Counter


class Skips:
    """Counts what is skipped for reasons of one kind: thousands of images may be damaged in the same way."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._faults: list[str] = []
        self._remarks: list[str] = []

    def add(self, reason: str) -> None:
        """Count something; ``reason`` is a line "<where>: <what>"."""
        kind = kind_of(reason)
        self._counts[kind] += 1
        self._first.setdefault(kind, reason)

    def note(self, line: str, is_fault: bool = True) -> None:
        """Keep a line that has its own count."""
        (self._faults if is_fault else self._remarks).append(line)

    def lines(self) -> list[str]:
        """Faults first; then how often each kind was skipped, with the first reason as the example; then remarks."""
        skipped = [
            f"{count} skipped{', the first' if count > 1 else ''}: {self._first[kind]}"
            for kind, count in self._counts.items()
        ]
        return self._faults + skipped + self._remarks


def kind_of(reason: str) -> str:
    """Reason without where and without what stands in brackets, which differ from file to file.

    >>> kind_of("views/a/3.jpg: not a whole image (12 bytes left); copy it again")
    'not a whole image ; copy it again'
    """
    _, _, what = reason.partition(": ")
    return re.sub(r"\(.*\)", "", what)
