"""Rendering: rays of one camera against one posture in the room, outlines smoothed, everything else one ray a pixel."""

import numpy as np
import simplejpeg
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Bool, Float, Int, UInt8
from scipy.sparse import csr_array

from data_modules.sources.studio.appearance import Surface
from data_modules.sources.studio.cameras import pixel_grid
from data_modules.sources.studio.furniture import Seat
from data_modules.sources.studio.looks import Color
from data_modules.sources.studio.room import Room
from mcss.geometry.camera import Camera

NOTHING, SEAT = -1, -2
SEAT_COLOR: Color = (0.42, 0.30, 0.20)
SUBSAMPLES = 2
AMBIENT, LAMP_SHARE = 0.55, 0.62
SHADOW_DEPTH = 0.45
HEADLIGHT = 0.18
"""Weight of a light at the camera, which models shapes that face it."""
SKIN_OFFSET_MM = 4.0
"""How far above a surface its shadow ray starts."""
SEAT_HALF_MM = 175.0


class Mesh:
    """Triangles of a body's surface, and the smooth normals of any posture of it."""

    def __init__(self, triangles: Int[np.ndarray, "triangles 3"], vertex_count: int) -> None:
        self.triangles = triangles
        corner = np.arange(triangles.size) // 3
        self._gather = csr_array((np.ones(triangles.size), (triangles.ravel(), corner)), (vertex_count, len(triangles)))

    def normals(self, vertices_mm: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "vertices 3"]:
        """Compute unit normals of vertices, each face weighted by its area."""
        a, b, c = (vertices_mm[self.triangles[:, corner]] for corner in range(3))
        normals = self._gather @ np.cross(b - a, c - a)
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _seat_box(
    seat: Seat,
) -> tuple[Float[np.ndarray, "24 3"], Int[np.ndarray, "12 3"], Float[np.ndarray, "24 3"]]:
    """Vertices, triangles and normals of a seat: a box with four corners of its own for each face."""
    center_mm, yaw_rad, top_mm, _ = seat
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=np.float64)
    vertices, normals = [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            vertices.append(np.insert(signs, axis, sign, axis=1))
            normals.append(np.tile(sign * np.eye(3)[axis], (4, 1)))
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    corners = np.concatenate(vertices) * [SEAT_HALF_MM, SEAT_HALF_MM, top_mm / 2] @ turn.T
    first = np.arange(6)[:, None] * 4
    triangles = np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])])
    return corners + np.array([*center_mm, top_mm / 2]), triangles, np.concatenate(normals) @ turn.T


