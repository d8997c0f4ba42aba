"""MPI-INF-3DHP: its own test set, the images that are extracted from its videos, and videos that are short."""

import numpy as np
import pytest

from data_modules.cli import main
from data_modules.sources.mpi_inf_3dhp.recordings import read_recordings
from data_modules.store import open_store
from data_modules.training.datamodule import MultiviewPoseDataModule
from tests.references.layouts import mpi_inf_3dhp_test


def imported(layout, source, out, *more):
    main(["import", layout, "--source", str(source), "--out", str(out), "--size", "48", "--workers", "1", *more])
    return open_store(out)


@pytest.mark.parametrize(("layout", "scale"), [("mpi-inf-3dhp-test", 1.1), ("mpi-inf-3dhp-test-metric", 1.0)])
def test_the_test_set_has_one_view_and_says_which_poses_it_holds(layout, scale, sources, film, tmp_path):
    store = imported(layout, sources("mpi-inf-3dhp-test"), tmp_path / "store", "--strict")
    names = {1.1: "universal poses univ_annot3", 1.0: "metric poses annot3"}
    assert names[scale] in store.meta.source
    assert (store.meta.subjects_train, store.meta.subjects_test) == ((), ("TS1", "TS6"))
    assert store.frame.tolist() == [0, 1, 3, 4, 5, 0, 1, 2, 3, 4, 5]
    (left_out,) = store.meta.excluded
    assert left_out["sequence"] == "TS1/Test/1"
    assert "1 of 6 frames are not valid" in left_out["reason"]
    camera = film.cameras[mpi_inf_3dhp_test.CAMERA]
    for row in range(len(store)):
        name = mpi_inf_3dhp_test.CLIPS[str(store.subject[row]), "Test", 1]
        clip = next(clip for clip in film.clips if (clip.subject, clip.action, clip.subaction) == name)
        pose_mm = clip.poses_mm[store.frame[row]]
        right, down, forward = scale * (pose_mm @ camera.rot_world_to_cam.T + camera.trans_mm).T
        np.testing.assert_allclose(store.pose_world[row], np.stack([right, forward, -down], axis=1), atol=0.1)
        joints_px = camera.project(pose_mm)
        low, high = joints_px.min(axis=0), joints_px.max(axis=0)
        side = 1.3 * (high - low).max()
        np.testing.assert_allclose(store.box[row], [*((low + high - side) / 2), side], atol=0.01)


def test_missing_images_of_the_test_set_are_one_line(copied_source, tmp_path):
    source = copied_source("mpi-inf-3dhp-test")
    for number in (1, 4):
        (source / f"TS6/imageSequence/img_{number:06d}.jpg").unlink()
    store = imported("mpi-inf-3dhp-test", source, tmp_path / "store")
    assert len(store) == 5 + 4
    (reason,) = [item["reason"] for item in store.meta.excluded if item["sequence"] == "TS6/Test/1"]
    assert reason.startswith("2 skipped, the first: ")
    assert "img_000001.jpg: there is no such image" in reason


def test_the_test_set_is_a_store_for_the_test_beside_another_for_training(sources, store_path, tmp_path):
    store = imported("mpi-inf-3dhp-test", sources("mpi-inf-3dhp-test"), tmp_path / "store")
    data = MultiviewPoseDataModule(str(store_path), image_size_px=32, test_store=str(store.path))
    data.setup("test")
    (batch,) = data.test_dataloader()
    assert batch.row.tolist() == list(range(11))
    np.testing.assert_allclose(batch.pose_world, store.pose_world)
    data.setup("fit")  # pairs and labels are of the other store
    assert set(data.multiview_store.subject[data.rows_train]) == set(data.multiview_store.meta.subjects_train)


@pytest.mark.parametrize("first", [0, 1])
def test_extracted_images_are_matched_with_poses_from_number_1_or_from_0(first, copied_source):
    folder = copied_source("mpi-inf-3dhp with images") / "S1/Seq1"
    if first == 0:
        for path in sorted((folder / "imageFrames").glob("*/*")):
            path.rename(path.with_name(f"frame_{int(path.stem[6:]) - 1:06d}.jpg"))
    (folder / f"imageFrames/video_2/frame_{first + 1:06d}.jpg").unlink()
    recordings = read_recordings(folder, ("0", "2"))
    assert list(recordings["0"]) == [0, 1, 2, 3, 4, 5]
    assert list(recordings["2"]) == [0, 2, 3, 4, 5]
    assert recordings["2"][4].name == f"frame_{first + 4:06d}.jpg"


def test_a_missing_extracted_image_costs_its_instant(copied_source, tmp_path):
    source = copied_source("mpi-inf-3dhp with images")
    (source / "S1/Seq1/imageFrames/video_4/frame_000003.jpg").unlink()
    store = imported("mpi-inf-3dhp", source, tmp_path / "store", "--step", "1", "--subjects", "S1")
    assert sorted(set(store.frame[store.action == "Seq1"])) == [0, 1, 3, 4, 5]
    (left_out,) = store.meta.excluded
    assert left_out["reason"].startswith("1 skipped: ")
    assert "no view of camera 4" in left_out["reason"]


def test_a_camera_with_few_extracted_images_cuts_the_clip(copied_source, tmp_path):
    source = copied_source("mpi-inf-3dhp with images")
    images = source / "S1/Seq1/imageFrames/video_2"
    for number in (4, 5, 6):
        (images / f"frame_{number:06d}.jpg").unlink()
    store = imported("mpi-inf-3dhp", source, tmp_path / "store", "--step", "1", "--subjects", "S1")
    assert sorted(set(store.frame[store.action == "Seq1"])) == [0, 1, 2]
    assert sorted(set(store.frame[store.action == "Seq2"])) == [0, 1, 2, 3, 4, 5]
    (left_out,) = store.meta.excluded
    assert left_out["reason"].startswith(f"{images}: has 3 frames for 6 poses, the clip is cut to the shortest")
