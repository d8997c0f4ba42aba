"""Faults of Human3.6M's videos with VideoPose3D's poses."""

import shutil

import numpy as np

from tests.references.layouts.faults import Foreign, fault, truncate

VIDEOPOSE3D, POSES = "h36m-videopose3d", "data_3d_h36m.npz"
WITH_IMAGES = "h36m-videopose3d with images"
IMAGES = "processed/S1/Directions-1/imageSequence"


def edit_positions(folder, change):
    positions = np.load(folder / POSES, allow_pickle=True)["positions_3d"].item()
    change(positions)
    np.savez(folder / POSES, positions_3d=positions)


@fault(VIDEOPOSE3D, POSES, "missing", "prepare_data_h36m.py")
def missing_poses(folder):
    (folder / POSES).unlink()


@fault(VIDEOPOSE3D, POSES, "not an npz file", "again")
def truncated_poses(folder):
    truncate(folder / POSES)


@fault(VIDEOPOSE3D, POSES, "faults.Foreign", "official source")
def foreign_pickle(folder):
    edit_positions(folder, lambda positions: positions.update(owner=Foreign()))


@fault(VIDEOPOSE3D, POSES, "no table of subjects")
def other_contents(folder):
    np.savez(folder / POSES, positions_3d=np.array([1, "S1"], dtype=object)[:1].reshape(()))


@fault(VIDEOPOSE3D, POSES, "17 joints, expected 32")
def wrong_joint_count(folder):
    edit_positions(folder, lambda positions: positions["S1"].update({"Directions 1": np.ones((6, 17, 3))}))


@fault(VIDEOPOSE3D, POSES, "torso", "unit")
def poses_in_millimetres(folder):
    edit_positions(folder, lambda positions: positions["S1"].update({"Directions 1": 900 * np.eye(32, 3)[None]}))


@fault(VIDEOPOSE3D, "S9/Videos", "unpack Videos_S9.tgz")
def missing_videos_archive(folder):
    shutil.rmtree(folder / "S9/Videos")


@fault(VIDEOPOSE3D, POSES, "has no poses of S1, 'Directions 1'", "exclude the clip")
def poses_of_other_subjects(folder):
    edit_positions(folder, lambda positions: positions.clear())


@fault(WITH_IMAGES, POSES, "no view of camera 58860488")
def an_image_less_of_a_camera(folder):
    (folder / IMAGES / "58860488/img_000003.jpg").unlink()


@fault(WITH_IMAGES, POSES, "has 6 poses of S1, Directions 1", IMAGES, "frame 8", "again")
def images_beyond_the_poses(folder):
    shutil.copy(folder / IMAGES / "58860488/img_000003.jpg", folder / IMAGES / "58860488/img_000009.jpg")


@fault(WITH_IMAGES, "metadata.xml", "missing", "h36m-fetch")
def missing_metadata(folder):
    (folder / "metadata.xml").unlink()


@fault(WITH_IMAGES, "processed", "process_all")
def nothing_processed(folder):
    for subject in ("S1", "S9"):
        shutil.rmtree(folder / "processed" / subject)
