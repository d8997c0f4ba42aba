"""Clips: one action of one subject, posed, seen by every camera, and kept as one file."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, UInt8

from data_modules.sources.studio.appearance import surface_of
from data_modules.sources.studio.body import Body, Posture, make_body
from data_modules.sources.studio.cameras import person_box, studio_cameras
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.looks import LOOKS
from data_modules.sources.studio.motion import Motion, play, stream
from data_modules.sources.studio.render import Mesh, Scene, Seat, encode, render_view
from data_modules.sources.studio.room import build_room
from mcss.geometry.camera import Camera

SEAT_BACK_MM = 40.0
"""How far behind the hips the middle of a seat is."""


@dataclass(frozen=True, eq=False)
class ClipFile:
    """What a clip adds to the store; views in the order of the sorted camera names.

    Attributes:
        images: JPEG of every instant and camera.
        boxes: (x, y, side) of every crop in its camera's frame, pixels.
        poses_world_mm: joint set h36m17.
    """

    images: list[list[bytes]]
    boxes: Float[np.ndarray, "instants cameras 3"]
    poses_world_mm: Float32[np.ndarray, "instants 17 3"]

    def save(self, path: Path) -> None:
        """Write to ``path``, whole or not at all."""
        jpegs = [jpeg for views in self.images for jpeg in views]
        buffer = io.BytesIO()
        np.savez(
            buffer,
            jpeg=np.frombuffer(b"".join(jpegs), dtype=np.uint8),
            length=np.array([len(jpeg) for jpeg in jpegs]),
            boxes=self.boxes,
            poses=self.poses_world_mm,
        )
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_bytes(buffer.getvalue())
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path) -> "ClipFile":
        """Inverse of ``save``."""
        with np.load(path) as values:
            jpeg, boxes, poses = values["jpeg"].tobytes(), values["boxes"], values["poses"]
            ends = np.cumsum(values["length"])
        pieces = [jpeg[end - length : end] for end, length in zip(ends, np.diff(ends, prepend=0), strict=True)]
        cameras = boxes.shape[1]
        return cls([pieces[start : start + cameras] for start in range(0, len(pieces), cameras)], boxes, poses)


class Studio:
    """The room, the cameras and the people of one configuration.

    Args:
        bodies: body of each subject, see ``make_bodies``.
    """

    def __init__(self, config: StudioConfig, bodies: dict[str, Body]) -> None:
        self.config = config
        self.bodies = bodies
        self.room = build_room(config)
        self.cameras = studio_cameras(config)
        self._surfaces = {subject: surface_of(body) for subject, body in bodies.items()}
        self._meshes = {subject: Mesh(body.triangles, len(body.rest_vertices_mm)) for subject, body in bodies.items()}

    def perform(self, subject: str, action: str, subaction: int) -> tuple[Motion, Posture]:
        """Motion and postures of one clip."""
        motion = play(self.config, subject, action, subaction)
        return motion, self.bodies[subject].pose(motion.angles_rad, motion.yaw_rad, motion.position_mm)

    def scene(self, subject: str, motion: Motion, posture: Posture, instant: int) -> Scene:
        """Set up what the cameras see at one instant."""
        vertices = posture.vertices_mm[instant]
        seat = None
        if motion.on_seat[instant]:
            seat = seat_under(
                self.bodies[subject], vertices, posture.joints_mm[instant], float(motion.yaw_rad[instant])
            )
        return Scene(self.room, LOOKS[subject], self._surfaces[subject], self._meshes[subject], vertices, seat)

    def render_clip(self, subject: str, action: str, subaction: int) -> ClipFile:
        """All crops of one clip."""
        config = self.config
        motion, posture = self.perform(subject, action, subaction)
        jitter = stream(config, "crop", subject, action, subaction).uniform(
            -config.crop_jitter, config.crop_jitter, (config.instants, len(self.cameras), 3)
        )
        boxes = np.empty_like(jitter)
        images = []
        for instant in range(config.instants):
            scene = self.scene(subject, motion, posture, instant)
            views = []
            for index, camera in enumerate(self.cameras.values()):
                points = camera.project(posture.vertices_mm[instant])
                box = person_box(points, config.crop_margin, jitter[instant, index])
                boxes[instant, index] = box
                image, _ = render_view(scene, camera, box, (config.crop_size_px, config.crop_size_px))
                views.append(encode(image, config.jpeg_quality))
            images.append(views)
        return ClipFile(images, boxes, posture.joints_mm.astype(np.float32))

    def framed(self, camera: str, size_px: tuple[int, int]) -> Camera:
        """Return a camera with another frame size (width, height).

        The focal length keeps the field of view of the shorter side, so portrait and landscape both show the person.
        """
        focal = self.config.focal_px * min(size_px) / self.config.frame_size_px
        return self.cameras[camera].resized(size_px, focal)

    def frame(self, scene: Scene, camera: Camera) -> UInt8[np.ndarray, "rows columns 3"]:
        """Render the whole frame of a camera."""
        image, _ = render_view(scene, camera, (0.0, 0.0, float(camera.size_px[0])), camera.size_px)
        return image


def make_subject_body(subject: str, mesh: str) -> Body:
    """Make the body of one subject."""
    return make_body(LOOKS[subject].phenotype, mesh)


def make_bodies(config: StudioConfig) -> dict[str, Body]:
    """Make the body of each subject of ``config``."""
    return {subject: make_subject_body(subject, config.mesh) for subject in config.subjects}


def seat_under(
    body: Body, vertices_mm: Float[np.ndarray, "vertices 3"], joints_mm: Float[np.ndarray, "17 3"], yaw_rad: float
) -> Seat:
    """Stool that carries a sitting body: its top at the lowest point of the buttocks."""
    carried = np.char.startswith(np.array(body.vertex_bones), "pelvis")
    # At yaw 0 the body faces -Y, so +Y is behind it.
    behind = np.array([-np.sin(yaw_rad), np.cos(yaw_rad)])
    return Seat(joints_mm[0, :2] + SEAT_BACK_MM * behind, yaw_rad, float(vertices_mm[carried, 2].min()))
