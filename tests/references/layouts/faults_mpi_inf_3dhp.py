"""Faults of MPI-INF-3DHP."""

import shutil

import numpy as np
import scipy.io

from tests.references.layouts.faults import edit_text, fault, truncate
from tests.references.video_files import write_video

MPI = "mpi-inf-3dhp"
ANNOTATION, CALIBRATION = "S1/Seq1/annot.mat", "S1/Seq1/camera.calibration"
VIDEO = "S1/Seq1/imageSequence/video_4.avi"


def edit_poses(folder, change):
    cells = scipy.io.loadmat(folder / ANNOTATION)["annot3"]
    for camera in range(14):
        cells[camera, 0] = change(cells[camera, 0])
    scipy.io.savemat(folder / ANNOTATION, {"annot3": cells})


@fault(MPI, "no S1/Seq1", "download the training subjects")
def no_subjects(folder):
    shutil.rmtree(folder / "S1")
    shutil.rmtree(folder / "S8")


@fault(MPI, ANNOTATION, "missing", "download S1/Seq1 again")
def missing_annotation(folder):
    (folder / ANNOTATION).unlink()


@fault(MPI, "S8/Seq1/imageSequence", "missing", "download S8/Seq1 again")
def missing_videos(folder):
    shutil.rmtree(folder / "S8/Seq1/imageSequence")


@fault(MPI, ANNOTATION, "not a whole annotation", "again")
def truncated_annotation(folder):
    truncate(folder / ANNOTATION, 0.1)


@fault(MPI, ANNOTATION, "17 joints, expected 28")
def wrong_joint_count(folder):
    edit_poses(folder, lambda points: points[:, :51])


@fault(MPI, "S1/Seq1/1 frame 0", ANNOTATION, "not finite")
def nan_pose(folder):
    edit_poses(folder, lambda points: points * np.nan)


@fault(MPI, "S1/Seq1/1 frame 3", ANNOTATION, "torso", "unit")
def mixed_units(folder):
    edit_poses(folder, lambda points: np.where(np.arange(len(points))[:, None] < 3, points, points / 10))


@fault(MPI, CALIBRATION, "unreadable calibration", "again")
def truncated_calibration(folder):
    truncate(folder / CALIBRATION, 0.02)


@fault(MPI, CALIBRATION, "no rotation")
def unreadable_calibration(folder):
    lines = (folder / CALIBRATION).read_text().splitlines()
    lines[6] = "  extrinsic   " + " ".join(["1"] * 16)
    (folder / CALIBRATION).write_text("\n".join(lines))


@fault(MPI, CALIBRATION, "camera 0 has lens distortion")
def lens_distortion(folder):
    edit_text(folder / CALIBRATION, "radial      0", "radial      0.1")


@fault(MPI, VIDEO, "there is no such video", "again")
def absent_view(folder):
    (folder / VIDEO).unlink()


@fault(MPI, VIDEO, "cannot be opened as a video", "again")
def truncated_video(folder):
    truncate(folder / VIDEO, 0.4)


@fault(MPI, VIDEO, "2 frames for 6 poses", "vnect_cameras.zip again")
def video_that_ends_early(folder):
    write_video(folder / VIDEO, [np.zeros((32, 32, 3), np.uint8)] * 2, 25, codec="mpeg4")


@fault(f"{MPI} with images", "S1/Seq1/imageFrames", "camera 4 count from 0, those of camera 0, 2, 7, 8 do not")
def images_numbered_in_two_ways(folder):
    images = folder / "S1/Seq1/imageFrames/video_4"
    (images / "frame_000001.jpg").rename(images / "frame_000000.jpg")


@fault(f"{MPI} with images", "video_4: has no image such as frame_000001.jpg", "extract the frames again")
def images_named_otherwise(folder):
    for path in (folder / "S1/Seq1/imageFrames/video_4").iterdir():
        path.rename(path.with_name(path.name.replace("frame_", "img_")))


@fault(MPI, VIDEO, "cannot be opened as a video", "again")
def empty_clip(folder):
    truncate(folder / VIDEO, 0)
