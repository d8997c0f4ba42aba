"""Recordings that are one and the same: a link or a copy is no second camera, and no second person."""

import filecmp
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from mcss.errors import InputError


def require_no_links(recordings: Iterable[Path]) -> None:
    """Refuse two names of one file or folder.

    Raises:
        InputError: there are two.
    """
    names: dict[Path, Path] = {}
    for path in recordings:
        other = names.setdefault(path.resolve(), path)
        if other != path:
            raise InputError(f"{path}: is a link to the same recording as {other}; remove one of them")


def copies(videos: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """Videos with the content of another one, each with that one; only files of one size are read."""
    by_size: dict[int, list[Path]] = defaultdict(list)
    for path in videos:
        alike = by_size[path.stat().st_size]
        other = next((other for other in alike if filecmp.cmp(other, path, shallow=False)), None)
        if other is None:
            alike.append(path)
        else:
            yield path, other
