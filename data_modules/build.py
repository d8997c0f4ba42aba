"""Importing a layout: clips in parallel, each kept when done, then one store of them all."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from tqdm import tqdm

from data_modules.clip_build import ImportSettings, StrictError, import_clip
from data_modules.crop import JPEG_QUALITY
from data_modules.skips import is_done, read_skips
from data_modules.sources.base import Clip, Source
from data_modules.sources.exclusions import clip_name
from data_modules.sources.missing import missing_shared
from data_modules.store.format import Row, StoreMeta, config_hash
from data_modules.store.writer import available_cores, read_rows, require_replaceable, work_folder, write_store
from mcss.errors import InputError


def import_layout(
    layout: Source,
    store_path: Path,
    settings: ImportSettings,
    clips: list[Clip],
    workers: int | None = None,
    progress: bool = True,
) -> None:
    """Import ``layout`` into a store at ``store_path``.

    Finished clips are kept in ``<store_path>.partial`` until the store is whole, so an interrupted import goes on where
    it stopped; killing it costs the clips in flight. The work is spread by joblib: inside
    ``joblib.parallel_config(backend="dask")``, or another backend, its workers do it, given that they see both paths.

    Args:
        layout: what is imported.
        store_path: where to; a store that is there is replaced.
        settings: crops, steps, cameras, exclusions.
        clips: what is imported, see ``chosen_clips``.
        workers: number of processes, by default one for each core; the store does not depend on it.
        progress: show a bar.

    Raises:
        InputError: the source lacks what nothing can be imported without, holds no usable instant, or, under strict
            settings, anything that would have been skipped.
    """
    require_replaceable(store_path)
    folder = work_folder(store_path, _fingerprint(layout, settings, clips))
    todo = [clip for clip in clips if not is_done(clip_path(folder, clip), layout, clip)]
    bar = tqdm(total=len(clips), initial=len(clips) - len(todo), unit="clip", desc=layout.name, disable=not progress)
    with bar, Parallel(workers or available_cores(), return_as="generator_unordered") as parallel:
        try:
            for _ in parallel(
                delayed(import_clip)(layout, clip, settings, clip_path(folder, clip).absolute()) for clip in todo
            ):
                bar.update()
        except StrictError as error:
            raise InputError(f"{error} (--strict)") from None
    write_store(store_path, _rows(clips, folder), _meta(layout, settings, clips, folder))
    shutil.rmtree(folder)


def chosen_clips(layout: Source, settings: ImportSettings, subjects: Sequence[str] | None = None) -> list[Clip]:
    """Clips that are imported, in the order of the store.

    Raises:
        InputError: a subject is not there, nothing is left to import, or an archive of what is left is missing.
    """
    clips = sorted(layout.clips())
    known = sorted({clip[0] for clip in clips})
    if unknown := sorted(set(subjects or ()) - set(known)):
        raise InputError(
            f"{layout.source}: has no subject {', '.join(unknown)}; there are {', '.join(known) or 'none'}"
        )
    # The data set's own test subjects need not be there; a name that the user mistyped would be trained on.
    if unknown := sorted(set(settings.subjects_test) - set(layout.data_set.subjects_test) - set(known)):
        raise InputError(f"--test-subjects {' '.join(unknown)}: not there; there are {', '.join(known)}")
    excluded = {item.clip for item in settings.exclusions if item.frames is None}
    chosen = [clip for clip in clips if clip not in excluded and (subjects is None or clip[0] in subjects)]
    if not chosen:
        raise InputError(f"{layout.source}: holds no clip to import; `mcss-data doctor` tells what it sees there")
    if missing := list(missing_shared(layout, chosen).values()):
        others = f" (`mcss-data doctor` names {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise InputError(f"{missing[0]}{others}")
    return chosen


def import_config(layout: Source, settings: ImportSettings, clips: list[Clip]) -> dict[str, Any]:
    """What decides the content of the store, as JSON gives it back."""
    values = asdict(settings) | {"layout": layout.name, "clips": clips, "jpeg_quality": JPEG_QUALITY}
    values |= layout.options(clips)
    del values["strict"]
    return json.loads(json.dumps(values))


def clip_path(folder: Path, clip: Clip) -> Path:
    """Arrow file of one clip."""
    subject, action, subaction = clip
    return folder / subject / action / f"{subaction}.arrow"


def _fingerprint(layout: Source, settings: ImportSettings, clips: list[Clip]) -> str:
    source = {"source": str(layout.source.absolute()), "strict": settings.strict}
    return config_hash(import_config(layout, settings, clips) | source)


def _rows(clips: list[Clip], folder: Path) -> Iterator[Row]:
    """All rows of the store, in its order."""
    for clip in clips:
        yield from read_rows(clip_path(folder, clip))


def _meta(layout: Source, settings: ImportSettings, clips: list[Clip], folder: Path) -> StoreMeta:
    data_set = layout.data_set
    skipped = {clip: read_skips(clip_path(folder, clip)) for clip in clips}
    first_rows = {clip: next(read_rows(clip_path(folder, clip)), None) for clip in clips}
    with_rows = [clip for clip in clips if first_rows[clip] is not None]
    if not with_rows:
        clip, lines = next(iter(skipped.items()))
        first = next(iter(lines), "it has no frame at this step")
        raise InputError(f"{layout.source}: no instant could be imported; of {clip_name(clip)}: {first}")
    subjects = sorted({clip[0] for clip in with_rows})
    cameras = {camera for clip in with_rows for camera in settings.cameras or layout.cameras(clip)}
    return StoreMeta(
        name=data_set.name,
        joint_set="h36m17",
        crop_size_px=settings.crop_size_px,
        fps=layout.fps(with_rows[0]),
        cameras=tuple(sorted(cameras)),
        subjects_train=tuple(subject for subject in subjects if subject not in settings.subjects_test),
        subjects_test=tuple(subject for subject in subjects if subject in settings.subjects_test),
        excluded=tuple(_left_out(layout, settings, skipped)),
        source=data_set.source,
        licence=data_set.licence,
        config=import_config(layout, settings, clips),
        calibration={
            f"{clip[0]}/{name}": camera.to_dict()
            for clip in {clip[0]: clip for clip in reversed(with_rows)}.values()  # the first of each subject
            for name, camera in layout.calibration(clip).items()
            if name in cameras
        },
    )


def _left_out(layout: Source, settings: ImportSettings, skipped: dict[Clip, list[str]]) -> Iterator[dict]:
    """What is not in the store, as ``StoreMeta`` names it; ``skipped`` has the lines of each imported clip."""
    there = set(layout.clips())
    for item in settings.exclusions:
        if item.clip in there:
            yield {"sequence": item.sequence, "reason": item.reason}
    for clip, lines in skipped.items():
        for line in lines:
            yield {"sequence": clip_name(clip), "reason": line}
        if unread := layout.unread(clip):
            yield {"sequence": clip_name(clip), "reason": f"not read: {', '.join(map(str, unread))}"}
