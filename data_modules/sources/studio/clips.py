"""Clips: one action of one subject, posed and seen by every camera."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from data_modules.crop import square_around
from data_modules.sources.base import Crop, Instant, View
from data_modules.sources.studio.appearance import dress
from data_modules.sources.studio.body import Posture, make_body
from data_modules.sources.studio.cameras import studio_cameras
from data_modules.sources.studio.cast import draw_person
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream
from data_modules.sources.studio.furniture import draw_seat
from data_modules.sources.studio.mocap.play import motion_files, play
from data_modules.sources.studio.motion import perform
from data_modules.sources.studio.render import Mesh, Scene, encode, render_view
from data_modules.sources.studio.room import build_room
from mcss.geometry.camera import Camera


class Studio:
    """The room, the cameras and the people of one configuration.

    Args:
        subjects: who is needed of the configuration's people.

    Attributes:
        bodies: of each subject, dressed.
    """

    def __init__(self, config: StudioConfig, subjects: Iterable[str]) -> None:
        self.config = config
        people = {subject: draw_person(config, subject) for subject in subjects}
        dressed = {name: dress(make_body(who.phenotype, config.mesh), who.look) for name, who in people.items()}
        self.bodies = {subject: body for subject, (body, _) in dressed.items()}
        self.room = build_room(config)
        self.cameras = studio_cameras(config)
        self.seats = {subject: draw_seat(config, subject, body) for subject, body in self.bodies.items()}
        self._surfaces = {subject: surface for subject, (_, surface) in dressed.items()}
        self._meshes = {name: Mesh(body.triangles, len(body.rest_vertices_mm)) for name, body in self.bodies.items()}

    def perform(self, subject: str, action: str, subaction: int) -> Posture:
        """Postures of one clip."""
        body, seat = self.bodies[subject], self.seats[subject]
        if self.config.motion:
            return play(self.config, motion_files(Path(self.config.motion))[action], subaction, body, seat)
        return perform(self.config, subject, action, subaction, body, seat)

    def scene(self, subject: str, posture: Posture, instant: int) -> Scene:
        """Set up what the cameras see at one instant."""
        surface, mesh, seat = self._surfaces[subject], self._meshes[subject], self.seats[subject]
        return Scene(self.room, surface, mesh, posture.vertices_mm[instant], seat)

    def instants(self, subject: str, action: str, subaction: int) -> Iterator[Instant]:
        """All instants of one clip, rendered."""
        config = self.config
        posture = self.perform(subject, action, subaction)
        jitter = stream(config.seed, "crop", subject, action, subaction).uniform(
            -config.crop_jitter, config.crop_jitter, (config.instants, len(self.cameras), 3)
        )
        for instant in range(len(posture.joints_mm)):
            scene = self.scene(subject, posture, instant)
            views = []
            for index, (name, camera) in enumerate(self.cameras.items()):
                points = camera.project(posture.vertices_mm[instant])
                box = square_around(points.min(axis=0), points.max(axis=0), config.crop_margin, jitter[instant, index])
                image, _ = render_view(scene, camera, box, (config.crop_size_px, config.crop_size_px))
                views.append(View(name, Crop(encode(image, config.jpeg_quality), box)))
            frame = instant * config.frame_step
            yield Instant(frame, frame / config.fps, tuple(views), posture.joints_mm[instant])

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
