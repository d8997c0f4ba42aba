"""Poses of a lab's own clips in the files of motion capture."""

import sys

import numpy as np
import pytest

from data_modules.cli import main
from data_modules.sources.footage.poses import read_poses
from data_modules.store import open_store
from mcss.errors import InputError
from mcss.skeleton import JOINTS
from tests.references.layouts.marker_files import write_c3d, write_trc

NO_MARKERS: dict = {}


@pytest.fixture
def poses_mm(film):
    return film.clips[0].poses_mm


@pytest.fixture
def capture(tmp_path):
    """A function that writes poses (Z up, mm) as a TRC or C3D file of 10 frames a second that begins 2 s after 0."""

    def write(suffix, points, unit="mm", **more):
        path = tmp_path / f"poses.{suffix}"
        if suffix == "trc":
            write_trc(path, points, JOINTS, 10, 2.0, unit, **more)
        else:
            write_c3d(path, points, JOINTS, 10.0, 21, unit, **more)
        return path

    return write


def standing(poses_mm, up):
    return poses_mm if up == "z" else poses_mm[..., [0, 2, 1]] * (1, 1, -1)


@pytest.mark.parametrize(("suffix", "up"), [("trc", "y"), ("c3d", "z")])
@pytest.mark.parametrize(("unit", "mm"), [("mm", 1), ("m", 1000)])
def test_markers_are_turned_scaled_and_put_on_the_shared_clock(capture, poses_mm, suffix, up, unit, mm):
    path = capture(suffix, standing(poses_mm, up) / mm, unit)
    poses = read_poses(path, NO_MARKERS, {"offset_s": "1.5"})
    np.testing.assert_allclose(poses.pose_world, poses_mm, atol=0.01)
    np.testing.assert_allclose(poses.time_s, 0.5 + np.arange(len(poses_mm)) / 10, atol=1e-6)
    assert poses.at(0.5 + 0.1, 0.02) is not None
    assert poses.at(0.5 - 0.1, 0.02) is None


@pytest.mark.parametrize("suffix", ["trc", "c3d"])
def test_the_user_may_say_which_axis_is_up(capture, poses_mm, suffix):
    other = {"trc": "z", "c3d": "y"}[suffix]
    path = capture(suffix, standing(poses_mm, other))
    with pytest.raises(InputError, match=r"the person does not stand; write y or z in column up of sync.csv"):
        read_poses(path, NO_MARKERS, {})
    np.testing.assert_allclose(read_poses(path, NO_MARKERS, {"up": other}).pose_world, poses_mm, atol=0.01)


def test_somebody_who_lies_is_read_where_the_axis_is_said(capture, poses_mm):
    lying = poses_mm[..., [2, 0, 1]]
    path = capture("c3d", lying)
    with pytest.raises(InputError, match="does not stand"):
        read_poses(path, NO_MARKERS, {})
    np.testing.assert_allclose(read_poses(path, NO_MARKERS, {"up": "z"}).pose_world, lying, atol=0.01)


def test_an_axis_that_is_none_is_refused(capture, poses_mm):
    with pytest.raises(InputError, match=r"unit .mm. and up .x. must be mm, cm or m, z or y; export it again"):
        read_poses(capture("c3d", poses_mm, y_screen="+X"), NO_MARKERS, {})


@pytest.mark.parametrize(("suffix", "up"), [("trc", "y"), ("c3d", "z")])
def test_a_frame_that_lacks_a_marker_lacks_that_joint(capture, poses_mm, suffix, up):
    points = standing(poses_mm, up).copy()
    points[2, JOINTS.index("RElbow")] = np.nan
    poses = read_poses(capture(suffix, points), NO_MARKERS, {})
    assert np.isnan(poses.at(2.2, 0.05)).all(axis=1).nonzero()[0].tolist() == [JOINTS.index("RElbow")]
    np.testing.assert_allclose(poses.at(2.3, 0.15), poses_mm[3], atol=0.01)


def test_a_c3d_file_that_kills_its_library_is_refused(sources, tmp_path):
    content = bytearray((sources("videos") / "Zoe/talk/poses.c3d").read_bytes())
    content[552:556] = b"\xff" * 4  # of the first parameter: ezc3d reads behind the end of its memory
    (tmp_path / "poses.c3d").write_bytes(content)
    with pytest.raises(InputError, match=r"poses.c3d: not a whole C3D file \(.*\); export it again"):
        read_poses(tmp_path / "poses.c3d", {}, {})


def test_an_instant_without_all_markers_keeps_its_images(copied_source, tmp_path):
    source = copied_source("videos")
    path = source / "Ann/walk/poses.trc"
    lines = path.read_text().splitlines()
    frame = lines[6 + 4].split("\t")  # the second of the video's frames that the markers were captured at
    lines[6 + 4] = "\t".join([*frame[:2], "", "", "", *frame[5:]])
    path.write_text("\n".join(lines))
    places = ["--source", str(source), "--out", str(tmp_path / "store")]
    main(["import", "videos", *places, "--size", "32", "--strict", "--workers", "1"])
    store = open_store(tmp_path / "store")
    without = ~store.has_pose
    assert set(store.camera[without]) == {"front", "side", "back", "top"}
    assert {store.clip_names[clip] for clip in store.clip[without]} == {"Ann/walk/1"}
    np.testing.assert_allclose(store.time_s[without], 2 / 25, atol=1e-6)


def test_c3d_without_its_library_is_said(capture, poses_mm, monkeypatch):
    path = capture("c3d", poses_mm)
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    with pytest.raises(InputError, match=r"poses.c3d needs ezc3d: pip install -e '.\[importers\]'"):
        read_poses(path, NO_MARKERS, {})
