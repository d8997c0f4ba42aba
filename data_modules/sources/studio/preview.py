"""A quick look at one person of the cast in one posture, from several sides, before a plain wall."""

import numpy as np
from jaxtyping import Float, UInt8

from data_modules.crop import square_around
from data_modules.sources.studio.appearance import Surface, dress
from data_modules.sources.studio.backdrop import Backdrop
from data_modules.sources.studio.body import Body, Posture, make_body
from data_modules.sources.studio.cast import Person
from data_modules.sources.studio.kinematics import pose_body
from data_modules.sources.studio.lamps import Lamp, Lighting
from data_modules.sources.studio.poses import KEY_POSES
from data_modules.sources.studio.render import Mesh, Scene, render_view
from data_modules.sources.studio.room import Room
from data_modules.sources.studio.solids import NO_SOLID
from data_modules.store.pictures import draw_skeleton, project_to_crop
from mcss.geometry.camera import Camera

AROUND_RAD = (-np.pi / 2, 0.0, -np.pi / 4, np.pi / 2, np.pi)
"""Azimuths of the cameras: before the person, at its left, between these two, behind, at its right."""
DISTANCE_MM, HEIGHT_MM, FOCAL_PX, FRAME_PX = 4500.0, 1300.0, 1200.0, 1000
WALL = 0.62
PALE = 60.0
"""Grey that a picture is mixed with before a skeleton is drawn on it."""
LIGHTING = Lighting((Lamp(np.array([700.0, -1500.0, 3800.0]), np.full(3, 0.6)),), ambient=0.5)

Image = UInt8[np.ndarray, "rows columns 3"]


def preview_person(
    person: Person, mesh: str, pose: str, size_px: int, views: int = 3, with_skeleton: bool = False
) -> Image:
    """Render ``person`` in a key pose from ``views`` sides, beside each other, each ``size_px`` wide."""
    posture, scene = plain_scene(*dress(make_body(person.phenotype, mesh), person.look), pose)
    pictures = []
    for azimuth in AROUND_RAD[:views]:
        camera = preview_camera(azimuth)
        points = camera.project(posture.vertices_mm[0])
        box = square_around(points.min(axis=0), points.max(axis=0), 0.1)
        # A person fills half of the frame, so both pictures have pixels of about one size.
        backdrop = Backdrop.of(scene.room, camera, 2 * size_px)
        light, _ = render_view(scene, backdrop, box, (size_px, size_px))
        image = (255 * light.clip(0, 1)).astype(np.uint8)
        if with_skeleton:
            image = (0.5 * image + 0.5 * PALE).astype(np.uint8)
            draw_skeleton(image, project_to_crop(camera, posture.joints_mm[0], np.array(box), size_px))
        pictures.append(image)
    return np.concatenate(pictures, axis=1)


def plain_scene(body: Body, surface: Surface, pose: str) -> tuple[Posture, Scene]:
    """A dressed body in a key pose before a plain wall."""
    posture = pose_body(body, KEY_POSES[pose].angles_rad()[None], np.zeros(1), np.zeros((1, 2)))
    vertices = posture.vertices_mm[0]
    return posture, Scene(_plain_room(), surface, Mesh(body.triangles, len(vertices)), vertices, NO_SOLID, np.ones(3))


def _plain_room() -> Room:
    side = np.full((1, 1, 3), WALL, dtype=np.float32)
    half: Float[np.ndarray, " 3"] = np.array([6000.0, 6000.0, 0.0])
    return Room(-half, half + np.array([0.0, 0.0, 4000.0]), (side,) * 6, LIGHTING, NO_SOLID)


def preview_camera(azimuth_rad: float) -> Camera:
    """Camera that stands at ``azimuth_rad`` from +X and looks at somebody in the middle."""
    center = DISTANCE_MM * np.array([np.cos(azimuth_rad), np.sin(azimuth_rad)])
    return Camera.look_at(
        np.array([*center, HEIGHT_MM]), np.array([0.0, 0.0, 900.0]), FOCAL_PX, (FRAME_PX, FRAME_PX), np.zeros(5)
    )
