"""Recordings that are one and the same: a copy or a link is no second camera, and no second person."""

import filecmp
from collections import defaultdict
from collections.abc import Hashable, Iterable
from pathlib import Path

from mcss.errors import InputError


def require_no_copies(recordings: Iterable[Path]) -> None:
    """Refuse recordings of which two have the same content; only files of one size are read for that.

    Raises:
        InputError: two have.
    """
    alike: dict[Hashable, list[Path]] = defaultdict(list)
    for path in recordings:
        others = alike[path.stat().st_size if path.is_file() else path.resolve()]
        for other in others:
            if path.is_dir() or filecmp.cmp(other, path, shallow=False):
                raise InputError(f"{path}: is the same recording as {other}; remove one of them")
        others.append(path)
