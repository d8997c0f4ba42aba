"""Faults of MPI-INF-3DHP's own test set."""

import shutil

import h5py
import numpy as np

from tests.references.layouts.faults import fault, truncate

MPI_TEST = "mpi-inf-3dhp-test"
ANNOTATION = "TS6/annot_data.mat"


def edit(folder, name, change):
    with h5py.File(folder / ANNOTATION, "a") as file:
        values = change(file[name][()])
        del file[name]
        if values is not None:
            file[name] = values


@fault(MPI_TEST, "no TS1", "unpack mpi_inf_3dhp_test_set")
def no_sequence(folder):
    shutil.rmtree(folder / "TS1")
    shutil.rmtree(folder / "TS6")


@fault(MPI_TEST, ANNOTATION, "has no valid_frame", "it needs annot2, univ_annot3 and valid_frame; download it again")
def no_valid_frame(folder):
    edit(folder, "valid_frame", lambda values: None)


@fault(MPI_TEST, ANNOTATION, "univ_annot3: 28 joints, expected 17")
def wrong_joint_count(folder):
    edit(folder, "univ_annot3", lambda values: np.zeros((len(values), 1, 28, 3)))


@fault(MPI_TEST, ANNOTATION, "valid_frame (4,) are not of the same frames")
def other_number_of_frames(folder):
    edit(folder, "valid_frame", lambda values: values[:4])


@fault(MPI_TEST, ANNOTATION, "not a whole file of its kind", "again")
def truncated_annotation(folder):
    truncate(folder / ANNOTATION)


@fault(MPI_TEST, ANNOTATION, "not finite")
def nan_box(folder):
    edit(folder, "annot2", lambda values: values * np.nan)


@fault(MPI_TEST, ANNOTATION, "torso", "unit")
def metres(folder):
    edit(folder, "univ_annot3", lambda values: values / 1000)


@fault(MPI_TEST, "img_000003.jpg", "there is no such image")
def missing_image(folder):
    (folder / "TS6/imageSequence/img_000003.jpg").unlink()
