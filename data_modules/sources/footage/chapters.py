"""Chapters: cameras cut a long recording into several files, which are not several cameras."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

from data_modules.video_files import frame_times_s, open_video
from mcss.errors import InputError

CHAPTER_NAMES = (
    # GoPro HERO6 and later: GX010042, GX020042; earlier: GOPR0042, then GP010042.
    re.compile(r"G[XHLS](?P<chapter>\d{2})(?P<take>\d{4})", re.IGNORECASE),
    re.compile(r"G(?P<chapter>OPR|P\d{2})(?P<take>\d{4})", re.IGNORECASE),
    re.compile(r"(?P<take>.+?)[ _-]*(?:chapter|chap|part|pt)[ _-]*(?P<chapter>\d+)", re.IGNORECASE),
)
"""Names of the chapters of one take; cameras that film together are called otherwise."""
NUMBERED_NAMES = re.compile(
    r"(?P<before>(?:DJI|DSC|MVI|IMG|VID|MAH|MOVI?|SAM|CLIP|PICT|G[XHLS]01|GOPR)[\w-]*?|C|P(?:\d{3})?|MTS\d)"
    r"(?P<number>\d{4}|(?<=_\d\d_)\d{3})(?P<behind>\D*)"
)
"""Names that cameras give by themselves: consecutive ones are of one camera, one after the other."""
COPY_NAMES = re.compile(
    r"(?P<take>.+?)(?: ?\(\d+\)|~\d+| ?-? copy.*)|(?P<before>IMG_)E(?P<number>\d{4})", re.IGNORECASE
)
"""Names of copies, and of what a phone has edited, where the file is there of which it was made."""
AVCHD_SUFFIXES = (".mts", ".m2ts")
"""Cameras that write these call their files 00001, 00002, ..."""
DATE = re.compile(r"(20\d\d[01]\d[0-3]\d)[_-]?([0-2]\d[0-5]\d[0-5]\d)")
"""When a recording was begun, in the names that phones and some cameras give."""
BORDER_S = 3.0
"""A file that was begun so near to the end of another one goes on where that one stopped."""


def require_no_chapters(videos: Sequence[Path]) -> None:
    """Refuse videos that are called like the chapters of one recording; no file is read.

    Raises:
        InputError: two are.
    """
    _refuse(_by_name(videos))


def require_no_successors(videos: Sequence[Path]) -> None:
    """Refuse videos of which one was begun when another ended: they show nothing at the same time.

    Raises:
        InputError: two are, or one cannot be read.
    """
    _refuse(_by_time(videos))


def _refuse(pair: tuple[Path, Path] | None) -> None:
    if pair:
        first, second = (path.name for path in pair)
        raise InputError(
            f"{pair[0].parent}: {first} and {second} look like chapters of one recording, which is one camera; join"
            " them (ffmpeg -f concat), move them into clips of their own, or call them like their cameras"
        )


def _by_name(videos: Sequence[Path]) -> tuple[Path, Path] | None:
    videos = sorted(videos)
    return _chapters(videos) or _copies(videos) or _consecutive(videos)


def _chapters(videos: Sequence[Path]) -> tuple[Path, Path] | None:
    for pattern in CHAPTER_NAMES:
        takes: dict[str, Path] = {}
        for path in videos:
            if match := pattern.fullmatch(path.stem):
                other = takes.setdefault(match["take"].lower(), path)
                if other != path:
                    return other, path
    return None


def _copies(videos: Sequence[Path]) -> tuple[Path, Path] | None:
    by_stem = {path.stem: path for path in videos}
    for path in videos:
        if match := COPY_NAMES.fullmatch(path.stem):
            original = match["take"] or match["before"] + match["number"]
            if original in by_stem:
                return by_stem[original], path
    return None


def _consecutive(videos: Sequence[Path]) -> tuple[Path, Path] | None:
    numbered = {}
    for path in videos:
        name = DATE.sub("", path.stem.upper())
        if path.suffix.lower() in AVCHD_SUFFIXES and name.isdigit():
            name = f"MTS{name}"
        if match := NUMBERED_NAMES.fullmatch(name):
            numbered[match["before"], int(match["number"]), match["behind"]] = path
    for (before, number, behind), path in numbered.items():
        if (before, number - 1, behind) in numbered:
            return numbered[before, number - 1, behind], path
    return None


def _by_time(videos: Sequence[Path]) -> tuple[Path, Path] | None:
    begun = {path: moment for path in videos if (moment := _begun(path)) is not None}
    for first, second in permutations(begun, 2):
        length_s = float(frame_times_s(first)[-1])
        after_s = (begun[second] - begun[first]).total_seconds()
        # A clip shorter than the tolerance says nothing: its beginning is as near as its end.
        if length_s > 2 * BORDER_S and abs(after_s - length_s) <= BORDER_S:
            return first, second
    return None


def _begun(path: Path) -> datetime | None:
    """When the recording was begun, as the camera wrote it into the file, or else into its name."""
    with open_video(path) as container:
        text = container.metadata.get("creation_time", "").replace("Z", "+00:00")
    if not text and (match := DATE.search(path.stem)):
        text = f"{match[1]}T{match[2]}"
    try:
        begun = datetime.fromisoformat(text)
    except ValueError:
        return None
    return begun if begun.tzinfo else begun.replace(tzinfo=UTC)
