"""Faults of a lab's own videos."""

import shutil

import numpy as np

from tests.references.layouts.faults import Foreign, edit_npz, edit_text, fault, truncate

VIDEOS = "videos"
CLIP = "Ann/talk"
TRC, C3D = "Ann/walk/poses.trc", "Zoe/talk/poses.c3d"


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


@fault(VIDEOS, f"{CLIP}/back", "first.jpg: has no number in its name", "number the images")
def image_without_number(folder):
    (folder / CLIP / "back/0007.jpg").rename(folder / CLIP / "back/first.jpg")


@fault(VIDEOS, "boxes.csv", "no column top")
def boxes_without_a_column(folder):
    edit_text(folder / "boxes.csv", "top", "upper")


@fault(VIDEOS, "boxes.csv", "Ann/talk/back is no box", "write numbers")
def box_that_is_no_number(folder):
    edit_text(folder / "boxes.csv", "Ann/talk/back,", "Ann/talk/back,wide")


@fault(VIDEOS, CLIP, "the box (side 110000) is much larger than the image", "repair")
def mistyped_box(folder):
    rows = (folder / "boxes.csv").read_text().splitlines()
    columns = rows[0].split(",")
    number = next(number for number, row in enumerate(rows) if "Ann/talk/front" in row and row.startswith("2,"))
    values = rows[number].split(",")
    values[columns.index("width")] = "100000"
    rows[number] = ",".join(values)
    (folder / "boxes.csv").write_text("\n".join(rows))


@fault(VIDEOS, CLIP, "no box of the person for camera top")
def a_frame_without_box(folder):
    lines = (folder / "boxes.csv").read_text().splitlines(keepends=True)
    rows = [number for number, line in enumerate(lines) if "Ann/talk/top" in line]
    (folder / "boxes.csv").write_text("".join(lines[: rows[2]] + lines[rows[2] + 1 :]))


@fault(VIDEOS, f"{CLIP}/back/0003.jpg", "not a whole image")
def truncated_image(folder):
    truncate(folder / CLIP / "back/0003.jpg")


@fault(VIDEOS, f"{CLIP}/poses.npz", "nothing for Spine", "markers.csv")
def poses_without_a_joint(folder):
    edit_npz(folder / CLIP / "poses.npz", joints=lambda joints: np.char.replace(joints, "Spine", "Tail"))


@fault(VIDEOS, f"{CLIP}/poses.npz", "unit 'inch'", "must be mm, cm or m")
def poses_in_an_unknown_unit(folder):
    edit_npz(folder / CLIP / "poses.npz", unit=lambda _: "inch")


@fault(VIDEOS, CLIP, "torso", "unit")
def poses_in_another_unit_than_they_say(folder):
    edit_npz(folder / CLIP / "poses.npz", unit=lambda _: "mm")


@fault(VIDEOS, f"{CLIP}/poses.npz", "no frame has pelvis and both hips", "fill the gaps")
def nan_pose(folder):
    edit_npz(folder / CLIP / "poses.npz", points=lambda points: np.where(np.arange(3) == 1, np.nan, points))


@fault(VIDEOS, f"{CLIP}/poses.npz", "objects", "points, joints, unit")
def foreign_pickle(folder):
    edit_npz(folder / CLIP / "poses.npz", joints=lambda _: np.array([Foreign()], dtype=object))


@fault(VIDEOS, f"{CLIP}/poses.npz", "points, joints, unit")
def truncated_poses(folder):
    truncate(folder / CLIP / "poses.npz")


@fault(VIDEOS, CLIP, "has poses.npz and poses.trc", "keep one")
def two_files_of_poses(folder):
    shutil.copy(folder / TRC, folder / CLIP / "poses.trc")


@fault(VIDEOS, TRC, "not a whole TRC file", "frames, its header says 12", "export it again")
def truncated_trc(folder):
    truncate(folder / TRC)


@fault(VIDEOS, TRC, "not a whole TRC file", "export it again")
def trc_of_something_else(folder):
    (folder / TRC).write_bytes(bytes(range(256)))


@fault(VIDEOS, TRC, "nothing for RKnee", "markers.csv")
def trc_without_a_joint(folder):
    edit_text(folder / TRC, "RKnee", "r_knee_study")


@fault(VIDEOS, TRC, "unit 'inch'", "must be mm, cm or m")
def trc_in_an_unknown_unit(folder):
    edit_text(folder / TRC, "\tm\t", "\tinch\t")


@fault(VIDEOS, "Ann/walk", "torso", "unit")
def trc_in_another_unit_than_it_says(folder):
    edit_text(folder / TRC, "\tm\t", "\tmm\t")


@fault(VIDEOS, TRC, "no frame has pelvis and both hips", "RHip", "fill the gaps")
def marker_that_is_never_seen(folder):
    lines = (folder / TRC).read_text().splitlines()
    first = 2 + 3 * [name for name in lines[3].split("\t")[2:] if name].index("RHip")
    rows = [line.split("\t") for line in lines[6:]]
    for row in rows:
        row[first : first + 3] = ["", "", ""]
    (folder / TRC).write_text("\n".join([*lines[:6], *("\t".join(row) for row in rows)]))


@fault(VIDEOS, C3D, "not a whole C3D file", "12 frames", "export it again")
def truncated_c3d(folder):
    truncate(folder / C3D, 0.6)


@fault(VIDEOS, C3D, "not a whole C3D file", "valid c3d file", "export it again")
def c3d_of_something_else(folder):
    (folder / C3D).write_text("Dear colleague,\n" * 99)


@fault(VIDEOS, C3D, "with y up the person does not stand", "column up of sync.csv")
def c3d_that_says_another_axis(folder):
    content = (folder / C3D).read_bytes()
    assert content.count(b"+Z") == 1
    (folder / C3D).write_bytes(content.replace(b"+Z", b"+Y"))


@fault(VIDEOS, "markers.csv", "no joint 'Hips'", "Pelvis")
def markers_of_an_unknown_joint(folder):
    edit_text(folder / "markers.csv", "Pelvis", "Hips")


@fault(VIDEOS, "markers.csv", "no column marker")
def markers_without_a_column(folder):
    edit_text(folder / "markers.csv", "marker", "label")


def _drop_rows(folder, *videos):
    for name in ("sync.csv", "boxes.csv"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(line for line in lines if not any(video in line for video in videos)))
