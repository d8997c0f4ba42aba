"""What a camera sees with nobody there, rendered once: a clip's images take from it all that does not move."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Float, Float32, Int64, UInt8

from data_modules.crop import cut_square
from data_modules.sources.studio.cameras import pixel_grid
from data_modules.sources.studio.room import Room, side_normals
from mcss.geometry.camera import Camera

SKIN_OFFSET_MM = 4.0
"""How far above a surface its shadow ray starts."""
DEPTH_SLACK_MM = 100.0
"""What stands on the floor is nearer than the floor that its pixel of the backdrop shows, if only by so much."""
SHADOW_DEPTH = 0.7
"""Share of a lamp's light that does not reach what lies in its shadow; the rest is reflected there."""


@dataclass(frozen=True, eq=False)
class Backdrop:
    """The empty room in a camera's frame, at a resolution of its own.

    Attributes:
        image: RGB, all light included.
        points_mm: what each pixel shows.
        lamp_shares: share of each lamp in a pixel's light.
    """

    room: Room
    camera: Camera
    image: UInt8[np.ndarray, "rows columns 3"]
    points_mm: Float32[np.ndarray, "rows columns 3"]
    lamp_shares: Float32[np.ndarray, "rows columns lamps"]

    @classmethod
    def of(cls, room: Room, camera: Camera, width_px: int) -> "Backdrop":
        """Render the empty room ``width_px`` wide."""
        width, height = camera.size_px
        size = (width_px, round(width_px * height / width))
        directions = camera.rays(pixel_grid((0.0, 0.0, float(width)), size)).reshape(-1, 3)
        eye = camera.center_world_mm
        scene = EmbreeScene()
        if len(room.furniture.colors):
            TriangleMesh(scene, room.furniture.corners_mm.astype(np.float32))
        points, side, colors = room.hit(eye, directions)
        normals = side_normals(side)
        hits = scene.run(
            np.broadcast_to(eye, directions.shape).astype(np.float32), directions.astype(np.float32), output=1
        )
        met = hits["primID"] >= 0
        points[met] = eye + directions[met] * hits["tfar"][met][:, None]
        colors[met] = room.furniture.colors[hits["primID"][met]]
        normals[met] = facing(room.furniture.normals[hits["primID"][met]], directions[met])
        light = room.lighting.unshaded(points, normals, directions)
        parts = []
        for lamp in room.lighting.lamps:
            strength = room.lighting.of_lamp(lamp, points, normals)
            starts = (points + SKIN_OFFSET_MM * normals).astype(np.float32)
            blocked = scene.run(starts, lamp.place_mm.astype(np.float32) - starts, output=1)
            is_dark = (blocked["primID"] >= 0) & (blocked["tfar"] < 1)
            strength *= np.where(is_dark, 1 - SHADOW_DEPTH, 1.0)
            parts.append(np.where(is_dark, 0.0, strength))
            light += strength[:, None] * lamp.light
        total = np.maximum(light.mean(axis=1), 1e-6)
        shares = [part * lamp.light.mean() / total for part, lamp in zip(parts, room.lighting.lamps, strict=True)]
        shape = size[::-1]
        return cls(
            room,
            camera,
            (255 * (colors * light).clip(0, 1) + 0.5).astype(np.uint8).reshape(*shape, 3),
            points.astype(np.float32).reshape(*shape, 3),
            np.stack(shares, axis=-1).astype(np.float32).reshape(*shape, -1),
        )

    def cut(self, box: tuple[float, float, float], size_px: tuple[int, int]) -> Float32[np.ndarray, "rows columns 3"]:
        """What ``box`` shows at ``size_px`` (width, height), in [0, 1]; black where it leaves the frame."""
        scale = self.image.shape[1] / self.camera.size_px[0]
        if size_px == self.image.shape[1::-1] and box == (0.0, 0.0, float(self.camera.size_px[0])):
            image = self.image
        else:
            image = cut_square(self.image, (box[0] * scale, box[1] * scale, box[2] * scale), size_px[0])
        return image.astype(np.float32) / 255

    def distances_mm(self, pixels: Float[np.ndarray, "pixels 2"]) -> Float[np.ndarray, " pixels"]:
        """Distance from the camera of what is seen at places of its frame."""
        return self._distances.ravel()[self.places(pixels)]

    @cached_property
    def _distances(self) -> Float[np.ndarray, "rows columns"]:
        return np.linalg.norm(self.points_mm - self.camera.center_world_mm, axis=-1) + DEPTH_SLACK_MM

    def places(self, pixels: Float[np.ndarray, "pixels 2"]) -> Int64[np.ndarray, " pixels"]:
        """Index into the flattened arrays of each place in the camera's frame, the nearest one inside it."""
        rows, columns = self.image.shape[:2]
        scale = columns / self.camera.size_px[0]
        column = (pixels[:, 0] * scale).astype(np.int64).clip(0, columns - 1)
        row = (pixels[:, 1] * scale).astype(np.int64).clip(0, rows - 1)
        return row * columns + column


def facing(
    normals: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
) -> Float[np.ndarray, "rays 3"]:
    """Return unit normals turned towards the viewer."""
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return np.where((normals * directions).sum(1, keepdims=True) > 0, -normals, normals)
