"""Faults of a lab's own videos."""

import shutil

import numpy as np

from tests.references.layouts.faults import Foreign, edit_npz, edit_text, fault, truncate

VIDEOS = "videos"
CLIP = "Ann/talk"


@fault(VIDEOS, "<subject>/<clip>/<camera>.mp4", "arrange the videos so")
def no_videos(folder):
    for subject in ("Ann", "Zoe"):
        shutil.rmtree(folder / subject)


@fault(VIDEOS, f"{CLIP}/front.mp4", "cannot be opened as a video", "again")
def truncated_video(folder):
    truncate(folder / CLIP / "front.mp4")


@fault(VIDEOS, f"{CLIP}/top.mov", "cannot be opened as a video", "again")
def empty_video(folder):
    truncate(folder / CLIP / "top.mov", 0)


@fault(VIDEOS, CLIP, "needs two or more cameras")
def one_camera(folder):
    (folder / CLIP / "front.mp4").unlink()
    (folder / CLIP / "top.mov").unlink()
    shutil.rmtree(folder / CLIP / "back")
    _drop_rows(folder, f"{CLIP}/front", f"{CLIP}/top", f"{CLIP}/back")


@fault(VIDEOS, CLIP, "different names")
def two_videos_of_one_camera(folder):
    shutil.copy(folder / CLIP / "front.mp4", folder / CLIP / "front.mkv")


@fault(VIDEOS, "sync.csv", "no video Ann/talk/bottom", "write <subject>/<clip>/<camera>")
def unknown_video_in_sync(folder):
    edit_text(folder / "sync.csv", "Ann/talk/back", "Ann/talk/bottom")


@fault(VIDEOS, "sync.csv", "'soon'", "write a number")
def offset_that_is_no_number(folder):
    edit_text(folder / "sync.csv", "0.06", "soon")


@fault(VIDEOS, CLIP, "no time in common", "sync.csv")
def offset_beyond_the_video(folder):
    edit_text(folder / "sync.csv", "0.06", "60")


@fault(VIDEOS, f"{CLIP}/back", "no frame rate", "sync.csv")
def images_without_frame_rate(folder):
    edit_text(folder / "sync.csv", "25", "")


@fault(VIDEOS, "boxes.csv", "no column top")
def boxes_without_a_column(folder):
    edit_text(folder / "boxes.csv", "top", "upper")


@fault(VIDEOS, "boxes.csv", "Ann/talk/back is no box", "write numbers")
def box_that_is_no_number(folder):
    edit_text(folder / "boxes.csv", "Ann/talk/back,", "Ann/talk/back,wide")


@fault(VIDEOS, CLIP, "no view of camera top")
def a_frame_without_box(folder):
    lines = (folder / "boxes.csv").read_text().splitlines(keepends=True)
    rows = [number for number, line in enumerate(lines) if "Ann/talk/top" in line]
    (folder / "boxes.csv").write_text("".join(lines[: rows[2]] + lines[rows[2] + 1 :]))


@fault(VIDEOS, f"{CLIP}/back/0003.jpg", "not a whole image")
def truncated_image(folder):
    truncate(folder / CLIP / "back/0003.jpg")


@fault(VIDEOS, f"{CLIP}/poses.npz", "not in list", "points, joints, unit")
def poses_without_a_joint(folder):
    edit_npz(folder / CLIP / "poses.npz", joints=lambda joints: np.char.replace(joints, "Spine", "Tail"))


@fault(VIDEOS, f"{CLIP}/poses.npz", "unit 'inch'", "must be mm or m")
def poses_in_an_unknown_unit(folder):
    edit_npz(folder / CLIP / "poses.npz", unit=lambda _: "inch")


@fault(VIDEOS, CLIP, "torso", "unit")
def poses_in_another_unit_than_they_say(folder):
    edit_npz(folder / CLIP / "poses.npz", unit=lambda _: "mm")


@fault(VIDEOS, f"{CLIP}", "not finite")
def nan_pose(folder):
    edit_npz(folder / CLIP / "poses.npz", points=lambda points: np.where(np.arange(3) == 1, np.nan, points))


@fault(VIDEOS, f"{CLIP}/poses.npz", "Object arrays cannot be loaded", "points, joints, unit")
def foreign_pickle(folder):
    edit_npz(folder / CLIP / "poses.npz", joints=lambda _: np.array([Foreign()], dtype=object))


@fault(VIDEOS, f"{CLIP}/poses.npz", "points, joints, unit")
def truncated_poses(folder):
    truncate(folder / CLIP / "poses.npz")


def _drop_rows(folder, *videos):
    for name in ("sync.csv", "boxes.csv"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(line for line in lines if not any(video in line for video in videos)))
