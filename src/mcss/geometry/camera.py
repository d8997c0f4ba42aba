"""Pinhole camera with OpenCV's five-term lens distortion.

World: right-handed, Z up, millimetres. Camera: x right, y down, z forward, x_cam = R x_world + t. Image: pixels,
x right, y down; the pixel in column i and row j covers [i, i + 1) x [j, j + 1).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

UNDISTORT_STEPS = 20
UNDISTORT_TOLERANCE = 1e-8
"""The iterations that invert the distortion stop when no point moves by more than this share of the focal length."""


@dataclass(frozen=True, eq=False)
class Camera:
    """One calibrated view, float64 throughout.

    Attributes:
        rot_world_to_cam: rotation R of x_cam = R x_world + t.
        trans_mm: translation t.
        intrinsics_px: K, focal lengths and principal point in pixels.
        distortion: k1, k2, p1, p2, k3 as OpenCV defines them.
        size_px: (width, height) of the frame.
    """

    rot_world_to_cam: Float[np.ndarray, "3 3"]
    trans_mm: Float[np.ndarray, " 3"]
    intrinsics_px: Float[np.ndarray, "3 3"]
    distortion: Float[np.ndarray, " 5"]
    size_px: tuple[int, int]

    @classmethod
    def look_at(
        cls,
        center_mm: Float[np.ndarray, " 3"],
        target_mm: Float[np.ndarray, " 3"],
        focal_px: float,
        size_px: tuple[int, int],
        distortion: Float[np.ndarray, " 5"] | None = None,
    ) -> "Camera":
        """Camera at ``center_mm`` with ``target_mm`` in the middle of its frame and a level horizon.

        Raises:
            ValueError: the viewing direction is vertical, which leaves the horizon undefined.
        """
        forward = target_mm - center_mm
        right = np.cross(forward, [0.0, 0.0, 1.0])
        if np.linalg.norm(right) < 1e-9 * max(float(np.linalg.norm(forward)), 1.0):
            raise ValueError("look_at needs a viewing direction that is not vertical")
        down = np.cross(forward, right)
        rot = np.stack([axis / np.linalg.norm(axis) for axis in (right, down, forward)])
        width, height = size_px
        intrinsics = np.array([[focal_px, 0.0, width / 2], [0.0, focal_px, height / 2], [0.0, 0.0, 1.0]])
        return cls(rot, -rot @ center_mm, intrinsics, np.zeros(5) if distortion is None else distortion, size_px)

    @property
    def center_world_mm(self) -> Float[np.ndarray, " 3"]:
        """Position of the camera in the world."""
        return -self.rot_world_to_cam.T @ self.trans_mm

    def to_camera(self, points_world_mm: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """World points in the camera's frame, millimetres."""
        return points_world_mm @ self.rot_world_to_cam.T + self.trans_mm

    def to_world(self, points_cam_mm: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Points of the camera's frame in the world, millimetres; the inverse of ``to_camera``."""
        return (points_cam_mm - self.trans_mm) @ self.rot_world_to_cam

    def project(self, points_world_mm: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Pixels of world points, lens distortion included; points behind the camera give not-a-number."""
        points_cam = self.to_camera(points_world_mm)
        depth = np.where(points_cam[..., 2:] > 0, points_cam[..., 2:], np.nan)
        distorted = self._distort(points_cam[..., :2] / depth)
        return distorted @ self.intrinsics_px[:2, :2].T + self.intrinsics_px[:2, 2]

    def rays(self, points_px: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 3"]:
        """Return unit viewing directions in the world of image points; the inverse of ``project`` up to depth."""
        distorted = (points_px - self.intrinsics_px[:2, 2]) @ np.linalg.inv(self.intrinsics_px[:2, :2]).T
        straight = distorted
        if self.distortion.any():
            for _ in range(UNDISTORT_STEPS):
                step = distorted - self._distort(straight)
                straight = straight + step
                if np.abs(step).max(initial=0.0) < UNDISTORT_TOLERANCE:
                    break
        directions = np.concatenate([straight, np.ones_like(straight[..., :1])], axis=-1)
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        return directions @ self.rot_world_to_cam

    def rot_world_to_virtual(self, points_px: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 3 3"]:
        """Rotations from the world into virtual cameras at the same place, each looking through a point of the image.

        The optical axis is turned onto the point's ray by the smallest rotation: of all cameras that look there, this
        one shows the surroundings of the point least turned against the image itself. In such a camera a person in the
        corner of the image looks as in a crop around that corner; in the camera's own axes it is seen from aside.
        """
        x, y, z = np.moveaxis(self.rays(points_px) @ self.rot_world_to_cam.T, -1, 0)
        across, down = x / (1 + z), y / (1 + z)
        turn = np.stack([1 - x * across, -x * down, -x, -y * across, 1 - y * down, -y, x, y, z], axis=-1)
        return turn.reshape(*x.shape, 3, 3) @ self.rot_world_to_cam

    def resized(self, size_px: tuple[int, int], focal_px: float) -> "Camera":
        """Camera of the same place and lens with another frame, its principal point in the middle."""
        intrinsics = np.array([[focal_px, 0.0, size_px[0] / 2], [0.0, focal_px, size_px[1] / 2], [0.0, 0.0, 1.0]])
        return Camera(self.rot_world_to_cam, self.trans_mm, intrinsics, self.distortion, size_px)

    def _distort(self, straight: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Distort normalised image coordinates (focal length 1)."""
        k1, k2, p1, p2, k3 = self.distortion
        x, y = straight[..., 0], straight[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        return np.stack([bent_x, bent_y], axis=-1)

    def to_dict(self) -> dict[str, Any]:
        """Attributes by name, as lists and numbers."""
        return {
            "rot_world_to_cam": self.rot_world_to_cam.tolist(),
            "trans_mm": self.trans_mm.tolist(),
            "intrinsics_px": self.intrinsics_px.tolist(),
            "distortion": self.distortion.tolist(),
            "size_px": list(self.size_px),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Camera":
        """Inverse of ``to_dict``."""
        rot, trans, intrinsics, distortion = (
            np.asarray(values[name], dtype=np.float64)
            for name in ("rot_world_to_cam", "trans_mm", "intrinsics_px", "distortion")
        )
        width, height = values["size_px"]
        return cls(rot, trans, intrinsics, distortion, (int(width), int(height)))
