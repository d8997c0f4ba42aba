"""What lies under a source and belongs to no clip: named once, with counts, by names alone."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_modules.sources.base import Clip, Source
from data_modules.sources.file_names import is_for_calibration, is_of_somebody, is_recorded, readable
from mcss.errors import InputError

SHOWN_SUFFIXES = 4


@dataclass
class Leftover:
    """Files in a folder, and below it, none of which belongs to a clip."""

    folder: str
    """Relative to the source; "." for the source itself."""
    suffixes: Counter[str] = field(default_factory=Counter)
    first: str = ""
    """Name of one of the files, relative to the source: a video or an image if there is one."""
    media: int = 0
    """How many videos, images and files of poses there are."""

    @property
    def is_recording(self) -> bool:
        """Whether somebody may miss it: there are videos, images or poses, and not of a calibration."""
        return self.media > 0 and not is_for_calibration(Path(self.first))

    def line(self, arrangement: str) -> str:
        """What there is, and where recordings have to lie (``arrangement``)."""
        kinds = [f"{count} {suffix or 'without suffix'}" for suffix, count in self.suffixes.most_common(SHOWN_SUFFIXES)]
        kinds += ["others"] if len(self.suffixes) > SHOWN_SUFFIXES else []
        text = f"{self.suffixes.total()} files ({', '.join(kinds)}) that belong to no clip, such as {self.first}"
        if self.is_recording and arrangement:
            return f"{text}; a recording lies at {arrangement}, and its poses beside it"
        return f"{text}; of a calibration, which no import needs" if self.media and arrangement else text

    def count(self, path: Path) -> None:
        """Add a file, ``path`` being relative to the source."""
        is_media = is_recorded(path)
        if not self.first or (is_media and not self.media):
            self.first = readable(str(path))
        self.media += is_media
        self.suffixes[path.suffix.lower()] += 1

    def merge(self, other: "Leftover") -> None:
        """Add what another one has."""
        if not self.first or (other.media and not self.media):
            self.first = other.first
        self.suffixes += other.suffixes
        self.media += other.media


def leftovers(source: Source) -> list[Leftover]:
    """Files under the source that belong to no clip, by the highest folders that hold nothing else."""
    if not source.has_files:
        return []
    known = _known(source)
    found = list(_below(source.source, source.source, known, _parents(known)))
    return sorted(found, key=lambda leftover: leftover.folder)


def require_no_recordings_left(source: Source, clips: Sequence[Clip], subjects: Sequence[str] | None) -> None:
    """Refuse recordings and poses that no clip is read from, in the folders of ``subjects`` if some were chosen.

    Raises:
        InputError: there are some.
    """
    chosen = None if subjects is None else {(name,) for name in subjects}
    found = [item for item in leftovers(source) if item.is_recording]
    found = [item for item in found if chosen is None or Path(item.folder).parts[:1] in chosen]
    if found:
        others = f"; so are files of {', '.join(item.folder for item in found[1:])}" if len(found) > 1 else ""
        first = found[0]
        raise InputError(f"{source.source / first.folder}: {first.line(source.arrangement)}{others} (--strict)")
    for clip in clips:
        for path in source.unread(clip):
            if not is_for_calibration(Path(path.name)) and any(map(is_of_somebody, (path, *path.rglob("*")))):
                raise InputError(f"{path}: not read; {source.arrangement} is, and poses.npz, .trc or .c3d (--strict)")


def _known(source: Source) -> set[Path]:
    """Files and folders that belong to the clips, with whatever lies in these folders."""
    known = {source.source / name for name in source.tables}
    known |= {path for pattern in source.not_read for path in source.source.glob(pattern)}
    try:
        clips = source.clips()
    except InputError:
        return known
    for clip in clips:
        known |= {source.annotation(clip)} - {source.source} | set(source.shared(clip))
        try:
            known |= set(source.files(clip))
        except InputError:  # what is wrong with it is told where the clip is
            continue
    return known


def _parents(known: Collection[Path]) -> set[Path]:
    return {parent for path in known for parent in path.parents}


def _below(folder: Path, root: Path, known: set[Path], parents: set[Path]) -> Iterator[Leftover]:
    """Leftovers in ``folder``: one for itself, if it holds nothing of a clip, or those of its parts."""
    own = Leftover(readable(str(folder.relative_to(root))))
    parts: list[Leftover] = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.name.startswith(".") or path in known:
            continue
        if entry.is_dir():
            parts += _below(path, root, known, parents)
        else:
            own.count(path.relative_to(root))
    if folder not in parents and folder != root:
        for part in parts:
            own.merge(part)
        parts = []
    if own.suffixes:
        yield own
    yield from parts
