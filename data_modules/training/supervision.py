"""How much is labelled: from a word such as ``S1`` or ``10%S1`` to rows of a store.

    none        no labels
    all         every training subject
    S1, S1+S5   these training subjects
    10%S1       a tenth of the instants of S1, each with all its views; also 10%S1+S5 and 10%all

What is held out, for validation or a test, never counts: clips, or a person (``S8``) with all of them. The instants of
a fraction are spread evenly over clips and inside clips, and a smaller fraction is part of every larger one of the same
subjects.
"""

import re
from collections.abc import Collection

import numpy as np
from jaxtyping import Float64, Int64

from data_modules.store.index import Index
from mcss.errors import InputError

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of the golden ratio, modulo 1, fill the unit interval evenly, however many there are."""


class SupervisionError(InputError):
    """A supervision level that the store does not have; one line saying why and what there is instead."""


def training_rows(index: Index, held_out: Collection[str] = ()) -> Int64[np.ndarray, " training"]:
    """Rows of the training subjects outside what is held out, ascending.

    Raises:
        SupervisionError: something that is held out is no clip of a training subject, and no training subject.
    """
    training = np.isin(index.subject, index.subjects_train)
    return np.flatnonzero(training & ~_held_out_mask(index, held_out))


def held_out_rows(index: Index, held_out: Collection[str]) -> Int64[np.ndarray, " held_out"]:
    """Rows of clips of training subjects, and of training subjects, that are held out, ascending.

    Raises:
        SupervisionError: something that is held out is no clip of a training subject, and no training subject.
    """
    return np.flatnonzero(_held_out_mask(index, held_out))


def separate_clips(validation_clips: Collection[str], filmed_test_clips: Collection[str]) -> tuple[str, ...]:
    """All clips of training subjects, and training subjects, that no stream holds.

    Raises:
        SupervisionError: a clip is for both, so that the test would measure what was tuned on.
    """
    for clip in sorted({*validation_clips, *filmed_test_clips}):
        purposes = (validation_clips, filmed_test_clips)
        if all(clip in clips or clip.partition("/")[0] in clips for clips in purposes):
            raise SupervisionError(
                f"clip {clip}: both in validation_clips and in filmed_test_clips; leave it out of one"
            )
    return (*validation_clips, *filmed_test_clips)


def labelled_rows(index: Index, spec: str, held_out: Collection[str] = ()) -> Int64[np.ndarray, " labelled"]:
    """Rows whose pose may be used at the supervision level ``spec``, ascending.

    Raises:
        SupervisionError: ``spec`` is malformed, names a subject that is not a training subject, or leaves no row; or
            something that is held out is no clip of a training subject, and no training subject.
    """
    rows = training_rows(index, held_out)
    if spec == "none":
        return rows[:0]
    fraction, subjects = _parse(spec, index)
    rows = rows[np.isin(index.subject[rows], subjects) & index.has_pose[rows]]
    if fraction < 1:
        instants, first = np.unique(index.instant[rows], return_index=True)
        count = int(np.floor(fraction * len(instants) + 0.5))
        chosen = instants[np.argsort(_spread_keys(instants, index.clip[rows[first]]))[:count]]
        rows = rows[np.isin(index.instant[rows], chosen)]
    if not len(rows):
        raise SupervisionError(f"supervision {spec!r}: no instant with a pose is left outside the clips held out")
    return rows


def _parse(spec: str, index: Index) -> tuple[float, list[str]]:
    """Fraction, in (0, 1], and the subjects of ``spec``."""
    known = (
        f"none, all, subjects such as {'+'.join(sorted(index.subjects_train)[:2])}, or a share of them such as 10%all"
    )
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)%)?([^%]+)", spec)
    if match is None:
        raise SupervisionError(f"supervision {spec!r}: write {known}")
    percent, names = float(match[1] or 100), match[2]
    if not 0 < percent <= 100:
        raise SupervisionError(f"supervision {spec!r}: {percent:g}% is not in the range (0, 100]")
    subjects = sorted(index.subjects_train) if names == "all" else names.split("+")
    for subject in subjects:
        if subject in index.subjects_train:
            continue
        if subject in index.subject:
            raise SupervisionError(
                f"supervision {spec!r}: {subject} is a test subject; its labels are for the test alone"
            )
        trained = ", ".join(sorted(index.subjects_train))
        raise SupervisionError(f"supervision {spec!r}: no subject {subject!r} (the training subjects are {trained})")
    return percent / 100, subjects


def _spread_keys(
    instants: Int64[np.ndarray, " instants"], clip: Int64[np.ndarray, " instants"]
) -> Float64[np.ndarray, " instants"]:
    """Keys in [0, 1) such that the k instants with the smallest keys are an even sample, for every k.

    In each clip the instants are put into an order whose every beginning is spread over the clip; the j-th of n then
    gets a key inside [j / n, (j + 1) / n). Thus a threshold takes the same share of every clip, up to one instant, and
    the place inside that interval decides which clips are served first.
    """
    order = np.lexsort((instants * GOLDEN % 1, clip))
    _, first, number, size = np.unique(clip[order], return_index=True, return_inverse=True, return_counts=True)
    place = np.arange(len(order)) - first[number]
    keys = np.empty(len(order))
    keys[order] = (place + (number + 1) * GOLDEN % 1) / size[number]
    return keys


def _held_out_mask(index: Index, held_out: Collection[str]) -> np.ndarray:
    numbers = {name: number for number, name in enumerate(index.clip_names)}
    for name in held_out:
        if name not in numbers and name not in index.subject:
            example = index.clip_names[0]
            raise SupervisionError(f"held-out clip {name!r}: there is no such clip; clips are named like {example}")
        if name.split("/", 1)[0] not in index.subjects_train:
            raise SupervisionError(f"held-out clip {name!r}: of a test subject; choose clips of training subjects")
    clips = [numbers[name] for name in held_out if name in numbers]
    return np.isin(index.clip, clips) | np.isin(index.subject, list(held_out))
