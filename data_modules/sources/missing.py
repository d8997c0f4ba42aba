"""What a source lacks, by names alone: no file is read that can be large."""

from collections.abc import Iterable
from pathlib import Path

from data_modules.sources.base import Clip, Source
from mcss.errors import InputError


def missing_shared(layout: Source, clips: Iterable[Clip]) -> dict[Path, str]:
    """Of what ``clips`` share with each other: a line for each path that is missing, with what to do."""
    needed = {path: remedy for clip in clips for path, remedy in layout.shared(clip).items()}
    return {path: f"{path}: missing or empty; {remedy}" for path, remedy in needed.items() if not _is_there(path)}


def missing_of(layout: Source, clip: Clip) -> list[str]:
    """Of what ``clip`` needs: a line each, of a folder that is missing itself none for what would lie in it."""
    shared = missing_shared(layout, [clip])
    try:
        files = layout.files(clip)
    except InputError as error:
        return [*shared.values(), str(error)]
    own = [path for path in files if not any(path.is_relative_to(other) for other in shared) and not _is_there(path)]
    return [*shared.values(), *(f"{path}: missing or empty" for path in own)]


def _is_there(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists() and path.stat().st_size > 0
