"""A lab's videos: four cameras started at different times, with different containers and frame rates.

``side`` runs at twice the rate and started 3 of its frames early, ``back`` is a folder of images that starts 2 frames
early, ``top`` stopped one frame later than the others.

Poses of the first clip are an npz file in metres with Y up, which is (x, y, z) -> (x, z, -y) of a world with Z up; the
joints are in reverse order. Those of the second are a TRC file in metres (Y up), of the third a C3D file in mm (Z up):
captured at twice the videos' rate, with a clock of their own, the pelvis and the head as the middle of two markers.
"""

import csv

import numpy as np
import simplejpeg

from mcss.skeleton import JOINTS
from tests.references.layouts.marker_files import write_c3d, write_trc
from tests.references.video_files import write_video

CAMERAS = {"front": "54138969", "side": "55011271", "back": "58860488", "top": "60457274"}
CLIPS = {
    ("Ann", "talk", 1): ("S1", "Directions", 1),
    ("Ann", "walk", 1): ("S1", "Walking", 2),
    ("Zoe", "talk", 1): ("S9", "Directions", 1),
}
FPS = 25
CAPTURE_FPS = 50
TRC_START_S, C3D_FIRST_FRAME = 1.5, 26
PAIRS = {"Pelvis": ("r.ASIS_study", "L.ASIS_study"), "HeadTop": ("RHEAD", "LHEAD")}
"""Joints between two markers."""


def write(film, folder):
    sync, boxes = [], []
    for (subject, name, _), source in CLIPS.items():
        clip = next(clip for clip in film.clips if (clip.subject, clip.action, clip.subaction) == source)
        write_clip(clip, folder / subject / name, f"{subject}/{name}", sync, boxes)
    poses_mm = {clip.subject + clip.action: clip.poses_mm for clip in film.clips}
    write_joints(folder / "Ann/talk/poses.npz", poses_mm["S1Directions"])
    names, points = captured_markers(poses_mm["S1Walking"])
    write_trc(folder / "Ann/walk/poses.trc", to_y_up(points) / 1000, names, CAPTURE_FPS, TRC_START_S, "m")
    names, points = captured_markers(poses_mm["S9Directions"])
    write_c3d(folder / "Zoe/talk/poses.c3d", points, names, CAPTURE_FPS, C3D_FIRST_FRAME, "mm")
    sync.append({"video": "Ann/walk/poses", "offset_s": TRC_START_S})
    sync.append({"video": "Zoe/talk/poses", "offset_frames": C3D_FIRST_FRAME - 1})
    write_table(folder / "sync.csv", sync)
    write_table(folder / "boxes.csv", boxes)
    write_table(
        folder / "markers.csv",
        [{"joint": joint, "marker": marker} for joint, pair in PAIRS.items() for marker in pair],
    )


def to_y_up(points):
    return points[..., [0, 2, 1]] * (1, 1, -1)


def write_joints(path, poses_mm):
    points, time_s = to_y_up(poses_mm[:, ::-1]) / 1000, np.arange(len(poses_mm)) / FPS
    np.savez(path, points=points, joints=list(reversed(JOINTS)), unit="m", up="y", time_s=time_s)


def captured_markers(poses_mm):
    """Names and points (frames, markers, 3), mm; between two of the film's instants lies a frame with another pose."""
    between = poses_mm + np.array([300, 0, 0])
    frames = np.stack([poses_mm, between], axis=1).reshape(-1, len(JOINTS), 3)
    markers, apart = {}, np.array([90, 0, 40])
    for joint, points in zip(JOINTS, frames.transpose(1, 0, 2), strict=True):
        if joint in PAIRS:
            markers |= dict(zip(PAIRS[joint], (points - apart, points + apart), strict=True))
        else:
            markers[joint] = points
    return list(markers), np.stack(list(markers.values()), axis=1)


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
