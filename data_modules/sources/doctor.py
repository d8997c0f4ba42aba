"""What a folder of somebody's files is, what is missing in it, and which command comes next."""

import shlex
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from data_modules.sources.base import Source
from data_modules.sources.file_names import is_recorded, is_video_like, readable
from data_modules.sources.leftovers import leftovers
from data_modules.sources.missing import missing_of, missing_shared
from data_modules.sources.registry import LAYOUTS, is_part_of_h36m_fetch, make_layout, other_images
from mcss.errors import InputError

SHOWN_FILES = 10
DATA_SETS = {name: entry for name, entry in LAYOUTS.items() if name != "videos"}


@dataclass(frozen=True)
class Diagnosis:
    """What was found, a line each."""

    layout: str
    found: tuple[str, ...]
    missing: tuple[str, ...]
    """Without which something of what is there cannot be imported."""
    left_over: tuple[str, ...]
    """What is there and belongs to no clip."""
    advice: str
    is_complete: bool
    """Whether all recordings that are there can be imported."""


def diagnose(source: Path) -> Diagnosis:
    """Look at names only: no file is read that can be large.

    Raises:
        InputError: there is no such folder, it is of no known layout, or a library is not installed.
    """
    if not source.is_dir():
        raise InputError(f"--source {source}: there is no such folder")
    names = [name for name, entry in LAYOUTS.items() if entry.is_in(source)]
    names.sort(key=lambda name: not any(source.glob(LAYOUTS[name].marks[0])))  # what some layouts share comes second
    if not names and is_part_of_h36m_fetch(source):
        names = ["h36m-fetch"]
    if names in ([], ["videos"]) and (line := _in_another_folder(source)):
        raise InputError(line)
    if not names and any(is_video_like(path) for path in source.rglob("*")):
        names = ["videos"]  # at another depth
    if not names:
        known = "; ".join(f"{name}: {entry.marks[0]}" for name, entry in LAYOUTS.items())
        raise InputError(f"{source}: no known layout; a source is recognised by ({known}), give the folder above these")
    layout = make_layout(names[0], source)
    try:
        found, missing, complete = _clips(layout)
    except InputError as error:
        found, missing, complete = [], [str(error)], 0
    found += [line for images in other_images(layout) if (line := _also(names[0], source, images))]
    for name in names[1:]:
        if name != "videos":  # files of every layout lie in folders, too
            others = other_images(make_layout(name, source))
            found += [line for images in (None, *others) if (line := _also(name, source, images))]
    left_over = leftovers(layout)
    is_complete = not missing and not any(item.is_recording for item in left_over if layout.arrangement)
    command = f"mcss-data import {names[0]} --source {shlex.quote(str(source))} --out data/{layout.data_set.name}"
    if complete:
        advice = f"{'next' if is_complete else 'then'}: {command}"
    else:
        advice = "no clip can be imported as it is" + (f"; arrange {layout.arrangement}" if layout.arrangement else "")
    lines = [f"{source / item.folder}: {item.line(layout.arrangement)}" for item in left_over]
    return Diagnosis(names[0], tuple(found), tuple(missing), tuple(_first(lines)), advice, is_complete)


def _in_another_folder(source: Path) -> str:
    """Line about the folder above or below that is of a data set's own layout; the files would be taken for videos."""
    above = source.resolve().parent
    for name, entry in DATA_SETS.items():
        if entry.is_in(above) and any(hit.is_relative_to(source.resolve()) for hit in above.glob(entry.marks[0])):
            return f"{source}: is a part of layout {name}; give the folder above, --source {above}"
    folders = sorted(filter(Path.is_dir, source.iterdir()))
    for folder in folders:
        names = [name for name, entry in DATA_SETS.items() if entry.is_in(folder)]
        others = (path for other in folders if other != folder for path in other.rglob("*"))
        if names and not any(map(is_recorded, others)):
            return f"{source}: layout {names[0]} is in the folder below; give --source {folder}"
    return ""


def _also(name: str, source: Path, images: str | None) -> str:
    """Line about another layout, or other images, that can be imported from the same folder, if they can."""
    try:
        _, _, complete = _clips(make_layout(name, source, images))
    except InputError:
        return ""
    choice = f"{name} --images {images}" if images else name
    return f"also there: {complete} clips complete as layout {choice}" if complete else ""


def _clips(layout: Source) -> tuple[list[str], list[str], int]:
    """Lines about the clips of each subject, and about files that are missing; how many clips are complete."""
    data_set = layout.data_set
    complete: defaultdict[str, int] = defaultdict(int)
    missing, unread = [], []
    clips = sorted(layout.clips())
    archives = list(missing_shared(layout, clips).values())
    for clip in clips:
        absent = missing_of(layout, clip)
        missing += [line for line in absent if line not in archives]
        unread += [f"{readable(str(path))}: not read, it is no file of this layout" for path in layout.unread(clip)]
        complete[clip[0]] += not absent
    of_all = f" of {data_set.clips_per_subject}" if data_set.clips_per_subject else ""
    found = [f"{subject}: {count}{of_all} clips complete" for subject, count in complete.items()]
    if absent_subjects := [name for name in data_set.subjects if name not in complete]:
        found.append(f"not there: {', '.join(absent_subjects)}")
    return found + _first(unread), archives + _first(list(dict.fromkeys(missing))), sum(complete.values())


def _first(lines: list[str]) -> list[str]:
    """The first of many lines, and how many more there are."""
    return lines if len(lines) <= SHOWN_FILES else [*lines[:SHOWN_FILES], f"and {len(lines) - SHOWN_FILES} more"]
