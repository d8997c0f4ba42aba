"""Indices without images: what tests of samplers and supervision draw from."""

import numpy as np

from data_modules.store.index import Index


def make_index(clips, views=4, spacing_s=0.5, subjects_train=("S1", "S5"), unlabelled=()) -> Index:
    """An index with the given instants in each clip.

    ``clips`` maps "S1/Walking/1" to a number of instants, or to their times in seconds. Clips named in ``unlabelled``
    have no poses.
    """
    columns = {name: [] for name in ("subject", "action", "subaction", "frame", "time_s", "camera", "has_pose")}
    for name in sorted(clips, key=lambda name: (*name.split("/")[:2], int(name.split("/")[2]))):
        subject, action, subaction = name.split("/")
        times = np.arange(clips[name]) * spacing_s if isinstance(clips[name], int) else clips[name]
        for frame, time_s in enumerate(times):
            for view in range(views):
                row = (subject, action, int(subaction), frame, float(time_s), f"cam{view}", name not in unlabelled)
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
    return Index(**{name: np.array(values) for name, values in columns.items()}, subjects_train=tuple(subjects_train))


def studio_like(instants=40, actions=15, subjects=("S1", "S11", "S5", "S9"), **options) -> Index:
    """Subjects x actions x 2 subactions, as in the rendered data set."""
    clips = {f"{s}/Action{a:02d}/{k}": instants for s in subjects for a in range(actions) for k in (1, 2)}
    return make_index(clips, **options)
