"""Whether two stores hold the same recordings: by what is in them, never by their paths."""

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np

from data_modules.store import Store, open_store

SAME_POSE_MM = 1.0
"""Poses of one instant that two imports read from two files differ by less."""


def open_once(paths: Iterable[Path]) -> dict[Path, Store]:
    """Open the stores at ``paths``: one object for all spellings of a path, links, and copies of one store.

    Raises:
        StoreError: one of them cannot be opened.
    """
    stores: dict[Path, Store] = {}
    for path in dict.fromkeys(paths):
        store = open_store(path)
        stores[path] = next((other for other in stores.values() if _is_copy(store, other)), store)
    return stores


def _is_copy(store: Store, other: Store) -> bool:
    """Whether both hold the same rows under the same description."""
    hashes = (store.content_hash, store.pixel_hash)
    return hashes == (other.content_hash, other.pixel_hash) and store.meta == other.meta


def clips_in_both(store: Store, other: Store, names: Collection[str]) -> tuple[str, ...]:
    """Which of the clips ``names`` of ``other`` are in ``store``, too, perhaps at another size or step.

    Clips of one name in stores of one data set are the same, unless their poses say otherwise.
    """
    if store.meta.name != other.meta.name:
        return ()
    return tuple(name for name in names if name in store.clip_names and not _poses_differ(store, other, name))


def _poses_differ(store: Store, other: Store, name: str) -> bool:
    """Whether the clip ``name`` has other poses in one store than in the other, at a frame that both have."""
    poses = []
    for each in (store, other):
        rows = np.flatnonzero((each.clip == each.clip_names.index(name)) & each.has_pose)
        poses.append(dict(zip(each.frame[rows].tolist(), each.pose_world[rows], strict=True)))
    together = poses[0].keys() & poses[1].keys()
    return any(np.nanmax(np.abs(poses[0][frame] - poses[1][frame])) > SAME_POSE_MM for frame in together)
