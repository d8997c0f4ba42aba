"""Every motion file says the same when a reader reads it that did not write it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pybvh
import pytest

from data_modules.sources.footage.marker_files import read_c3d, read_trc
from data_modules.sources.footage.poses import read_poses
from mcss.predict.files import WRITERS
from mcss.predict.files.bvh import fit_skeleton
from mcss.predict.motion import Y_UP_FROM_Z_UP, motion
from mcss.skeleton import JOINTS
from tests.references.walking import walk

TOLERANCE_MM = 0.01


@pytest.fixture(scope="module")
def gappy():
    """A walk of which frames 20 to 24 are missing and frame 30 is bridged."""
    time_s, pose_mm = walk(40)
    pose_mm[20:25] = np.nan
    made = motion(time_s, pose_mm, "canonical")
    return replace(made, is_bridged=np.arange(40) == 30, interval_mm=np.full((40, 17), 12.5))


def written(kind, made, folder):
    name, write = WRITERS[kind]
    write(made, folder / name)
    return folder / name


def assert_same(found_mm, expected_mm):
    np.testing.assert_allclose(found_mm, expected_mm, atol=TOLERANCE_MM)  # NaN only where NaN is expected


def test_tables(gappy, tmp_path):
    tidy = pd.read_csv(path := written("csv", gappy, tmp_path), comment="#")
    assert_same(tidy[["x_mm", "y_mm", "z_mm"]].to_numpy().reshape(40, 17, 3), gappy.pose_mm)
    assert tidy["joint"].tolist() == list(JOINTS) * 40
    assert tidy.loc[tidy["bridged"] == 1, "frame"].unique().tolist() == [30]
    assert (tidy["interval90_mm"] == 12.5).all()
    wide = pd.read_csv(written("wide", gappy, tmp_path), comment="#")
    assert_same(wide[[f"{joint}_{axis}_mm" for joint in JOINTS for axis in "xyz"]], gappy.pose_mm.reshape(40, -1))
    np.testing.assert_allclose(wide["time_s"], gappy.time_s, atol=1e-4)
    head = path.read_text().splitlines()[:4]
    assert [line.partition(":")[0] for line in head] == ["# joint_set", "# frame", "# unit", "# global_position"]
    assert "canonical" in head[1]
    assert head[3].endswith("none: every pose is relative to its own pelvis")


def test_npz(gappy, tmp_path):
    with np.load(written("npz", gappy, tmp_path)) as file:
        assert_same(file["pose_mm"], gappy.pose_mm)
        assert str(file["unit"]) == "mm"
        assert file["joints"].tolist() == list(JOINTS)
        assert file["bridged"].nonzero()[0].tolist() == [30]


@pytest.mark.parametrize(("kind", "read"), [("trc", read_trc), ("c3d", read_c3d)])
def test_marker_files_by_the_import(kind, read, gappy, tmp_path):
    path = written(kind, gappy, tmp_path)
    found = read(path)
    assert found.names == JOINTS
    assert np.isnan(found.points[20:25]).all()
    assert np.isfinite(np.delete(found.points, range(20, 25), axis=0)).all()
    poses = read_poses(path, {}, {})
    assert_same(poses.pose_world[np.isfinite(poses.pose_world).all(axis=(1, 2))], gappy.pose_mm[gappy.is_known])
    np.testing.assert_allclose(poses.time_s, gappy.time_s, atol=1e-5)


def test_a_c3d_file_by_its_own_library(gappy, tmp_path):
    import ezc3d

    file = ezc3d.c3d(str(written("c3d", gappy, tmp_path)))
    assert_same(file["data"]["points"][:3].transpose(2, 1, 0), gappy.pose_mm)
    assert file["parameters"]["POINT"]["UNITS"]["value"] == ["mm"]
    assert file["parameters"]["MCSS"]["FRAME"]["value"][0].startswith("canonical")
    assert file["parameters"]["POINT"]["RATE"]["value"][0] == pytest.approx(30)


def bvh_positions_mm(path):
    """Joints by the forward kinematics of another library, Y up."""
    file = pybvh.read_bvh_file(path)
    names = [node.name for node in file.nodes]
    positions = np.asarray(file.node_positions())
    return 10 * positions[:, [names.index(joint) for joint in JOINTS]]


def test_bvh_by_forward_kinematics(gappy, tmp_path):
    assert written("bvh", gappy, tmp_path).exists() is False  # a gap: one file a stretch
    for name, frames in (("motion_frame000000.bvh", slice(0, 20)), ("motion_frame000025.bvh", slice(25, 40))):
        assert_same(bvh_positions_mm(tmp_path / name), gappy.pose_mm[frames] @ Y_UP_FROM_Z_UP.T)


def test_a_bvh_skeleton_keeps_its_bone_lengths_and_stays_near_poses_that_do_not(tmp_path):
    time_s, pose_mm = walk(30)
    noisy = pose_mm + np.random.default_rng(0).normal(0, 10, pose_mm.shape)
    noisy -= noisy[:, :1]
    found = bvh_positions_mm(written("bvh", motion(time_s, noisy, "canonical"), tmp_path))
    bones = np.linalg.norm(found[:, [2, 3, 5, 12]] - found[:, [1, 2, 4, 11]], axis=2)
    assert np.ptp(bones, axis=0).max() < TOLERANCE_MM
    assert np.linalg.norm(found - noisy @ Y_UP_FROM_Z_UP.T, axis=2).mean() < 20


def test_a_bone_that_points_against_its_rest_is_turned_by_half_a_circle():
    _, pose_mm = walk(2)
    pose_mm[:, 2:4] = pose_mm[:, [1]] + [[0, 0, 440], [0, 0, 890]]  # right leg straight up
    points_mm = pose_mm @ Y_UP_FROM_Z_UP.T
    assert_same(fit_skeleton(points_mm).positions_mm(), points_mm)
