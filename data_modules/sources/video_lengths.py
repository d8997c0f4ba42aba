"""Videos that end before the poses of their clip do."""

from collections.abc import Container, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from data_modules.sources.base import Remark
from data_modules.video_files import frame_times_s


def frame_count(path: Path) -> int:
    """How many frames a video has.

    Raises:
        InputError: the file is missing, no video, or has no frame.
    """
    state = path.stat() if path.exists() else None
    return _count(path, state and (state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=64)  # of the clip at hand: the whole file is read for it
def _count(path: Path, state: tuple[int, int] | None) -> int:
    return len(frame_times_s(path))


def short_videos(paths: Iterable[Path], poses: int, shorter_by: int, remedy: str) -> list[Remark]:
    """A remark on each video that ends before the poses: the clip ends where it does.

    It is no fault where ``shorter_by`` frames are missing or fewer.

    Raises:
        InputError: a video is missing, damaged or has no frame.
    """
    return short_recordings({path: frame_count(path) for path in paths}, poses, shorter_by, remedy)


def short_recordings(
    counts: Mapping[Path, int], poses: int, shorter_by: int, remedy: str, known: Container[Path] = ()
) -> list[Remark]:
    """``short_videos``, of videos or folders of images by how many frames each has; those ``known`` are no fault."""
    return [
        Remark(
            f"{path}: has {count} frames for {poses} poses, the clip is cut to the shortest; {remedy}",
            is_fault=path not in known and count < poses - shorter_by,
        )
        for path, count in counts.items()
        if count < poses
    ]
