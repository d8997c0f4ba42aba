"""What stands in the room: everybody's chair, furniture along the walls, and now and then something in the way."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Float

from data_modules.sources.studio.body import Body
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream
from data_modules.sources.studio.pieces import PIECES, draw_color, draw_wood
from data_modules.sources.studio.solids import NO_SOLID, Solid, box, legs, together
from mcss.geometry.camera import Camera

FREE_RADIUS_MM = 1500.0
"""The pelvis of anybody stays so near to the middle of the room."""
VIEW_RADIUS_MM = 2100.0
"""Radius about the middle of the room that hands and feet stay within; nothing but chairs stands there."""
SEAT_RADIUS_MM = (500.0, 1000.0)
"""Distance of a chair from the middle of the room."""
SEAT_BELOW_KNEE_MM = (70.0, 110.0)
"""How far a chair's top lies below the knees of whoever it is adjusted to."""
SEAT_HALF_MM = 190.0
BACK_REST_SHARE = 0.4
"""Share of the chairs that have a back rest."""
BACK_REST_MM = (300.0, 450.0)
TRIED_PIECES = (4, 12)
"""Least and greatest number of places along the walls that are tried."""
WALL_GAP_MM = 30.0
TRIPOD_MM = 450.0
"""Room that a camera's stand needs about it."""
OBSTACLE_SHARE = 0.3
"""Share of the clips in which something may stand in the way of a camera."""
OBSTACLES = ("table", "boxes", "plant", "shelf")
MOST_HIDDEN, LEAST_HIDDEN = 0.35, 0.04
"""Share of a person's surface that an obstacle hides at most at any instant, and at least at one, for some camera."""
TRIED_OBSTACLES = 12


class Seat(NamedTuple):
    """A chair. At yaw 0 who sits on it faces -Y; a back rest stands at the other edge of its top.

    Attributes:
        center_mm: middle of its top in the plane.
        top_mm: height of its top.
        back_mm: height of its back rest above the top; 0: it has none.
    """

    center_mm: Float[np.ndarray, " 2"]
    yaw_rad: float
    top_mm: float
    back_mm: float = 0.0


def draw_seat(config: StudioConfig, subject: str, body: Body) -> Seat:
    """Draw the chair of a person, adjusted to the person's legs."""
    rng = stream(config.seed, "seat", subject)
    azimuth, yaw = rng.uniform(-np.pi, np.pi, 2)
    radius = rng.uniform(*SEAT_RADIUS_MM)
    knee_mm = body.rest_heads_mm[body.index["lowerleg01.L"], 2] - body.rest_vertices_mm[:, 2].min()
    top = knee_mm - rng.uniform(*SEAT_BELOW_KNEE_MM)
    back = rng.uniform(*BACK_REST_MM) if rng.random() < BACK_REST_SHARE else 0.0
    center = radius * np.array([np.cos(azimuth), np.sin(azimuth)])
    return Seat(center, float(yaw), float(top), float(back))


def chair(config: StudioConfig, subject: str, seat: Seat) -> Solid:
    """The chair of a person, in colours of its own."""
    rng = stream(config.seed, "chair", subject)
    wood, cloth = draw_wood(rng), draw_color(rng)
    half, thick = SEAT_HALF_MM, 45.0
    parts = [
        box((-half, -half, seat.top_mm - thick), (half, half, seat.top_mm), cloth),
        legs((half, half), seat.top_mm - thick, 40.0, wood),
    ]
    if seat.back_mm:
        top = seat.top_mm + seat.back_mm
        parts += [box((x - 15, half - 30, seat.top_mm), (x + 15, half, top), wood) for x in (20 - half, half - 20)]
        parts.append(box((-half, half - 28, top - 0.55 * seat.back_mm), (half, half - 2, top), cloth))
    return together(*parts).placed(seat.center_mm, seat.yaw_rad)


