"""The one builder of stores: clips in parallel, each kept when done, unchanged ones taken from the store that is there.

A build may be interrupted at any time. Killing it costs the clips in flight; the same command goes on with the others.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from data_modules.clip_rows import BuildSettings, ClipRows, StrictError
from data_modules.crop import BOX_MARGIN, JOINTS_MARGIN, JPEG_QUALITY
from data_modules.describe import describe
from data_modules.frame_pictures import FramePictures
from data_modules.parts import ClipRecord, Parts
from data_modules.skips import Skips
from data_modules.sources.base import Clip, Source
from data_modules.sources.exclusions import clip_name
from data_modules.sources.leftovers import require_no_recordings_left
from data_modules.sources.missing import missing_shared
from data_modules.store import Store, config_hash, open_store
from data_modules.store.format import STORE_FILE, Row, StoreMeta
from data_modules.store.lock import only_writer
from data_modules.store.pictures import FRAMES_FOLDER
from data_modules.store.writer import available_cores, require_replaceable, write_store
from mcss.errors import InputError

GROWS = frozenset({"clips", "exclusions", "subjects_test"})
"""Values of a store's configuration that a later build may change: they change a clip, or its fingerprint does."""


@dataclass(frozen=True)
class Changes:
    """What a build did to the clips of a store; names as on the command line."""

    built: tuple[str, ...]
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    is_new: bool = True
    """Whether a store was written."""


def build_store(
    source: Source,
    store_path: Path,
    settings: BuildSettings,
    clips: list[Clip],
    workers: int | None = None,
    progress: bool = True,
) -> Changes:
    """Build a store of ``clips`` at ``store_path``, or bring the one that is there up to date.

    A clip whose fingerprint (``Source.fingerprint`` and the settings) is that of the store's clip keeps its rows; a
    changed one is made again, and one that is no longer wanted is dropped. Finished clips are kept in
    ``<store_path>.partial`` until the store is whole and replaces the old one. The work is spread by joblib: inside
    ``joblib.parallel_config(backend="dask")``, or another backend, its workers do it, given that they see both paths.

    Args:
        source: where the clips come from.
        store_path: where to; of a link, its target.
        settings: crops, steps, cameras, exclusions.
        clips: what the store holds, see ``chosen_clips``.
        workers: how many clips, or views of fewer clips, are read at once, by default one for each core; the store does
            not depend on it.
        progress: show a bar.

    Raises:
        InputError: the store that is there was made otherwise or of another source, there is no usable instant, or,
            under strict settings, anything would have been skipped.
    """
    store_path = store_path.resolve()
    require_replaceable(store_path)
    with only_writer(store_path):
        config = store_config(source, settings, clips)
        old = _open_old(store_path, config)
        if old is not None and not old.clips and old.meta.config == config:
            return Changes((), _names(clips), is_new=False)  # of schema 1, without records of its clips
        wanted = {clip: _clip_fingerprint(source, clip, settings) for clip in clips}
        kept = _unchanged(old, wanted, settings.strict)
        if old is not None and not kept:
            _require_same_source(old, source)
        todo = {clip: fingerprint for clip, fingerprint in wanted.items() if clip not in kept}
        parts = Parts(store_path)
        _build_parts(source, parts, settings, todo, workers, progress)
        records = {clip: kept.get(clip) or _record(parts, clip) for clip in clips}
        meta = describe(source, settings, config, records)
        dropped = sorted(set(old.clips if old else ()) - set(map(clip_name, clips)))
        is_changed = bool(todo or dropped) or old is None or old.meta != meta
        if is_changed:
            _replace_store(store_path, parts, old, kept, records, meta, _place(source))
        parts.remove()
    return Changes(_names(todo), _names(kept), tuple(dropped), is_changed)


def chosen_clips(source: Source, settings: BuildSettings, subjects: Sequence[str] | None = None) -> list[Clip]:
    """Clips that are imported, in the order of the store.

    Raises:
        InputError: a subject is not there, nothing is left to import, or an archive of what is left is missing.
    """
    clips = sorted(source.clips())
    known = sorted({clip[0] for clip in clips})
    if unknown := sorted(set(subjects or ()) - set(known)):
        raise InputError(
            f"{source.source}: has no subject {', '.join(unknown)}; there are {', '.join(known) or 'none'}"
        )
    # The data set's own test subjects need not be there; a name that the user mistyped would be trained on.
    if unknown := sorted(set(settings.subjects_test) - set(source.data_set.subjects_test) - set(known)):
        raise InputError(f"--test-subjects {' '.join(unknown)}: not there; there are {', '.join(known)}")
    excluded = {item.clip for item in settings.exclusions if item.frames is None}
    chosen = [clip for clip in clips if clip not in excluded and (subjects is None or clip[0] in subjects)]
    if not chosen:
        raise InputError(f"{source.source}: holds no clip to import; `mcss-data doctor` tells what it sees there")
    if missing := list(missing_shared(source, chosen).values()):
        others = f" (`mcss-data doctor` names {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise InputError(f"{missing[0]}{others}")
    if settings.strict and source.arrangement:
        require_no_recordings_left(source, chosen, subjects)
    return chosen


