"""A lab's videos: four cameras started at different times, with different containers and frame rates.

``side`` runs at twice the rate and started 3 of its frames early, ``back`` is a folder of images that starts 2 frames
early, ``top`` stopped one frame later than the others. Poses are in metres with Y up, which is
(x, y, z) -> (x, z, -y) of a world with Z up; the joints are in reverse order.
"""

import csv

import numpy as np
import simplejpeg

from mcss.skeleton import JOINTS
from tests.references.video_files import write_video

CAMERAS = {"front": "54138969", "side": "55011271", "back": "58860488", "top": "60457274"}
CLIPS = {
    ("Ann", "talk", 1): ("S1", "Directions", 1),
    ("Ann", "walk", 1): ("S1", "Walking", 2),
    ("Zoe", "talk", 1): ("S9", "Directions", 1),
}
FPS = 25


def write(film, folder):
    sync, boxes = [], []
    for (subject, name, _), source in CLIPS.items():
        clip = next(clip for clip in film.clips if (clip.subject, clip.action, clip.subaction) == source)
        write_clip(clip, folder / subject / name, f"{subject}/{name}", sync, boxes)
        points = clip.poses_mm[:, ::-1, [0, 2, 1]] * (1, 1, -1) / 1000
        np.savez(
            folder / subject / name / "poses.npz",
            points=points, joints=list(reversed(JOINTS)), unit="m", up="y", time_s=np.arange(len(points)) / FPS,
        )  # fmt: skip
    write_table(folder / "sync.csv", sync)
    write_table(folder / "boxes.csv", boxes)


def write_clip(clip, folder, name, sync, boxes):
    for camera, source in CAMERAS.items():
        video, frames = f"{name}/{camera}", clip.frames[source]
        shown = {
            "front": list(range(len(frames))),
            "side": [0, 0, 0, *np.repeat(range(len(frames)), 2)],
            "back": [1, 1, *range(len(frames))],
            "top": [*range(len(frames)), 0],
        }[camera]
        if camera == "back":
            (folder / camera).mkdir(parents=True)
            for number, instant in enumerate(shown):
                jpeg = simplejpeg.encode_jpeg(frames[instant], quality=95)
                (folder / camera / f"{number:04d}.jpg").write_bytes(jpeg)
            sync.append({"video": video, "offset_frames": 2, "fps": FPS})
        else:
            suffix = ".mov" if camera == "top" else ".mp4"
            rate = 2 * FPS if camera == "side" else FPS
            write_video(folder / f"{camera}{suffix}", [frames[instant] for instant in shown], rate)
        if camera == "side":
            sync.append({"video": video, "offset_s": 3 / (2 * FPS)})
        for number, instant in enumerate(shown):
            left, top, right, bottom = clip.box(source, instant)
            box = {"left": left, "top": top, "width": right - left, "height": bottom - top}
            boxes.append({"video": video, "frame": number, **box})


def write_table(path, rows):
    columns = sorted({column for row in rows for column in row})
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
