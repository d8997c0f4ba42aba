"""A few clips of the tiny studio filmed as whole frames: what the miniatures of the layouts are made from."""

from dataclasses import dataclass, replace

import numpy as np

from data_modules.sources.studio.clips import Studio
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.render import render_view
from mcss.geometry.camera import Camera

SIDE_PX = 160
CLIPS = (("S1", "Directions", 1), ("S1", "Walking", 2), ("S9", "Directions", 1))


@dataclass(frozen=True, eq=False)
class FilmedClip:
    """Frames are RGB; poses world, Z up, mm, h36m17."""

    subject: str
    action: str
    subaction: int
    frames: dict[str, list[np.ndarray]]
    masks: dict[str, list[np.ndarray]]
    poses_mm: np.ndarray

    def box(self, camera, instant):
        """Left, top, right, bottom of the person's pixels."""
        rows, columns = np.nonzero(self.masks[camera][instant])
        return tuple(map(float, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)))


@dataclass(frozen=True, eq=False)
class Film:
    cameras: dict[str, Camera]
    clips: tuple[FilmedClip, ...]


def film_cameras():
    """Four cameras in the corners and one more, without lens distortion.

    As in Human3.6M (metadata.xml of https://github.com/anibali/h36m-fetch), the frames of the first and the last
    corner's camera are two pixels higher than wide.
    """
    config = PRESETS["tiny"]
    studio = Studio(config, {})
    heights = (SIDE_PX + 2, SIDE_PX, SIDE_PX, SIDE_PX + 2)
    cameras = {
        name: replace(studio.framed(name, (SIDE_PX, height)), distortion=np.zeros(5))
        for name, height in zip(studio.cameras, heights, strict=True)
    }
    focal = float(min(camera.intrinsics_px[0, 0] for camera in cameras.values()))
    middle, center = np.array([0.0, 0.0, 950.0]), np.array([studio.room.high_mm[0] - 200.0, 300.0, 1400.0])
    cameras["extra"] = Camera.look_at(center, middle, focal, (SIDE_PX, SIDE_PX))
    return cameras


def shoot_film(instants=6):
    config = PRESETS["tiny"]
    studio, cameras = Studio(config, {clip[0] for clip in CLIPS}), film_cameras()
    backdrops = {name: studio.backdrop(camera) for name, camera in cameras.items()}
    clips = []
    for clip in CLIPS:
        posture = studio.perform(*clip)
        frames, masks = ({name: [] for name in cameras} for _ in range(2))
        for instant in range(instants):
            scene = studio.scene(clip[0], posture, instant)
            for name, camera in cameras.items():
                light, mask = render_view(scene, backdrops[name], (0.0, 0.0, float(SIDE_PX)), camera.size_px)
                frames[name].append((255 * light.clip(0, 1)).astype(np.uint8))
                masks[name].append(mask)
        clips.append(FilmedClip(*clip, frames, masks, posture.joints_mm[:instants]))
    return Film(cameras, tuple(clips))