def store_config(source: Source, settings: BuildSettings, clips: list[Clip]) -> dict[str, Any]:
    """What decides the content of the store, as JSON gives it back."""
    values = asdict(settings) | {"jpeg_quality": JPEG_QUALITY, "margins": {"box": BOX_MARGIN, "joints": JOINTS_MARGIN}}
    del values["strict"]
    return json.loads(json.dumps(source.config(values, clips)))


def build_clip(
    source: Source, clip: Clip, settings: BuildSettings, fingerprint: str, parts: Parts, threads: int = 1
) -> None:
    """Make the rows of ``clip`` and its record by ``threads``, and keep both in ``parts``; what a worker does.

    Raises:
        StrictError: the settings are strict and something would be skipped.
    """
    cv2.setNumThreads(1)  # clips and views are what runs in parallel
    skips = Skips()
    pictures = FramePictures(parts.frames_folder(clip)) if source.has_files else None
    rows = parts.write(clip, ClipRows(source, clip, settings, skips, pictures, threads))
    parts.finish(clip, ClipRecord(fingerprint, rows, tuple(skips.lines()), settings.strict))


def _open_old(path: Path, config: dict[str, Any]) -> Store | None:
    """The store that is there, if it may be brought up to date.

    Raises:
        InputError: it was made by another configuration.
    """
    if not (path / STORE_FILE).exists():
        return None
    store = open_store(path)
    found = store.meta.config
    changed = [name for name in sorted(found.keys() | config.keys()) if found.get(name) != config.get(name)]
    if changed := [name for name in changed if name not in GROWS]:
        raise InputError(
            f"{path}: holds other data (it differs in {', '.join(changed)}); remove it or choose another --out"
        )
    return store


def _require_same_source(old: Store, source: Source) -> None:
    """Refuse to replace all clips of a store by those of another folder.

    Raises:
        InputError: the store was made of another folder.
    """
    if old.source_path not in ("", _place(source)):
        raise InputError(f"{old.path}: holds other data (of {old.source_path}); remove it or choose another --out")


def _place(source: Source) -> str:
    """Folder that the clips are read from; empty where there is none."""
    return str(source.source.resolve()) if source.has_files else ""


def _clip_fingerprint(source: Source, clip: Clip, settings: BuildSettings) -> str:
    """Hash of all that the rows of ``clip`` follow from."""
    values = {"source": source.fingerprint(clip), "settings": store_config(source, settings.of_clip(clip), [clip])}
    return config_hash(values)


def _unchanged(old: Store | None, wanted: dict[Clip, str], strict: bool) -> dict[Clip, ClipRecord]:
    """Records of the clips that keep their rows."""
    found = {clip: old.clips.get(clip_name(clip)) for clip in wanted} if old else {}
    records = {clip: ClipRecord.from_dict(values) for clip, values in found.items() if values}
    return {clip: record for clip, record in records.items() if record.serves(wanted[clip], strict)}


def _build_parts(
    source: Source, parts: Parts, settings: BuildSettings, wanted: dict[Clip, str], workers: int | None, progress: bool
) -> None:
    """Build the clips that are wanted, with their fingerprints, as far as a build before has not done them."""
    found = {clip: parts.record(clip) for clip in wanted}
    done = {clip for clip, record in found.items() if record and record.serves(wanted[clip], settings.strict)}
    todo = [clip for clip in wanted if clip not in done]
    bar = tqdm(
        total=len(wanted), initial=len(done), unit="clip", desc=source.data_set.name, disable=not (progress and todo)
    )
    cores = workers or available_cores()
    threads = max(1, cores // max(1, len(todo)))
    with bar, Parallel(cores, return_as="generator_unordered") as parallel:
        try:
            for _ in parallel(
                delayed(build_clip)(source, clip, settings, wanted[clip], parts, threads) for clip in todo
            ):
                bar.update()
        except StrictError as error:
            raise InputError(f"{error} (--strict)") from None


def _record(parts: Parts, clip: Clip) -> ClipRecord:
    record = parts.record(clip)
    if record is None:
        raise InputError(f"{parts.folder}: {clip_name(clip)} has gone while the store was built; run the command again")
    return record


def _replace_store(
    path: Path,
    parts: Parts,
    old: Store | None,
    kept: Collection[Clip],
    records: dict[Clip, ClipRecord],
    meta: StoreMeta,
    source_path: str,
) -> None:
    """Write the store of the clips in ``records``: of those ``kept`` the old rows and pictures, else the parts."""
    rows = (row for clip in records for row in (_old_rows(old, clip) if clip in kept else parts.rows(clip)))
    names = {clip: f"{FRAMES_FOLDER}/{clip_name(clip)}" for clip in records}
    frames = {name: path / name if clip in kept else parts.frames_folder(clip) for clip, name in names.items()}
    of_clips = {clip_name(clip): record.to_dict() for clip, record in records.items()}
    write_store(path, rows, meta, of_clips, source_path, frames)


def _old_rows(old: Store | None, clip: Clip) -> Iterator[Row]:
    """Rows that the store that is there has of ``clip``."""
    if old is not None and clip_name(clip) in old.clip_names:
        for row in np.flatnonzero(old.clip == old.clip_names.index(clip_name(clip))).tolist():
            yield old.row(row)


def _names(clips: Iterable[Clip]) -> tuple[str, ...]:
    return tuple(map(clip_name, clips))