class Scene:
    """One posture of one person in the room, ready to be seen from anywhere.

    Args:
        vertices_mm: the posture's vertices in the world.
        seat: what the person sits on, or None.
    """

    def __init__(
        self,
        room: Room,
        surface: Surface,
        mesh: Mesh,
        vertices_mm: Float[np.ndarray, "vertices 3"],
        seat: Seat | None = None,
    ) -> None:
        self.room, self.surface = room, surface
        normals, triangles = mesh.normals(vertices_mm), mesh.triangles
        attributes = np.concatenate([normals, surface.rest_mm], axis=1)
        if seat is not None:
            corners, faces, directions = _seat_box(seat)
            triangles = np.concatenate([triangles, faces + len(vertices_mm)])
            attributes = np.concatenate([attributes, np.pad(directions, ((0, 0), (0, 3)))])
            vertices_mm = np.concatenate([vertices_mm, corners])
        self._triangles, self._attributes = triangles, attributes
        self._embree = EmbreeScene()
        TriangleMesh(self._embree, vertices_mm.astype(np.float32)[triangles])

    def shoot(
        self, origin_mm: Float[np.ndarray, " 3"], directions: Float[np.ndarray, "rays 3"]
    ) -> tuple[Float[np.ndarray, "rays 3"], Int[np.ndarray, " rays"]]:
        """Colour (RGB, 1 = white) and part of the scene that each ray meets (``NOTHING`` = only the room)."""
        origins = np.broadcast_to(origin_mm, directions.shape)
        hits = self._embree.run(origins.astype(np.float32), directions.astype(np.float32), output=1)
        met = hits["primID"] >= 0
        labels = np.full(len(directions), NOTHING)
        points, normals, colors = np.empty_like(directions), np.empty_like(directions), np.empty_like(directions)
        room_points, side, room_colors = self.room.hit(origins[~met], directions[~met])
        points[~met], colors[~met], normals[~met] = room_points, room_colors, _side_normals(side)
        weights = np.stack([1 - hits["u"][met] - hits["v"][met], hits["u"][met], hits["v"][met]], axis=-1)
        corners = self._attributes[self._triangles[hits["primID"][met]]]
        values = (weights[:, None].astype(np.float64) @ corners)[:, 0]
        points[met] = origins[met] + directions[met] * hits["tfar"][met][:, None]
        normals[met] = _facing(values[:, :3], directions[met])
        colors[met], labels[met] = self._paint(hits["primID"][met], values[:, 3:])
        lit = self._lit(points, normals, met | _near_floor(points))
        return colors * self._light(points, normals, directions, lit), labels

    def _paint(
        self, triangles: Int[np.ndarray, " points"], rest_mm: Float[np.ndarray, "points 3"]
    ) -> tuple[Float[np.ndarray, "points 3"], Int[np.ndarray, " points"]]:
        """Colour and label of points of the person or the seat."""
        colors, labels = np.empty_like(rest_mm), np.full(len(rest_mm), SEAT)
        person = triangles < len(self.surface.parts)
        colors[~person] = SEAT_COLOR
        colors[person], labels[person] = self.surface.paint(triangles[person], rest_mm[person])
        return colors, labels

    def _lit(
        self,
        points: Float[np.ndarray, "rays 3"],
        normals: Float[np.ndarray, "rays 3"],
        tested: Bool[np.ndarray, " rays"],
    ) -> Bool[np.ndarray, " rays"]:
        """Points that the lamp reaches; those not ``tested`` are taken to be lit."""
        starts = points[tested] + SKIN_OFFSET_MM * normals[tested]
        hits = self._embree.run(starts.astype(np.float32), (self.room.lamp_mm - starts).astype(np.float32), output=1)
        lit = np.ones(len(points), dtype=bool)
        lit[tested] = hits["primID"] < 0
        return lit

    def _light(
        self,
        points: Float[np.ndarray, "rays 3"],
        normals: Float[np.ndarray, "rays 3"],
        directions: Float[np.ndarray, "rays 3"],
        lit: Bool[np.ndarray, " rays"],
    ) -> Float[np.ndarray, "rays 3"]:
        """Light that falls on each point, RGB."""
        lamp = self.room.lamp_mm - points
        lambert = np.maximum((lamp * normals).sum(1) / np.linalg.norm(lamp, axis=1), 0)
        facing = np.maximum(-(directions * normals).sum(1), 0)
        sky = AMBIENT * (0.8 + 0.2 * normals[:, 2])
        strength = sky + HEADLIGHT * facing + LAMP_SHARE * lambert * np.where(lit, 1.0, SHADOW_DEPTH)
        return np.repeat(strength[:, None], 3, axis=1)


def _near_floor(points: Float[np.ndarray, "rays 3"]) -> Bool[np.ndarray, " rays"]:
    return points[:, 2] < 1.0


def _side_normals(side: Int[np.ndarray, " rays"]) -> Float[np.ndarray, "rays 3"]:
    """Inward normals of the room's sides."""
    inward = np.zeros((6, 3))
    inward[np.arange(6), np.arange(6) // 2] = [1, -1, 1, -1, 1, -1]
    return inward[side]


def _facing(
    normals: Float[np.ndarray, "rays 3"], directions: Float[np.ndarray, "rays 3"]
) -> Float[np.ndarray, "rays 3"]:
    """Return unit normals turned towards the viewer."""
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return np.where((normals * directions).sum(1, keepdims=True) > 0, -normals, normals)


def _outline(labels: Int[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """Pixels whose right or lower neighbour shows another part, and those neighbours."""
    edge = np.zeros(labels.shape, dtype=bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def render_view(
    scene: Scene, camera: Camera, box: tuple[float, float, float], size_px: tuple[int, int]
) -> tuple[UInt8[np.ndarray, "rows columns 3"], Bool[np.ndarray, "rows columns"]]:
    """Image (RGB) of ``box`` at ``size_px`` (width, height), and the pixels that show the person."""
    width, height = size_px
    center = camera.center_world_mm
    colors, labels = scene.shoot(center, camera.rays(pixel_grid(box, size_px)).reshape(-1, 3))
    labels = labels.reshape(height, width)
    edge = np.flatnonzero(_outline(labels))
    fine_px = pixel_grid(box, size_px, SUBSAMPLES).reshape(height * width, SUBSAMPLES**2, 2)[edge]
    fine, _ = scene.shoot(center, camera.rays(fine_px).reshape(-1, 3))
    colors[edge] = fine.reshape(len(edge), SUBSAMPLES**2, 3).mean(axis=1)
    image = (255 * colors.clip(0, 1) + 0.5).astype(np.uint8).reshape(height, width, 3)
    return image, (labels != NOTHING) & (labels != SEAT)


def encode(image: UInt8[np.ndarray, "rows columns 3"], quality: int) -> bytes:
    """JPEG with full colour resolution: at crop sizes a limb is a few pixels wide."""
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(image), quality=quality, colorspace="RGB", colorsubsampling="444"
    )
