"""Faults of h36m-fetch's files and of the labels that are used with them."""

import shutil

import h5py
import numpy as np

from tests.references.layouts.faults import Foreign, fault, truncate
from tests.references.layouts.h36m_karfly import LABELS

FETCH, KARFLY = "h36m-fetch", "h36m-karfly"
FETCH_WITH_WORLD = "h36m-fetch with world poses"
CLIP = "processed/S1/Directions-1"
IMAGE = f"{CLIP}/imageSequence/58860488/img_000003.jpg"


def edit_annotation(folder, key, change):
    with h5py.File(folder / CLIP / "annot.h5", "a") as file:
        values = change(np.array(file[key]))
        del file[key]
        file[key] = values


def edit_labels(folder, change):
    labels = np.load(folder / LABELS, allow_pickle=True).item()
    change(labels)
    np.save(folder / LABELS, labels)


@fault(FETCH, "processed", "process_all")
def nothing_processed(folder):
    shutil.rmtree(folder / "processed")


@fault(FETCH, f"{CLIP}/annot.h5", "missing", "process_all again")
def missing_annotation(folder):
    (folder / CLIP / "annot.h5").unlink()


@fault(FETCH, f"{CLIP}/annot.h5", "not a whole file of its kind", "again")
def truncated_annotation(folder):
    truncate(folder / CLIP / "annot.h5")


@fault(FETCH, "metadata.xml", "missing", "h36m-fetch")
def missing_metadata(folder):
    (folder / "metadata.xml").unlink()


@fault(FETCH, f"{CLIP}/annot.h5", "17 joints, expected 32")
def wrong_joint_count(folder):
    edit_annotation(folder, "pose/3d", lambda points: points[:, :17])


@fault(FETCH, "S1/Directions/1 frame 0", "not finite")
def nan_pose(folder):
    edit_annotation(folder, "pose/3d", lambda points: points * np.nan)


@fault(FETCH, f"{CLIP}/annot.h5", "the cameras disagree about the pose (10 mm)", "calibration")
def poses_of_one_camera_elsewhere(folder):
    edit_annotation(folder, "pose/3d", lambda points: points + 10 * np.eye(len(points))[6][:, None, None] * [0, 1, 0])


@fault(FETCH, f"{CLIP}/annot.h5", "no view of camera 60457274")
def absent_view(folder):
    edit_annotation(folder, "frame", lambda frames: np.where(np.arange(len(frames)) == 20, 99, frames))


@fault(FETCH, f"{CLIP}/annot.h5", "two views of one camera")
def duplicate_ids(folder):
    edit_annotation(folder, "frame", lambda frames: np.where(frames == 2, 1, frames))


@fault(FETCH, IMAGE, "there is no such image", "again")
def missing_image(folder):
    (folder / IMAGE).unlink()


@fault(FETCH_WITH_WORLD, "metadata.xml", "missing", "unpack Poses_D3_Positions_S1.tgz")
def neither_metadata_nor_world_poses(folder):
    shutil.rmtree(folder / "S1/MyPoseFeatures")


@fault(FETCH_WITH_WORLD, "S1/MyPoseFeatures/D3_Positions", "no file of Directions has the poses", "again")
def world_poses_of_other_takes(folder):
    (folder / "S1/MyPoseFeatures/D3_Positions/Directions 1.cdf").unlink()


@fault(FETCH_WITH_WORLD, "Directions 1.cdf", "not a whole CDF file", "again")
def truncated_world_poses(folder):
    truncate(folder / "S1/MyPoseFeatures/D3_Positions/Directions 1.cdf")


@fault(FETCH_WITH_WORLD, f"{CLIP}/annot.h5", "no intrinsics/55011271", "process_all again")
def annotation_without_intrinsics(folder):
    with h5py.File(folder / CLIP / "annot.h5", "a") as file:
        del file["intrinsics/55011271"]


@fault(KARFLY, "extra", "0 files human36m-multiview-labels", "put one")
def missing_labels(folder):
    (folder / LABELS).unlink()


@fault(KARFLY, LABELS, "damaged or more than arrays", "official source")
def truncated_labels(folder):
    truncate(folder / LABELS)


@fault(KARFLY, LABELS, "faults.Foreign", "official source")
def foreign_pickle(folder):
    edit_labels(folder, lambda labels: labels.update(owner=Foreign()))


@fault(KARFLY, LABELS, "not the labels", "no column keypoints")
def table_without_a_column(folder):
    def drop(labels):
        labels["table"] = labels["table"][["subject_idx", "action_idx", "frame_idx", "bbox_by_camera_tlbr"]]

    edit_labels(folder, drop)


@fault(KARFLY, LABELS, "unknown action 'Dancing-1'")
def unknown_action(folder):
    edit_labels(folder, lambda labels: labels["action_names"].__setitem__(0, "Dancing-1"))


@fault(KARFLY, LABELS, "no view of camera 55011271")
def absent_view_in_the_labels(folder):
    def blank(labels):
        labels["table"]["bbox_by_camera_tlbr"][2, 1] = 0

    edit_labels(folder, blank)


@fault(KARFLY, LABELS, "twice or out of order")
def duplicate_rows(folder):
    def repeat(labels):
        labels["table"]["frame_idx"][3] = 2

    edit_labels(folder, repeat)


@fault(KARFLY, LABELS, "torso", "unit")
def labels_in_metres(folder):
    def to_metres(labels):
        labels["table"]["keypoints"] /= 1000

    edit_labels(folder, to_metres)


@fault(KARFLY, IMAGE, "not a whole image", "again")
def truncated_image(folder):
    truncate(folder / IMAGE)
