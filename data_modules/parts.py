"""Finished clips of a store that is being built, each in two files of its own until the store is whole.

``<store>.partial/S1/Walking/1.arrow`` has the rows, ``1.json`` the clip's record, ``1.frames`` some pictures of whole
frames. The record is written last: where it has the clip's present fingerprint, the clip is done.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from data_modules.sources.base import Clip
from data_modules.store.format import Row
from data_modules.store.writer import read_rows, write_rows


@dataclass(frozen=True)
class ClipRecord:
    """What a store remembers of a clip (``clips`` in store.json), so that the next build need not make it again.

    Attributes:
        fingerprint: hash of all that its rows follow from (``Source.fingerprint``, the settings).
        rows: how many it has.
        skipped: lines about what was skipped, and other remarks.
        strict: whether the settings were, so that no line is about a fault.
    """

    fingerprint: str
    rows: int
    skipped: tuple[str, ...]
    strict: bool

    def serves(self, fingerprint: str, strict: bool) -> bool:
        """Whether a build that wants the clip with ``fingerprint`` can take it as it is."""
        return self.fingerprint == fingerprint and (self.strict or not strict or not self.skipped)

    def to_dict(self) -> dict:
        """JSON values."""
        return asdict(self) | {"skipped": list(self.skipped)}

    @classmethod
    def from_dict(cls, values: dict) -> "ClipRecord":
        """Inverse of ``to_dict``."""
        return cls(**values | {"skipped": tuple(values["skipped"])})


class Parts:
    """The folder beside the store at ``store_path``; it travels to workers."""

    def __init__(self, store_path: Path) -> None:
        self.folder = store_path.with_name(f"{store_path.name}.partial")

    def write(self, clip: Clip, rows: Iterable[Row]) -> int:
        """Stream the rows of ``clip`` to its file, which appears whole; return how many there are."""
        path = self._path(clip, "arrow")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            count = write_rows(temporary, rows)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return count

    def finish(self, clip: Clip, record: ClipRecord) -> None:
        """Mark ``clip``, whose rows are written, as done."""
        path = self._path(clip, "json")
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(record.to_dict()), encoding="utf-8")
        temporary.replace(path)

    def record(self, clip: Clip) -> ClipRecord | None:
        """Record of a clip that is done."""
        try:
            return ClipRecord.from_dict(json.loads(self._path(clip, "json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def rows(self, clip: Clip) -> Iterator[Row]:
        """Rows of a clip that is done."""
        return read_rows(self._path(clip, "arrow"))

    def frames_folder(self, clip: Clip) -> Path:
        """Folder of the clip's pictures of whole frames."""
        return self.folder / clip[0] / clip[1] / f"{clip[2]}.frames"

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, clip: Clip, suffix: str) -> Path:
        subject, action, subaction = clip
        return self.folder / subject / action / f"{subaction}.{suffix}"
