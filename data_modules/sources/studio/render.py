"""Rendering: rays of one camera against one posture and things in front of an empty room, outlines smoothed."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Bool, Float, Float32, Int, Int64
from scipy.sparse import csr_array

from data_modules.sources.studio.appearance import Surface
from data_modules.sources.studio.backdrop import SHADOW_DEPTH, SKIN_OFFSET_MM, Backdrop, facing
from data_modules.sources.studio.cameras import pixel_grid
from data_modules.sources.studio.room import Room
from data_modules.sources.studio.solids import Solid
from mcss.geometry.camera import Camera

NOTHING, THING = -1, -2
"""Labels of the empty room, and of what stands in it; those of a body are not negative."""
DIAGONAL = (1, 2)
"""Of a pixel's quarters, those that are looked at besides its middle where an outline runs through it."""
CELLS = 24
"""Cells across an image, of which those near a body are searched for it: a cell is wider than its triangles."""
SHADOW_PX = 3
"""Side of the squares of pixels that share one shadow ray on the backdrop: shadows have soft borders."""

THING_PARTS = 12
"""Rectangles in which things are searched for."""


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


class Shot(NamedTuple):
    """What rays meet.

    Attributes:
        colors: RGB, 1 = white; 0 where a ray meets neither body nor thing.
        labels: parts of the body, which differ where its colours do, ``THING`` or ``NOTHING``.
        is_dark: whether what is met lies in the shadow of each lamp.
    """

    colors: Float[np.ndarray, "rays 3"]
    labels: Int64[np.ndarray, " rays"]
    is_dark: Bool[np.ndarray, "rays lamps"]


class Scene:
    """One posture of one person in the room, ready to be seen from anywhere.

    Args:
        vertices_mm: the posture's vertices in the world.
        things: what stands there besides the room's furniture: a chair, something in the way.
        day: factor on each channel of the light.
    """

    def __init__(
        self,
        room: Room,
        surface: Surface,
        mesh: Mesh,
        vertices_mm: Float[np.ndarray, "vertices 3"],
        things: Solid,
        day: Float[np.ndarray, " 3"],
    ) -> None:
        self.room, self.lighting, self.surface, self.day = room, room.lighting, surface, day
        self.triangles, self.vertices_mm, self.things = mesh.triangles, vertices_mm, things
        self._attributes = np.concatenate([mesh.normals(vertices_mm), surface.rest_mm], axis=1).astype(np.float32)
        self._thing_normals = things.normals
        self._embree = EmbreeScene()
        corners = np.concatenate([vertices_mm, things.corners_mm.reshape(-1, 3)]).astype(np.float32)
        of_things = len(vertices_mm) + np.arange(3 * len(things.colors)).reshape(-1, 3)
        TriangleMesh(self._embree, corners, np.concatenate([mesh.triangles, of_things]).astype(np.int32))

    def shoot(
        self,
        eye_mm: Float[np.ndarray, " 3"],
        directions: Float[np.ndarray, "rays 3"],
        nearest_mm: Float[np.ndarray, " rays"],
        dark: Bool[np.ndarray, "rays lamps"] | None = None,
    ) -> Shot:
        """What rays of unit length meet of the body and the things.

        Args:
            eye_mm: where the rays begin.
            directions: of the rays.
            nearest_mm: distance at which each ray meets the empty room.
            dark: whether what it meets lies in the shadow of each lamp, where that is known already.
        """
        origins = np.broadcast_to(eye_mm, directions.shape)
        hits = self._embree.run(origins.astype(np.float32), directions.astype(np.float32), output=1)
        labels = np.full(len(directions), NOTHING, dtype=np.int64)
        colors, is_dark = (
            np.zeros((len(directions), 3)),
            np.zeros((len(directions), len(self.lighting.lamps)), dtype=bool),
        )
        shown = np.flatnonzero((hits["primID"] >= 0) & (hits["tfar"] < nearest_mm))
        if not len(shown):
            return Shot(colors, labels, is_dark)
        ways, triangle = directions[shown], hits["primID"][shown]
        points = eye_mm + ways * hits["tfar"][shown][:, None]
        normals, albedo = np.empty_like(points), np.empty_like(points)
        is_body = triangle < len(self.triangles)
        weights = np.stack([1 - hits["u"] - hits["v"], hits["u"], hits["v"]], axis=-1)[shown][is_body]
        values = np.einsum("rc,rca->ra", weights, self._attributes[self.triangles[triangle[is_body]]]).astype(
            np.float64
        )
        normals[is_body] = values[:, :3]
        albedo[is_body], labels[shown[is_body]] = self.surface.paint(triangle[is_body], values[:, 3:])
        thing = triangle[~is_body] - len(self.triangles)
        normals[~is_body], albedo[~is_body] = self._thing_normals[thing], self.things.colors[thing]
        labels[shown[~is_body]] = THING
        normals = facing(normals, ways)
        is_dark[shown] = self._is_dark(points + SKIN_OFFSET_MM * normals) if dark is None else dark[shown]
        colors[shown] = albedo * self._light(points, normals, ways, is_dark[shown])
        return Shot(colors, labels, is_dark)

    def _light(
        self,
        points: Float[np.ndarray, "rays 3"],
        normals: Float[np.ndarray, "rays 3"],
        directions: Float[np.ndarray, "rays 3"],
        is_dark: Bool[np.ndarray, "rays lamps"],
    ) -> Float[np.ndarray, "rays 3"]:
        """Light that falls on points of the body and of things, RGB."""
        light = self.lighting.unshaded(points, normals, directions)
        for lamp, dark in zip(self.lighting.lamps, is_dark.T, strict=True):
            strength = self.lighting.of_lamp(lamp, points, normals) * np.where(dark, 1 - SHADOW_DEPTH, 1.0)
            light += strength[:, None] * lamp.light
        return light * self.day

    def _is_dark(self, starts_mm: Float[np.ndarray, "rays 3"]) -> Bool[np.ndarray, "rays lamps"]:
        """Whether the body or a thing stands between each point and each lamp."""
        starts = starts_mm.astype(np.float32)
        ways = (lamp.place_mm.astype(np.float32) - starts for lamp in self.lighting.lamps)
        return np.stack([self._embree.run(starts, way, query="OCCLUDED") >= 0 for way in ways], axis=-1)

    def shade(self, backdrop: Backdrop, pixels: Float[np.ndarray, "pixels 2"]) -> Float32[np.ndarray, " pixels"]:
        """Share of the backdrop's light that is left at places of the camera's frame, behind body and things."""
        places = backdrop.places(pixels)
        points = backdrop.points_mm.reshape(-1, 3)[places]
        # A little towards the camera: the point lies on a surface.
        starts = points + SKIN_OFFSET_MM / 1000 * (backdrop.camera.center_world_mm - points)
        shares = backdrop.lamp_shares.reshape(len(backdrop.points_mm.reshape(-1, 3)), -1)[places]
        return (1 - SHADOW_DEPTH * (self._is_dark(starts) * shares).sum(axis=1)).astype(np.float32)


