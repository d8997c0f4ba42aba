"""Where the joints of one person are in the frames of several cameras, and what a solution of them is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from mcss.geometry.camera import Camera


@dataclass(frozen=True, eq=False)
class Clicks:
    """Joints h36m17 of one person as several still cameras see them; pixels as in ``mcss.geometry.camera``."""

    cameras: tuple[str, ...]
    size_px: tuple[tuple[int, int], ...]
    """Width and height of each camera's frames."""
    time_s: Float64[np.ndarray, " instants"]
    points_px: Float64[np.ndarray, "cameras instants 17 2"]
    """Not a number where a joint was not clicked."""

    @property
    def is_clicked(self) -> Bool[np.ndarray, "cameras instants 17"]:
        """Where there is a click."""
        return np.isfinite(self.points_px).all(axis=-1)


@dataclass(frozen=True, eq=False)
class Solution:
    """Cameras and poses in a world with Z up, millimetres, the floor at z = 0 under the person."""

    cameras: dict[str, Camera]
    """In the order of the clicks; lenses without distortion."""
    time_s: Float64[np.ndarray, " instants"]
    pose_world: Float64[np.ndarray, "instants 17 3"]
    """Joint set h36m17; not a number where a joint was not clicked in two views, or the clicks do not fix its place."""
    residual_px: Float64[np.ndarray, "cameras instants 17"]
    """Distance of each click from where the solved joint is seen; not a number without both."""
    uncertainty_mm: Float64[np.ndarray, "instants 17"]
    """Standard deviation of a joint along the direction in which the clicks fix it worst."""
    click_noise_px: float
    """Standard deviation of the clicks along one axis, as the residuals show it."""
