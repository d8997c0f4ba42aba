"""What ``store.json`` says of a store that was built of clips: subjects, cameras, and everything that was left out."""

from collections.abc import Iterator

from data_modules.clip_rows import BuildSettings
from data_modules.parts import ClipRecord
from data_modules.sources.base import Clip, Source
from data_modules.sources.exclusions import clip_name
from data_modules.sources.file_names import readable
from data_modules.sources.leftovers import leftovers
from data_modules.store.format import StoreMeta
from mcss.errors import InputError

ALL_CLIPS = "all clips"
"""In place of a clip's name."""


def describe(source: Source, settings: BuildSettings, config: dict, records: dict[Clip, ClipRecord]) -> StoreMeta:
    """Describe the store of the clips in ``records``, which was made by ``config``.

    Raises:
        InputError: no clip has a row.
    """
    data_set = source.data_set
    with_rows = [clip for clip, record in records.items() if record.rows]
    if not with_rows:
        clip, record = next(iter(records.items()))
        first = next(iter(record.skipped), "it has no frame at this step")
        raise InputError(f"{source.source}: no instant could be imported; of {clip_name(clip)}: {first}")
    subjects = sorted({clip[0] for clip in with_rows})
    cameras = {camera for clip in with_rows for camera in settings.cameras or source.cameras(clip)}
    return StoreMeta(
        name=data_set.name,
        joint_set="h36m17",
        crop_size_px=settings.crop_size_px,
        fps=source.fps(with_rows[0]),
        cameras=tuple(sorted(cameras)),
        subjects_train=tuple(subject for subject in subjects if subject not in settings.subjects_test),
        subjects_test=tuple(subject for subject in subjects if subject in settings.subjects_test),
        excluded=tuple(_left_out(source, settings, records)),
        source=data_set.source,
        licence=data_set.licence,
        config=config,
        calibration=_calibration(source, with_rows, cameras),
    )


def _calibration(source: Source, clips: list[Clip], cameras: set[str]) -> dict[str, dict]:
    """Cameras by name, or by "subject/name" where they stood otherwise for another subject."""
    firsts = {clip[0]: clip for clip in reversed(clips)}  # the first clip of each subject
    of_subjects = {
        subject: {name: camera.to_dict() for name, camera in source.calibration(clip).items() if name in cameras}
        for subject, clip in firsts.items()
    }
    first, *others = of_subjects.values()
    if others and all(other == first for other in others):
        return first
    return {f"{subject}/{name}": values for subject, own in of_subjects.items() for name, values in own.items()}


def _left_out(source: Source, settings: BuildSettings, records: dict[Clip, ClipRecord]) -> Iterator[dict]:
    """What is not in the store, or was not checked, as ``StoreMeta`` names it."""
    for line in source.notes(list(records)):
        yield {"sequence": ALL_CLIPS, "reason": line}
    for leftover in leftovers(source):
        yield {"sequence": leftover.folder, "reason": leftover.line(source.arrangement)}
    there = set(source.clips())
    for item in settings.exclusions:
        if item.clip in there:
            yield {"sequence": item.sequence, "reason": item.reason}
    for clip, record in records.items():
        for line in record.skipped:
            yield {"sequence": clip_name(clip), "reason": line}
        if unread := source.unread(clip):
            yield {"sequence": clip_name(clip), "reason": f"not read: {readable(', '.join(map(str, unread)))}"}