def furnish(
    config: StudioConfig, half_mm: Float[np.ndarray, " 2"], height_mm: float, cameras: Sequence[Camera]
) -> Solid:
    """Draw the furniture along the walls, out of everybody's way and of every camera's sight of the middle."""
    rng = stream(config.seed, "furniture")
    circles: list[tuple[Float[np.ndarray, " 2"], float]] = []
    pieces = []
    for number in range(int(rng.integers(*TRIED_PIECES))):
        own = stream(config.seed, "furniture", number)
        piece = PIECES[str(own.choice(list(PIECES)))](own)
        depth_mm, reach_mm = np.abs(piece.corners_mm[..., 1]).max(), _reach_mm(piece)
        wall, along = int(own.integers(4)), own.uniform(-1, 1)
        axis, sign = divmod(wall, 2)
        center = np.empty(2)
        center[axis] = (2 * sign - 1) * (half_mm[axis] - depth_mm - WALL_GAP_MM)
        center[1 - axis] = along * max(half_mm[1 - axis] - reach_mm, 0.0)
        # At yaw 0 it faces -Y, which is right at the wall at +Y.
        yaw = [-np.pi / 2, np.pi / 2, np.pi, 0.0][wall] * 1.0
        apart = all(np.linalg.norm(center - other) > reach_mm + radius_mm for other, radius_mm in circles)
        low = piece.corners_mm[..., 2].max() < height_mm - 100
        if apart and low and all(_leaves_sight(center, reach_mm, camera) for camera in cameras):
            circles.append((center, reach_mm))
            pieces.append(piece.placed(center, yaw))
    return together(*pieces)


def _reach_mm(piece: Solid) -> float:
    """Radius of the circle about the origin that a piece stands in."""
    return float(np.linalg.norm(piece.corners_mm[..., :2], axis=-1).max())


def _leaves_sight(center_mm: Float[np.ndarray, " 2"], reach_mm: float, camera: Camera) -> bool:
    """Whether a circle neither touches a camera's stand nor the cone between the camera and where people move."""
    share = np.linspace(0, 1, 40)[:, None]
    way = (1 - share) * camera.center_world_mm[:2]
    distances = np.linalg.norm(center_mm - way, axis=1) - np.maximum(share[:, 0] * VIEW_RADIUS_MM, TRIPOD_MM)
    return bool(distances.min() > reach_mm)


def draw_obstacle(
    config: StudioConfig,
    clip: tuple[str, str, int],
    points_mm: Float[np.ndarray, "instants points 3"],
    cameras: Sequence[Camera],
    furniture: Solid,
) -> Solid:
    """Draw what stands in the way of a camera in a clip: in most clips nothing, and never so that much is hidden.

    Args:
        config: tells the seed.
        clip: subject, action and subaction.
        points_mm: of the person's surface at the clip's instants, equally many for each part of its area.
        cameras: one of which it stands before.
        furniture: what it must not stand in.
    """
    rng = stream(config.seed, "obstacle", *clip)
    if rng.random() >= OBSTACLE_SHARE:
        return NO_SOLID
    for _ in range(TRIED_OBSTACLES):
        piece = PIECES[str(rng.choice(OBSTACLES))](rng)
        camera = cameras[int(rng.integers(len(cameras)))]
        away_mm = np.linalg.norm(camera.center_world_mm[:2])
        azimuth = np.arctan2(camera.center_world_mm[1], camera.center_world_mm[0]) + rng.normal(0, 0.25)
        near_mm, far_mm = VIEW_RADIUS_MM + _reach_mm(piece), away_mm - TRIPOD_MM - _reach_mm(piece)
        radius, yaw = near_mm + rng.random() * (far_mm - near_mm), rng.uniform(-np.pi, np.pi)
        if far_mm < near_mm:
            continue
        center = radius * np.array([np.cos(azimuth), np.sin(azimuth)])
        apart_mm = np.linalg.norm(furniture.corners_mm[..., :2] - center, axis=-1).min(initial=np.inf)
        if apart_mm < _reach_mm(piece):
            continue
        piece = piece.placed(center, yaw)
        hidden = [hidden_share(piece, other.center_world_mm, points_mm).max() for other in cameras]
        if LEAST_HIDDEN <= max(hidden) <= MOST_HIDDEN:
            return piece
    return NO_SOLID


def hidden_share(
    piece: Solid, eye_mm: Float[np.ndarray, " 3"], points_mm: Float[np.ndarray, "instants points 3"]
) -> Float[np.ndarray, " instants"]:
    """Share of the points that ``piece`` hides from ``eye_mm``."""
    scene = EmbreeScene()
    TriangleMesh(scene, piece.corners_mm.astype(np.float32))
    ways = (points_mm - eye_mm).reshape(-1, 3).astype(np.float32)
    hits = scene.run(np.broadcast_to(eye_mm.astype(np.float32), ways.shape), ways, output=1)
    is_hidden = (hits["primID"] >= 0) & (hits["tfar"] < 1.0)
    return is_hidden.reshape(points_mm.shape[:2]).mean(axis=1)
