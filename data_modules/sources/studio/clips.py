"""Clips: one action of one subject, posed and seen by every camera."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64, UInt8

from data_modules.crop import square_around
from data_modules.sources.base import Crop, Instant, View
from data_modules.sources.studio.appearance import dress
from data_modules.sources.studio.backdrop import Backdrop
from data_modules.sources.studio.body import Body, Posture, make_body
from data_modules.sources.studio.cameras import studio_cameras
from data_modules.sources.studio.cast import draw_person
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.draws import stream
from data_modules.sources.studio.furniture import chair, draw_obstacle, draw_seat
from data_modules.sources.studio.lamps import draw_day
from data_modules.sources.studio.mocap.play import motion_files, play
from data_modules.sources.studio.motion import perform
from data_modules.sources.studio.render import Mesh, Scene, render_view
from data_modules.sources.studio.room import build_room
from data_modules.sources.studio.sensors import encode, studio_sensors
from data_modules.sources.studio.solids import Solid, together
from data_modules.store.masks import encode_mask
from mcss.geometry.camera import Camera

BACKDROP_CROPS = 5
"""Width of a backdrop in widths of a crop: about two of its pixels to one of a crop."""
OBSTACLE_POINTS = 300
"""Points of a body by which it is told how much of it something hides."""

ClipName = tuple[str, str, int]


class Studio:
    """The room, the cameras and the people of one configuration.

    Args:
        subjects: who is needed of the configuration's people.

    Attributes:
        bodies: of each subject, dressed.
        seats, chairs: of each subject, the place to sit on and what it looks like.
    """

    def __init__(self, config: StudioConfig, subjects: Iterable[str]) -> None:
        self.config = config
        people = {subject: draw_person(config, subject) for subject in subjects}
        dressed = {name: dress(make_body(who.phenotype, config.mesh), who.look) for name, who in people.items()}
        self.bodies = {subject: body for subject, (body, _) in dressed.items()}
        self.cameras, self.sensors = studio_cameras(config), studio_sensors(config)
        self.room = build_room(config, list(self.cameras.values()))
        self.seats = {subject: draw_seat(config, subject, body) for subject, body in self.bodies.items()}
        self._surfaces = {subject: surface for subject, (_, surface) in dressed.items()}
        self._meshes = {name: Mesh(body.triangles, len(body.rest_vertices_mm)) for name, body in self.bodies.items()}
        self.chairs = {subject: chair(config, subject, seat) for subject, seat in self.seats.items()}
        self._backdrops: dict[str, Backdrop] = {}

    def perform(self, subject: str, action: str, subaction: int, frame_step: int | None = None) -> Posture:
        """Postures of one clip, at its instants or, as long as it lasts, every ``frame_step`` frames."""
        body, seat, config = self.bodies[subject], self.seats[subject], self.config
        step, instants = frame_step or config.frame_step, config.instants_of(subject)
        if config.motion:
            config = replace(config, instants=instants * config.frame_step // step, frame_step=step)
            return play(config, motion_files(Path(config.motion))[action], subaction, body, seat)
        config = replace(config, instants=(instants - 1) * config.frame_step // step + 1, frame_step=step)
        return perform(config, subject, action, subaction, body, seat)

    def things(self, clip: ClipName, posture: Posture) -> Solid:
        """What stands in the room in a clip besides the furniture: the person's chair, and at times something else."""
        points = posture.vertices_mm[:, _spread_points(self.bodies[clip[0]], OBSTACLE_POINTS)]
        obstacle = draw_obstacle(self.config, clip, points, list(self.cameras.values()), self.room.furniture)
        return together(self.chairs[clip[0]], obstacle)

    def scene(self, subject: str, posture: Posture, instant: int, things: Solid | None = None) -> Scene:
        """Set up what the cameras see at one instant; without ``things``, the person's chair stands there."""
        day = draw_day(self.config.seed, subject)
        vertices = posture.vertices_mm[instant]
        things = self.chairs[subject] if things is None else things
        return Scene(self.room, self._surfaces[subject], self._meshes[subject], vertices, things, day)

    def instants(self, subject: str, action: str, subaction: int) -> Iterator[Instant]:
        """All instants of one clip, rendered."""
        config, clip = self.config, (subject, action, subaction)
        instants, late = config.instants_of(subject), self._sync_offsets(clip)
        step = math.gcd(config.frame_step, *late.values())
        posture = self.perform(*clip, frame_step=step)
        things, last = self.things(clip, posture), len(posture.joints_mm) - 1
        jitter = stream(config.seed, "crop", *clip).uniform(
            -config.crop_jitter, config.crop_jitter, (instants, len(self.cameras), 3)
        )
        for instant in range(min(instants, last * step // config.frame_step + 1)):
            frame = instant * config.frame_step
            seen = {name: min(max((frame + offset) // step, 0), last) for name, offset in late.items()}
            scenes = {at: self.scene(subject, posture, at, things) for at in set(seen.values())}
            views = tuple(
                self._view(name, scenes[seen[name]], jitter[instant, index], self.noise(name, *clip, instant))
                for index, name in enumerate(self.cameras)
            )
            yield Instant(frame, frame / config.fps, views, posture.joints_mm[frame // step])

    def _view(self, name: str, scene: Scene, jitter: Float[np.ndarray, " 3"], noise: np.random.Generator) -> View:
        """Crop of a camera, as its sensor sees it, and the person's mask."""
        config, sensor = self.config, self.sensors[name]
        if name not in self._backdrops:
            width = min(config.frame_size_px, BACKDROP_CROPS * config.crop_size_px)
            self._backdrops[name] = Backdrop.of(self.room, self.cameras[name], width)
        points = self.cameras[name].project(scene.vertices_mm)
        box = square_around(points.min(axis=0), points.max(axis=0), config.crop_margin, jitter)
        size_px = config.crop_size_px
        light, mask = render_view(scene, self._backdrops[name], box, (size_px, size_px))
        blur_px = sensor.defocus_share * config.frame_size_px * size_px / box[2]
        image = sensor.record(light, blur_px, noise)
        return View(name, Crop(encode(image, sensor.jpeg_quality), box, encode_mask(mask)))

    def _sync_offsets(self, clip: ClipName) -> dict[str, int]:
        """Source frames by which each camera's picture is later than the label, drawn for the clip."""
        frames = round(self.config.sync_error_of(clip[0]) / 2000 * self.config.fps)
        return {
            name: frames * (1 if stream(self.config.seed, "clock", *clip, name).random() < 0.5 else -1)
            for name in self.cameras
        }

    def noise(self, camera: str, *keys: str | int) -> np.random.Generator:
        """Random numbers of one image's noise."""
        return stream(self.config.seed, "noise", camera, *keys)

    def framed(self, camera: str, size_px: tuple[int, int]) -> Camera:
        """Return a camera with another frame size (width, height).

        The focal length keeps the field of view of the shorter side, so portrait and landscape both show the person.
        """
        whole = self.cameras[camera]
        focal = float(whole.intrinsics_px[0, 0]) * min(size_px) / self.config.frame_size_px
        return whole.resized(size_px, focal)

    def backdrop(self, camera: Camera) -> Backdrop:
        """The empty room in whole frames of a camera."""
        return Backdrop.of(self.room, camera, camera.size_px[0])

    def frame(
        self, name: str, backdrop: Backdrop, scenes: Sequence[Scene], noise: np.random.Generator
    ) -> UInt8[np.ndarray, "rows columns 3"]:
        """Render the whole frame of a camera: people of several scenes, each before those that come before it."""
        size = backdrop.camera.size_px
        whole = (0.0, 0.0, float(size[0]))
        light, _ = render_view(scenes[0], backdrop, whole, size)
        for nearer in scenes[1:]:
            theirs, shows_person = render_view(nearer, backdrop, whole, size)
            light[shows_person] = theirs[shows_person]
        return self.sensors[name].record(light, self.sensors[name].defocus_share * size[0], noise)


def _spread_points(body: Body, count: int) -> Int64[np.ndarray, " count"]:
    """Indices of vertices, drawn with the area of the surface about them."""
    a, b, c = (body.rest_vertices_mm[body.triangles[:, corner]] for corner in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    rng = np.random.default_rng(0)
    return body.triangles[rng.choice(len(areas), count, p=areas / areas.sum()), rng.integers(3, size=count)]
