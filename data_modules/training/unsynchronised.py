"""Rows of another instant: the same clip, seen by another camera, a while before or after."""

import numpy as np
from jaxtyping import Int64

from data_modules.store.index import Index
from data_modules.training.samplers import TIME_TOLERANCE_S
from mcss.errors import InputError

UNSYNCHRONISED_STREAM = 4
"""Part of the random key, so that equal seeds do not correlate the streams."""


class UnsynchronisedRows:
    """Chooses for an anchor an instant of its clip, uniformly among those in a range of time, and another camera.

    Args:
        index: the columns of the store.
        rows: rows to draw from, ascending. Instants with a single view among them are not used.
        gap_s: least and largest time between the anchor and the chosen instant, seconds, before or after.
        needed_by: the store and the objective, for messages.
        seed: of the whole run.
        rank: whose batches these are.

    Attributes:
        anchor_rows: the rows whose instant has another in the range: those that can be anchors.

    Raises:
        InputError: the range is empty or no instant has another in it.
    """

    def __init__(
        self,
        index: Index,
        rows: Int64[np.ndarray, " training"],
        gap_s: tuple[float, float],
        needed_by: str,
        seed: int,
        rank: int = 0,
    ) -> None:
        if not 0 < gap_s[0] <= gap_s[1]:
            raise InputError(f"unsynchronised_gap_s {gap_s[0]:g} to {gap_s[1]:g}: choose 0 < least <= largest")
        self._camera, self._rows, self._seed, self._rank = index.camera, rows, seed, rank
        _, first, views = np.unique(index.instant[rows], return_index=True, return_counts=True)
        self._first, self._views = first[views > 1], views[views > 1]
        instant_rows = rows[self._first]
        time_s = index.time_s[instant_rows]
        # One ascending axis for all clips: two of them are farther apart on it than the range is wide.
        clip = index.clip[instant_rows] - index.clip[instant_rows[:1]]
        axis_s = time_s + clip * (time_s.max(initial=0) - time_s.min(initial=0) + gap_s[1] + 1)
        least, largest = gap_s[0] - TIME_TOLERANCE_S, gap_s[1] + TIME_TOLERANCE_S
        self._before = np.searchsorted(axis_s, [axis_s - largest, axis_s - least], side="left")
        self._after = np.searchsorted(axis_s, [axis_s + least, axis_s + largest], side="left")
        has_other = np.diff(self._before, axis=0)[0] + np.diff(self._after, axis=0)[0] > 0
        self._place = np.full(len(index), -1)
        for place, (start, count) in enumerate(zip(self._first, self._views, strict=True)):
            self._place[rows[start : start + count]] = place
        self.anchor_rows = rows[(self._place[rows] >= 0) & has_other[self._place[rows]]]
        if not len(self.anchor_rows):
            raise InputError(
                f"{needed_by} needs instants of one clip that are {gap_s[0]:g} to {gap_s[1]:g} s apart, each "
                "seen by two cameras, and there are none: widen data.unsynchronised_gap_s, or film longer clips"
            )

    def of(self, anchor: Int64[np.ndarray, " pairs"], step: int) -> Int64[np.ndarray, " pairs"]:
        """Rows for the anchors of this rank at global step ``step``."""
        rng = np.random.default_rng([self._seed, UNSYNCHRONISED_STREAM, step, self._rank])
        return np.array([self._draw(row, *rng.random(2)) for row in anchor.tolist()], dtype=np.int64)

    def _draw(self, anchor: int, instant_draw: float, view_draw: float) -> int:
        place = self._place[anchor]
        before, after = (range(*side[:, place].tolist()) for side in (self._before, self._after))
        others = [*before, *after]
        other = others[int(instant_draw * len(others))]
        views = self._rows[self._first[other] : self._first[other] + self._views[other]]
        views = views[self._camera[views] != self._camera[anchor]]
        return int(views[int(view_draw * len(views))])
