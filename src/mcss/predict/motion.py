"""Poses of one person over time: what every later step and every file is made from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from mcss.skeleton import JOINTS

JOINT_SET = "h36m17"
NO_GLOBAL_POSITION = "none: every pose is relative to its own pelvis"
FRAMES = {
    "canonical": "origin at the pelvis, left hip on +X seen from above, Z up, so that the person faces -Y",
    "root": "origin at the pelvis, axes of the world that the network was trained in, Z up",
}
"""What the name of a pose's frame means."""
Y_UP_FROM_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Turns Z up into Y up, as TRC and BVH files have it; a canonical pose then faces +Z."""


@dataclass(frozen=True, eq=False)
class Motion:
    """Poses by frame; a frame without a pose is a gap and all NaN."""

    time_s: Float64[np.ndarray, " frames"]
    """From the beginning of the recording, ascending."""
    pose_mm: Float64[np.ndarray, "frames 17 3"]
    """Joint set h36m17, pelvis at 0, in ``frame``."""
    frame: str
    """One of ``FRAMES``."""
    is_bridged: Bool[np.ndarray, " frames"]
    """Poses that nobody was seen for: they lie between those before and after a short gap."""
    interval_mm: Float64[np.ndarray, "frames 17"]
    """Radius around a joint that holds the true joint with a probability of 90 %; NaN where it is not known."""

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def is_known(self) -> Bool[np.ndarray, " frames"]:
        """Which frames have a pose."""
        return np.isfinite(self.pose_mm).all(axis=(1, 2))

    @property
    def fps(self) -> float:
        """Frames a second, by the median interval; of a single frame 1."""
        return 1.0 if len(self) < 2 else 1 / float(np.median(np.diff(self.time_s)))


def motion(time_s: Float64[np.ndarray, " frames"], pose_mm: Float64[np.ndarray, "frames 17 3"], frame: str) -> Motion:
    """A motion of which nothing is bridged and no uncertainty is known."""
    return Motion(
        time_s, pose_mm, frame, np.zeros(len(time_s), dtype=bool), np.full((len(time_s), len(JOINTS)), np.nan)
    )


def stretches(is_known: Bool[np.ndarray, " frames"]) -> Iterator[slice]:
    """Longest runs of frames that all have a pose."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_known, [False]]).astype(int)))
    for start, end in edges.reshape(-1, 2).tolist():
        yield slice(start, end)


def description(frame: str) -> dict[str, str]:
    """What a reader of a file needs to know about its numbers."""
    return {
        "joint_set": JOINT_SET,
        "frame": f"{frame} ({FRAMES[frame]})",
        "unit": "mm",
        "global_position": NO_GLOBAL_POSITION,
    }
