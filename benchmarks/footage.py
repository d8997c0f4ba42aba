"""Whole frames of the studio's people, filmed by all cameras at the same instants, with true poses and boxes."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float64

from data_modules.sources.studio.clips import ClipName, Studio
from data_modules.sources.studio.config import PRESETS

FPS = 25
SIDE_PX = 480
FOUND, BOXED = "found", "boxed"
"""Folders with the same videos: in the first the person is to be found, the second has boxes.csv."""


@dataclass(frozen=True, eq=False)
class FilmedClip:
    """Videos of one clip.

    Attributes:
        found, boxed: folder of the clip without and with boxes.
        pose_world: of each frame, mm, Z up.
    """

    name: str
    found: Path
    boxed: Path
    pose_world: Float64[np.ndarray, "frames 17 3"]


def film(folder: Path, clips: Sequence[ClipName], frames: int) -> list[FilmedClip]:
    """Film clips of the preset ``studio`` into ``folder``; those that are there are not filmed again."""
    config = PRESETS["studio"]
    config = replace(config, frame_step=round(config.fps / FPS), instants=frames)
    filmed = []
    for clip in clips:
        place = Path(clip[0]) / f"{clip[1]}-{clip[2]}"
        truth = folder / "truth" / f"{clip[0]}_{place.name}.npz"
        if not truth.exists():
            boxes, poses = _film_clip(Studio(config, [clip[0]]), clip, folder / FOUND / place)
            _link(folder / FOUND / place, folder / BOXED / place)
            truth.parent.mkdir(parents=True, exist_ok=True)
            np.savez(truth, pose_world=poses, boxes=np.array(boxes))
        with np.load(truth) as content:
            filmed.append(FilmedClip(str(place), folder / FOUND / place, folder / BOXED / place, content["pose_world"]))
    rows = [row for clip in sorted((folder / "truth").glob("*.npz")) for row in np.load(clip)["boxes"].tolist()]
    with (folder / BOXED / "boxes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("video", "frame", "left", "top", "width", "height"), *rows])
    return filmed


def _film_clip(
    studio: Studio, clip: ClipName, folder: Path
) -> tuple[list[tuple[str, ...]], Float64[np.ndarray, "frames 17 3"]]:
    """Write the videos; return the rows of boxes.csv, around the whole body as in the studio's crops, and the poses."""
    posture = studio.perform(*clip)
    things, boxes = studio.things(clip, posture), []
    folder.mkdir(parents=True, exist_ok=True)
    for name in studio.cameras:
        camera = studio.framed(name, (SIDE_PX, SIDE_PX))
        backdrop = studio.backdrop(camera)
        with av.open(str(folder / f"{name}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=Fraction(FPS))
            stream.width = stream.height = SIDE_PX
            stream.pix_fmt, stream.options = "yuv420p", {"crf": "18", "preset": "veryfast"}
            for frame in range(len(posture.joints_mm)):
                scene = studio.scene(clip[0], posture, frame, things)
                image = studio.frame(name, backdrop, [scene], studio.noise(name, clip[0], frame))
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
                points = camera.project(posture.vertices_mm[frame])
                low, size = points.min(axis=0), np.ptp(points, axis=0)
                video = f"{folder.parent.name}/{folder.name}/{name}"
                boxes.append((video, str(frame), *(f"{value:.2f}" for value in (*low, *size))))
            container.mux(stream.encode())
    return boxes, posture.joints_mm


def _link(videos: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for video in videos.iterdir():
        (into / video.name).unlink(missing_ok=True)
        os.link(video, into / video.name)