def _outline(labels: Int64[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "rows columns"]:
    """Pixels whose right or lower neighbour shows another part, and those neighbours."""
    edge = np.zeros(labels.shape, dtype=bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge


def _asked(
    scene: Scene, camera: Camera, box: tuple[float, float, float], size_px: tuple[int, int]
) -> Int64[np.ndarray, " pixels"]:
    """Pixels inside the frame (flat index) that may show the body or a thing: those near their corners."""
    width, height = size_px
    cell_px = width / CELLS
    near = np.zeros((math.ceil(height / cell_px) + 2, CELLS + 2), dtype=np.uint8)
    corners = (camera.project(scene.vertices_mm) - np.array(box[:2])) * (CELLS / box[2])
    if np.isnan(corners).any():  # partly behind the camera
        return np.arange(height * width)
    column, row = np.floor(corners).astype(int).T + 1
    inside = (column >= 0) & (column < near.shape[1]) & (row >= 0) & (row < near.shape[0])
    near[row[inside], column[inside]] = 1
    near[:] = cv2.dilate(near, np.ones((3, 3), dtype=np.uint8))
    for part in np.array_split(scene.things.corners_mm, THING_PARTS):
        things = (camera.project(part.reshape(-1, 3)) - np.array(box[:2])) * (CELLS / box[2])
        if np.isnan(things).any():
            near[:] = 1
        elif len(things):
            left, top = np.maximum(np.floor(things.min(axis=0)).astype(int), 0)
            right, bottom = np.maximum(np.ceil(things.max(axis=0)).astype(int) + 2, 0)
            near[top:bottom, left:right] = 1
    columns, rows = ((np.arange(length) / cell_px).astype(int) + 1 for length in (width, height))
    return np.flatnonzero(near[np.ix_(rows, columns)])


def render_view(
    scene: Scene, backdrop: Backdrop, box: tuple[float, float, float], size_px: tuple[int, int]
) -> tuple[Float32[np.ndarray, "rows columns 3"], Bool[np.ndarray, "rows columns"]]:
    """Light (RGB) that arrives in ``box`` at ``size_px`` (width, height), and the pixels that show the person.

    A pixel shows the person where the ray through its middle meets the person first. Nothing beyond the camera's frame
    is seen.
    """
    width, height = size_px
    camera, eye = backdrop.camera, backdrop.camera.center_world_mm
    grid = pixel_grid(box, size_px).reshape(-1, 2)
    asked = _asked(scene, camera, box, size_px)
    asked = asked[((grid[asked] >= 0) & (grid[asked] < camera.size_px)).all(axis=1)]
    shot = scene.shoot(eye, camera.rays(grid[asked]), backdrop.distances_mm(grid[asked]))
    labels = np.full(height * width, NOTHING, dtype=np.int64)
    labels[asked] = shot.labels
    coarse = (math.ceil(width / SHADOW_PX), math.ceil(height / SHADOW_PX))
    shade = scene.shade(backdrop, pixel_grid(box, coarse).reshape(-1, 2)).reshape(coarse[::-1])
    behind = backdrop.cut(box, size_px) * cv2.resize(shade, size_px)[..., None] * scene.day.astype(np.float32)
    behind = behind.reshape(-1, 3)
    image = behind.copy()
    image[asked[shot.labels != NOTHING]] = shot.colors[shot.labels != NOTHING]
    edge = np.flatnonzero(_outline(labels.reshape(height, width)))
    of_asked = np.zeros(height * width, dtype=np.int64)
    of_asked[asked] = np.arange(len(asked))
    more_px = pixel_grid(box, size_px, 2).reshape(height * width, 4, 2)[edge][:, DIAGONAL]
    is_dark = np.repeat(shot.is_dark[of_asked[edge]], len(DIAGONAL), axis=0)
    more = scene.shoot(eye, camera.rays(more_px).reshape(-1, 3), backdrop.distances_mm(more_px.reshape(-1, 2)), is_dark)
    beyond = np.repeat(behind[edge], len(DIAGONAL), axis=0)
    colors = np.where((more.labels != NOTHING)[:, None], more.colors, beyond).reshape(len(edge), len(DIAGONAL), 3)
    image[edge] = (image[edge] + colors.sum(axis=1)) / (1 + len(DIAGONAL))
    return image.reshape(height, width, 3), (labels >= 0).reshape(height, width)
