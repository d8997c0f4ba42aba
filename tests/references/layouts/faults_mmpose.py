"""Faults of what mmpose's converters leave behind."""

import pickle
import shutil

import numpy as np

from tests.references.layouts.faults import Foreign, edit_npz, fault, truncate

H36M, MPI = "h36m-mmpose", "mpi-inf-3dhp-mmpose"
TRAIN, CAMERAS = "annotation_body3d/fps10/h36m_train.npz", "annotation_body3d/cameras.pkl"
MPI_TRAIN, MPI_CAMERAS = "annotations/mpi_inf_3dhp_train.npz", "annotations/cameras_train.pkl"


def edit_pickle(path, change):
    values = pickle.loads(path.read_bytes())
    change(values)
    path.write_bytes(pickle.dumps(values))


@fault(H36M, "annotation_body3d", "no fps10/h36m_train.npz", "converter again")
def missing_annotation(folder):
    (folder / "annotation_body3d/fps10").rename(folder / "elsewhere")


@fault(H36M, TRAIN, "not a whole annotation", "converter again")
def truncated_annotation(folder):
    truncate(folder / TRAIN)


@fault(H36M, TRAIN, "named otherwise than mmpose does")
def other_names(folder):
    edit_npz(folder / TRAIN, imgname=lambda names: np.char.replace(names, ".54138969", "-54138969"))


@fault(H36M, "metadata.xml", "missing", "h36m-fetch")
def missing_metadata(folder):
    (folder / "metadata.xml").unlink()


@fault(H36M, "metadata.xml", "no file S1 Directions_1", "the converter was given")
def metadata_with_other_names(folder):
    text = (folder / "metadata.xml").read_text()
    (folder / "metadata.xml").write_text(text.replace("Directions 1", "Directions 4"))


@fault(H36M, CAMERAS, "missing", "converter again")
def missing_cameras(folder):
    (folder / CAMERAS).unlink()


@fault(H36M, "images: missing", "converter again")
def missing_images(folder):
    shutil.rmtree(folder / "images")


@fault(H36M, CAMERAS, "faults.Foreign", "official source")
def foreign_pickle(folder):
    edit_pickle(folder / CAMERAS, lambda cameras: cameras.update(owner=Foreign()))


@fault(H36M, CAMERAS, "unreadable calibration", "'R'")
def unreadable_calibration(folder):
    edit_pickle(folder / CAMERAS, lambda cameras: cameras["S1", "54138969"].pop("R"))


@fault(H36M, TRAIN, "torso", "unit")
def poses_in_millimetres(folder):
    edit_npz(folder / TRAIN, S=lambda points: points * 1000)


@fault(H36M, TRAIN, "not finite")
def nan_pose(folder):
    edit_npz(folder / TRAIN, S=lambda points: points * np.nan)


@fault(H36M, TRAIN, "48 rows of imgname, 48 rows of center, 47 rows of scale", "converter again")
def column_that_is_too_short(folder):
    edit_npz(folder / TRAIN, scale=lambda values: values[:-1])


@fault(H36M, TRAIN, "S1/Directions/1 frame 0", "the cameras disagree about the pose (10 mm)", "calibration")
def camera_elsewhere(folder):
    edit_pickle(folder / CAMERAS, lambda cameras: cameras["S1", "58860488"]["T"].__iadd__([[0], [0], [0.01]]))


@fault(MPI, MPI_TRAIN, "the cameras disagree about the pose", "calibration")
def rotation_the_other_way_round(folder):
    def transpose(cameras):
        cameras["S1_Seq1_Cam4"]["R"] = cameras["S1_Seq1_Cam4"]["R"].T

    edit_pickle(folder / MPI_CAMERAS, transpose)


@fault(H36M, TRAIN, "two views of one camera")
def duplicate_ids(folder):
    edit_npz(folder / TRAIN, imgname=lambda names: np.where(np.arange(len(names)) == 1, names[0], names))


@fault(MPI, MPI_TRAIN, "missing", "converter again")
def missing_annotation_of_mpi_inf_3dhp(folder):
    (folder / MPI_TRAIN).unlink()


@fault(MPI, "images: missing", "converter again")
def missing_images_of_mpi_inf_3dhp(folder):
    shutil.rmtree(folder / "images")


@fault(MPI, MPI_CAMERAS, "has no camera S1_Seq2_Cam0", "converter again")
def camera_of_no_sequence(folder):
    def drop(cameras):
        for number in (0, 2, 4, 7, 8):
            cameras.pop(f"S1_Seq2_Cam{number}")

    edit_pickle(folder / MPI_CAMERAS, drop)


@fault(MPI, MPI_TRAIN, "no view of camera 8", "--cameras")
def absent_view(folder):
    edit_npz(folder / MPI_TRAIN, imgname=lambda names: np.char.replace(names, "S1_Seq1_Cam8", "S1_Seq1_Cam9"))


@fault(MPI, MPI_TRAIN, "14 joints, expected 17")
def wrong_joint_count(folder):
    edit_npz(folder / MPI_TRAIN, S=lambda points: points[:, :14])


@fault(MPI, MPI_CAMERAS, "damaged", "official source")
def truncated_cameras(folder):
    truncate(folder / MPI_CAMERAS)


@fault(MPI, "S1_Seq1_Cam0_000001.jpg", "not a whole image", "again")
def truncated_image(folder):
    truncate(folder / "images/S1_Seq1_Cam0_000001.jpg")
