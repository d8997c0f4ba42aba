"""Which image is which: the columns that samplers and supervision work on, without any pixels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int, Int64, Shaped


@dataclass(frozen=True, eq=False)
class Index:
    """One entry per image, sorted by (subject, action, subaction, frame, camera).

    An *instant* is what all cameras see at one frame; its rows are neighbours. A *clip* is one (subject, action,
    subaction).
    """

    subject: Shaped[np.ndarray, " rows"]
    action: Shaped[np.ndarray, " rows"]
    subaction: Int[np.ndarray, " rows"]
    frame: Int[np.ndarray, " rows"]
    """Index of the frame in its source."""
    time_s: Float64[np.ndarray, " rows"]
    """Seconds since the start of the clip's source."""
    camera: Shaped[np.ndarray, " rows"]
    has_pose: Bool[np.ndarray, " rows"]
    subjects_train: tuple[str, ...]
    """Subjects that may be trained on; all others are for the test."""

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def clip(self) -> Int64[np.ndarray, " rows"]:
        """Consecutive number of each row's clip, from 0."""
        return _number_runs(self.subject, self.action, self.subaction)

    @cached_property
    def instant(self) -> Int64[np.ndarray, " rows"]:
        """Consecutive number of each row's instant, from 0, over the whole store."""
        return _number_runs(self.clip, self.frame)

    @cached_property
    def clip_names(self) -> tuple[str, ...]:
        """Name of each clip by its number: ``S1/Directions/1``."""
        first = np.unique(self.clip, return_index=True)[1]
        return tuple(f"{self.subject[row]}/{self.action[row]}/{self.subaction[row]}" for row in first)

    def image_name(self, row: int) -> str:
        """What people call a row: ``S1/Directions/1 frame 40 camera 54138969``."""
        return f"{self.clip_names[self.clip[row]]} frame {self.frame[row]} camera {self.camera[row]}"


def _number_runs(*columns: Shaped[np.ndarray, " rows"]) -> Int64[np.ndarray, " rows"]:
    """Consecutive number of the run of equal rows that each row is in."""
    starts = np.zeros(len(columns[0]), dtype=bool)
    for column in columns:
        starts[1:] |= column[1:] != column[:-1]
    return np.cumsum(starts, dtype=np.int64)
