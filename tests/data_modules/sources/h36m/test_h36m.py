"""What all layouts of Human3.6M share: names, cameras, joints."""

import shutil

import cv2
import numpy as np
import pytest

from data_modules.cli import main
from data_modules.sources.doctor import diagnose
from data_modules.sources.h36m.metadata import read_metadata
from data_modules.sources.h36m.names import ACTIONS, OF_32_JOINTS
from data_modules.store import open_store
from mcss.skeleton import JOINTS
from tests.references.film import Film, film_cameras
from tests.references.layouts import h36m_original


def test_there_are_fifteen_actions_of_which_sitting_down_is_one():
    assert list(ACTIONS) == list(range(2, 17))
    assert (ACTIONS[9], ACTIONS[10], ACTIONS[12]) == ("Sitting", "SittingDown", "TakingPhoto")


def test_the_right_leg_comes_before_the_left_and_the_left_arm_before_the_right():
    """Names of the 32 joints by https://github.com/una-dinosauria/3d-pose-baseline (src/data_utils.py)."""
    names = {0: "Hip", 1: "RHip", 2: "RKnee", 3: "RFoot", 6: "LHip", 7: "LKnee", 8: "LFoot", 12: "Spine"}
    names |= {13: "Thorax", 14: "Neck/Nose", 15: "Head", 17: "LShoulder", 18: "LElbow", 19: "LWrist"}
    names |= {25: "RShoulder", 26: "RElbow", 27: "RWrist"}
    assert tuple(names) == OF_32_JOINTS
    other = {"Hip": "Pelvis", "RFoot": "RAnkle", "LFoot": "LAnkle", "Neck/Nose": "Neck", "Head": "HeadTop"}
    assert tuple(other.get(name, name) for name in names.values()) == JOINTS


@pytest.fixture(scope="module")
def bent_cameras():
    """With Human3.6M's strong lens distortion, all terms different."""
    bent = film_cameras()
    return {
        name: type(camera)(
            camera.rot_world_to_cam, camera.trans_mm, camera.intrinsics_px,
            np.array([-0.2, 0.25, -0.0009 - 0.001 * number, 0.0015, -0.008]), camera.size_px,
        )
        for number, (name, camera) in enumerate(bent.items())
    }  # fmt: skip


def test_cameras_of_the_metadata_bend_as_opencv_says(bent_cameras, tmp_path):
    h36m_original.write_metadata(Film(bent_cameras, ()), tmp_path / "metadata.xml")
    points = np.random.default_rng(0).uniform((-800, -800, 100), (800, 800, 1700), (50, 3))
    for (subject, name), camera in read_metadata(tmp_path / "metadata.xml").cameras.items():
        true = bent_cameras[name]
        expected, _ = cv2.projectPoints(
            points, cv2.Rodrigues(true.rot_world_to_cam)[0], true.trans_mm, true.intrinsics_px, true.distortion
        )
        np.testing.assert_allclose(camera.project(points), expected[:, 0], atol=0.01, err_msg=f"{subject} {name}")


def test_names_of_files_are_those_of_the_table(film, tmp_path):
    h36m_original.write_metadata(film, tmp_path / "metadata.xml")
    names = read_metadata(tmp_path / "metadata.xml").file_names
    assert names == {
        ("S1", "Directions", 1): "Directions 1",
        ("S1", "Walking", 2): "Walking",
        ("S9", "Directions", 1): "Directions 1",
    }


def test_without_boxes_the_joints_are_boxed(film, copied_source, tmp_path):
    source = copied_source("h36m")
    for subject in ("S1", "S9"):
        shutil.rmtree(source / subject / "MySegmentsMat")
    main(
        [
            "import",
            "h36m",
            "--source",
            str(source),
            "--out",
            str(tmp_path / "store"),
            "--size",
            "32",
            "--step",
            "1",
            "--strict",
            "--workers",
            "1",
        ]
    )
    store = open_store(tmp_path / "store")
    assert len(store) == 72
    for row in range(72):
        camera = film.cameras[str(store.camera[row])]
        joints = camera.project(store.pose_world[row].astype(np.float64))
        low, high = joints.min(axis=0), joints.max(axis=0)
        x, y, side = store.box[row]
        np.testing.assert_allclose((x + side / 2, y + side / 2), (low + high) / 2, atol=1)
        assert side == pytest.approx(1.3 * (high - low).max(), abs=1)


def test_a_clip_without_its_poses_is_skipped_counted_and_named(copied_source, tmp_path, capsys):
    source = copied_source("h36m")
    poses = source / "S1/MyPoseFeatures/D3_Positions/Walking.cdf"
    poses.unlink()
    arguments = ["import", "h36m", "--source", str(source), "--out", str(tmp_path / "store"), "--size", "32"]
    with pytest.raises(SystemExit):
        main([*arguments, "--workers", "1", "--strict"])
    assert f"S1/Walking/2: {poses}: missing; unpack the poses' archive again (--strict)" in capsys.readouterr().err
    main([*arguments, "--workers", "1"])
    (left_out,) = open_store(tmp_path / "store").meta.excluded
    assert left_out["sequence"] == "S1/Walking/2"
    assert left_out["reason"].startswith(f"1 skipped: {poses}: missing")
    assert f"{poses}: missing or empty" in diagnose(source).missing
