"""What the solver looks for, and what it knows: plain arrays in metres and in pixels from the middle of the frames."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

LENGTH_SHARES: dict[str, float] = {
    "RHip": 0.073, "RKnee": 0.256, "RAnkle": 0.25, "Spine": 0.132, "Thorax": 0.15, "Neck": 0.069, "HeadTop": 0.067,
    "LShoulder": 0.086, "LElbow": 0.162, "LWrist": 0.144,
}  # fmt: skip
"""Usual length of the bone that ends at a joint, as a share of the person's height; Human3.6M's people, roughly."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Cameras and joints in the axes of the first camera, metres."""

    rotations: Float64[np.ndarray, "cameras 3 3"]
    """Of x_cam = R x + t; not a number for a camera that is not placed yet."""
    translations: Float64[np.ndarray, "cameras 3"]
    focals_px: Float64[np.ndarray, " cameras"]
    lengths: Float64[np.ndarray, " kinds"]
    """Of the kinds of bones, in the order of ``LENGTH_SHARES``."""
    points: Float64[np.ndarray, "instants 17 3"]
    """Joint set h36m17; not a number for joints that are unknown."""

    def in_cameras(self) -> Float64[np.ndarray, "cameras instants 17 3"]:
        """Joints in the axes of every camera."""
        return np.einsum("vij,tkj->vtki", self.rotations, self.points) + self.translations[:, None, None]

    def seen(self) -> Float64[np.ndarray, "cameras instants 17 2"]:
        """Pixels of the joints; not a number behind a camera."""
        placed = self.in_cameras()
        depth = np.where(placed[..., 2:] > 0, placed[..., 2:], np.nan)
        return self.focals_px[:, None, None, None] * placed[..., :2] / depth


@dataclass(frozen=True, eq=False)
class Observations:
    """What is known of a scene: the clicks and the person's height."""

    points_px: Float64[np.ndarray, "cameras instants 17 2"]
    """Not a number where a joint was not clicked."""
    noise_px: Float64[np.ndarray, " cameras"]
    """Standard deviation of the clicks along one axis."""
    longer_side_px: Float64[np.ndarray, " cameras"]
    """Of each camera's frames."""
    time_s: Float64[np.ndarray, " instants"]
    height_m: float

    def usual_lengths(self) -> Float64[np.ndarray, " kinds"]:
        """Bone lengths of a person of this height."""
        return np.array(list(LENGTH_SHARES.values())) * self.height_m
