"""Measured offsets in sync.csv, and their comparison with what is written there."""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_modules.sources.base import Clip
from data_modules.sources.footage.recordings import Recording, nearest_index, read_recording, recordings_in
from data_modules.sources.footage.sync import Lag
from data_modules.sources.footage.sync_clip import ClipSync, differences, sync_clip
from data_modules.sources.footage.sync_signals import Seen
from data_modules.sources.footage.tables import read_table
from data_modules.sources.footage.videos import SYNC_FILE, Videos
from mcss.errors import InputError

EMBEDDED_HZ, EMBEDDED_S = 15.0, 90.0
"""So many pictures a second are embedded, of so much of a recording."""
WRITTEN = ("offset_s", "offset_frames", "drift_ppm")


@dataclass(frozen=True)
class Report:
    """What was found of one clip."""

    lines: list[str]
    unknown: list[str]
    """Videos of which nothing tells the offset, and nobody has written it."""


def sync_views(views: Path, checkpoint: Path | None = None) -> Iterator[Report]:
    """Measure every clip; write offsets of those videos that have none in sync.csv, all other cells stay.

    Args:
        views: folder of the videos.
        checkpoint: of a network whose embeddings tell where sound and flashes do not.

    Raises:
        InputError: the videos or sync.csv cannot be read, or the checkpoint is none.
    """
    source, path = Videos(views), views / SYNC_FILE
    person = PersonReader(source, checkpoint) if checkpoint else None
    rows = {row["video"]: row for row in read_table(path, ("video",))} if path.exists() else {}
    for clip in source.clips():
        name = f"{clip[0]}/{clip[1]}"
        recordings = own_clocks(source, clip, rows)
        found = sync_clip(recordings, see=person)
        written = _written(rows, name, recordings)
        lines = [] if person is None else person.take_remarks()
        lines += [pair_line(name, pair, found) for pair in found.pairs]
        lines += [f"warning: {line}" for line in differences(name, found, recordings, written)]
        unknown = []
        for recording in recordings:
            video = f"{name}/{recording.camera}"
            if recording.camera in written:
                continue
            if recording.camera not in found.offsets:
                unknown.append(video)
                continue
            lag = _from_written(found.offsets[recording.camera], found, written)
            row = rows.setdefault(video, {"video": video})
            row["offset_s"], row["drift_ppm"] = (
                f"{lag.lag_s:.4f}",
                "" if lag.drift_ppm is None else f"{lag.drift_ppm:.1f}",
            )
        _write(path, rows)
        yield Report(lines, unknown)


class PersonReader:
    """Reads the person in recordings by a network; what it cannot find is a remark.

    Raises:
        InputError: the checkpoint is none.
    """

    def __init__(self, source: Videos, checkpoint: Path) -> None:
        from data_modules.sources.footage.embeddings import Embedder  # brings torch

        self._source, self._embedder = source, Embedder(checkpoint)
        remark = source.prefer_detector(source.clips())
        self._remarks = [remark] if remark else []

    def __call__(self, recording: Recording) -> Seen:
        """Embeddings of the person, over time; of no frame where nobody is found."""
        time_s = recording.time_s
        few = time_s[0] + np.arange(0, min(EMBEDDED_S, time_s[-1] - time_s[0]), 1 / EMBEDDED_HZ)
        pictures = np.unique(nearest_index(time_s, few))
        try:
            embedding = self._embedder.embed(recording, self._source.track(recording), pictures.tolist())
        except InputError as error:
            self._remarks.append(str(error))
            return Seen(np.zeros(0), np.zeros((0, 0)))
        known = np.isfinite(embedding[:, 0])
        return Seen(time_s[pictures[known]], embedding[known])

    def take_remarks(self) -> list[str]:
        """What was noted since the last call."""
        remarks, self._remarks = self._remarks, []
        return remarks


def own_clocks(source: Videos, clip: Clip, rows: Mapping[str, Mapping[str, str]]) -> list[Recording]:
    """Recordings of a clip, each on its own clock."""
    found = []
    for path in recordings_in(source.annotation(clip)):
        video = f"{clip[0]}/{clip[1]}/{path.name if path.is_dir() else path.stem}"
        found.append(read_recording(path, {"fps": rows.get(video, {}).get("fps", "")}))
    return found


def pair_line(name: str, pair: tuple[str, str], found: ClipSync) -> str:
    """What is known of two cameras, in a line."""
    (a, b), lag = pair, found.pairs[pair]
    if lag is None and {a, b} <= found.offsets.keys():
        lag_s = found.offsets[b].lag_s - found.offsets[a].lag_s
        return f"{name}: {b} shows {lag_s:+.3f} s when {a} shows 0, by their lags to other cameras"
    if lag is None:
        return f"{name}: {a} and {b}: cannot tell"
    drift = "" if lag.drift_ppm is None else f", drift {lag.drift_ppm:+.0f} ppm"
    return (
        f"{name}: {b} shows {lag.lag_s:+.3f} s when {a} shows 0, by {lag.by} (confidence {lag.confidence:.2f}){drift}"
    )


def _written(rows: Mapping[str, Mapping[str, str]], name: str, recordings: list[Recording]) -> dict[str, float]:
    """Offsets in seconds that sync.csv has of the cameras of a clip: their own clock's time less the shared one."""
    written = {}
    for recording in recordings:
        row = rows.get(f"{name}/{recording.camera}", {})
        if any((row.get(column) or "").strip() for column in WRITTEN[:2]):
            without_drift = {column: row.get(column, "") for column in ("offset_s", "offset_frames", "fps")}
            written[recording.camera] = float(
                recording.time_s[0] - read_recording(recording.path, without_drift).time_s[0]
            )
    return written


def _from_written(lag: Lag, found: ClipSync, written: Mapping[str, float]) -> Lag:
    """Offset on the clock that offsets already written share, if there are any."""
    known = next((camera for camera in written if camera in found.offsets), None)
    shift_s = 0.0 if known is None else written[known] - found.offsets[known].lag_s
    return Lag(lag.lag_s + shift_s, lag.drift_ppm, lag.by, lag.confidence)


def _write(path: Path, rows: Mapping[str, dict[str, str]]) -> None:
    """Write the whole table, or leave it as it was."""
    columns = [
        "video",
        *dict.fromkeys(("offset_s", "drift_ppm", *(key for row in rows.values() for key in row if key != "video"))),
    ]
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows.values())
    os.replace(temporary, path)
