"""Whole camera frames of a clip, as a film would show them: input for importers and for looking at."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_modules.sources.studio.clips import Studio
from data_modules.sources.studio.config import StudioConfig
from data_modules.sources.studio.sensors import encode

POSES_FILE, CAMERA_FILE = "poses_world_mm.npy", "camera.json"


def render_frames(
    config: StudioConfig,
    subject: str,
    action: str,
    subaction: int,
    camera: str,
    size_px: tuple[int, int],
    folder: Path,
    instants: Sequence[int] | None = None,
) -> list[Path]:
    """Write frames of one camera at ``size_px`` (width, height), landscape or portrait; return their paths.

    ``instants`` chooses among the clip's, by default all.

    The files are named after their source frame. ``poses_world_mm.npy`` (frames, 17, 3; world, joint set h36m17) and
    ``camera.json`` (the camera with this frame size) lie beside them.

    Raises:
        ValueError: the configuration has no such clip or camera.
    """
    if (subject, action, subaction) not in config.clips:
        raise ValueError(f"{config.name} has no clip {subject} {action} {subaction}")
    studio = Studio(config, [subject])
    if camera not in studio.cameras:
        raise ValueError(f"{config.name} has no camera {camera}: use one of {', '.join(studio.cameras)}")
    chosen = list(range(config.instants_of(subject)) if instants is None else instants)
    posture = studio.perform(subject, action, subaction)
    framed, things = studio.framed(camera, size_px), studio.things((subject, action, subaction), posture)
    backdrop = studio.backdrop(framed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for instant in chosen:
        noise = studio.noise(camera, subject, action, subaction, instant)
        image = studio.frame(camera, backdrop, [studio.scene(subject, posture, instant, things)], noise)
        paths.append(folder / f"{instant * config.frame_step:06d}.jpg")
        paths[-1].write_bytes(encode(image, studio.sensors[camera].jpeg_quality))
    np.save(folder / POSES_FILE, posture.joints_mm[chosen].astype(np.float32))
    (folder / CAMERA_FILE).write_text(json.dumps(framed.to_dict(), indent=2) + "\n")
    return paths
