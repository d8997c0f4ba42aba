"""Labels that are wrong in ways that look right."""

import numpy as np
import pytest

from data_modules.sources.footage.pose_remarks import pose_remarks
from data_modules.sources.footage.poses import read_poses
from mcss.errors import InputError
from mcss.skeleton import JOINTS
from tests.references.layouts.marker_files import write_c3d, write_trc
from tests.references.walking import walk

NO_MARKERS: dict = {}
WRIST = JOINTS.index("RWrist")
VIDEO_S = np.arange(12) / 25


@pytest.fixture
def poses_mm(film):
    return film.clips[0].poses_mm


def y_up(poses_mm):
    return poses_mm[..., [0, 2, 1]] * (1, 1, -1)


def write_npz(path, points, joints=JOINTS, unit="mm", up="z", time_s=None):
    time_s = VIDEO_S[: len(points)] if time_s is None else time_s
    np.savez(path, points=points, joints=np.array(joints), unit=unit, up=up, time_s=time_s)
    return path


def write(kind, folder, points, names=JOINTS):
    path = folder / f"poses.{kind}"
    if kind == "npz":
        return write_npz(path, points, names)
    if kind == "trc":
        write_trc(path, y_up(points), names, 25, 0.0, "mm")
    else:
        write_c3d(path, points, names, 25.0, 1, "mm")
    return path


@pytest.mark.parametrize("kind", ["npz", "trc", "c3d"])
def test_a_point_at_the_origin_was_not_seen(poses_mm, tmp_path, kind):
    points = poses_mm.copy()
    points[2, WRIST] = 0
    points[3, :, :2] -= points[3, WRIST, :2]  # one that passes above the origin
    poses = read_poses(write(kind, tmp_path, points), NO_MARKERS, {})
    missing = np.isnan(poses.pose_world).any(axis=2)
    assert np.argwhere(missing).tolist() == [[2, WRIST]]
    (remark,) = pose_remarks(poses, VIDEO_S, 0.02)
    assert remark.line.endswith(f"joints without a label: RWrist in 1 of {len(points)} poses")
    assert not remark.is_fault


@pytest.mark.parametrize("number", [-9999.0, 9999999.0, np.nan, -0.0])
def test_a_point_of_one_number_three_times_was_not_seen(poses_mm, tmp_path, number):
    points = y_up(poses_mm)
    points[2, WRIST] = number
    write_trc(tmp_path / "poses.trc", points, JOINTS, 25, 0.0, "mm")
    poses = read_poses(tmp_path / "poses.trc", NO_MARKERS, {})
    assert np.argwhere(np.isnan(poses.pose_world).any(axis=2)).tolist() == [[2, WRIST]]


@pytest.mark.parametrize("kind", ["npz", "trc", "c3d"])
def test_poses_about_their_own_pelvis_keep_it(poses_mm, tmp_path, kind):
    points = poses_mm - poses_mm[:, :1]
    poses = read_poses(write(kind, tmp_path, points), NO_MARKERS, {})
    np.testing.assert_allclose(poses.pose_world, points, atol=0.01)


@pytest.mark.parametrize("place", [0, 4, 17])
def test_a_marker_without_a_name_moves_no_other(poses_mm, tmp_path, place):
    points = np.insert(poses_mm, place, 7.0, axis=1)
    path = write("trc", tmp_path, points, [*JOINTS[:place], "", *JOINTS[place:]])
    np.testing.assert_allclose(read_poses(path, NO_MARKERS, {}).pose_world, poses_mm, atol=0.01)


def edit_header(path, edit):
    lines = path.read_text().splitlines()
    lines[1:3] = edit(lines[1].split("\t"), lines[2].split("\t"))
    path.write_text("\n".join(lines))


def without_units(keys, values):
    place = keys.index("Units")
    return ["\t".join(part[:place] + part[place + 1 :]) for part in (keys, values)]


def test_a_header_without_units_is_one_line_and_the_table_may_say_them(poses_mm, tmp_path):
    path = write("trc", tmp_path, poses_mm)
    edit_header(path, without_units)
    with pytest.raises(InputError, match=r"poses.trc: does not say its unit; write mm, cm or m in column unit of sync"):
        read_poses(path, NO_MARKERS, {})
    np.testing.assert_allclose(read_poses(path, NO_MARKERS, {"unit": "mm"}).pose_world, poses_mm, atol=0.01)


@pytest.mark.parametrize(("unit", "mm"), [("Millimeters", 1), ("cm", 10), ("metres", 1000), ("M", 1000)])
def test_units_have_many_spellings(poses_mm, tmp_path, unit, mm):
    path = write_npz(tmp_path / "poses.npz", poses_mm / mm, unit=unit)
    np.testing.assert_allclose(read_poses(path, NO_MARKERS, {}).pose_world, poses_mm, atol=0.01)


def test_more_columns_than_markers_are_refused(poses_mm, tmp_path):
    path = write("trc", tmp_path, poses_mm)
    edit_header(path, lambda keys, values: ["\t".join(keys), "\t".join("16" if v == "17" else v for v in values)])
    with pytest.raises(InputError, match="not a whole TRC file"):
        read_poses(path, NO_MARKERS, {})


@pytest.mark.parametrize(
    ("time_s", "used", "guess"),
    [
        (VIDEO_S * 1000, 1, "they look like milliseconds: write seconds"),
        (VIDEO_S * 1e6, 1, "they look like microseconds: write seconds"),
        (VIDEO_S * 25, 1, "they look like numbers of frames: divide by their rate"),
        (VIDEO_S + 30, 0, "check the offset of the poses in sync.csv"),
    ],
    ids=["milliseconds", "microseconds", "frames", "elsewhere"],
)
def test_a_join_that_finds_little_says_so(poses_mm, tmp_path, time_s, used, guess):
    points = poses_mm[: len(VIDEO_S)]
    poses = read_poses(write_npz(tmp_path / "poses.npz", points, time_s=time_s[: len(points)]), NO_MARKERS, {})
    (remark,) = pose_remarks(poses, VIDEO_S[: len(points)], 0.02)
    assert f": {used} of {len(points)} poses used: their times go from" in remark.line
    assert guess in remark.line
    assert remark.is_fault


def test_times_of_more_poses_a_second_than_anything_captures_are_no_seconds(poses_mm, tmp_path):
    time_s = VIDEO_S[: len(poses_mm)] / 60
    poses = read_poses(write_npz(tmp_path / "poses.npz", poses_mm, time_s=time_s), NO_MARKERS, {})
    (remark,) = pose_remarks(poses, VIDEO_S[: len(poses_mm)], 0.02)
    assert "has 1500 poses a second by its times, which are no seconds" in remark.line
    assert remark.is_fault


def test_a_join_that_finds_the_poses_says_nothing(poses_mm, tmp_path):
    poses = read_poses(write_npz(tmp_path / "poses.npz", poses_mm), NO_MARKERS, {})
    assert list(pose_remarks(poses, VIDEO_S[: len(poses_mm)], 0.02)) == []


def test_an_npz_file_that_calls_y_up_z_is_refused(poses_mm, tmp_path):
    path = write_npz(tmp_path / "poses.npz", y_up(poses_mm))
    with pytest.raises(InputError, match=r"with z up the person does not stand; write y or z in column up of sync.csv"):
        read_poses(path, NO_MARKERS, {})
    np.testing.assert_allclose(read_poses(path, NO_MARKERS, {"up": "y"}).pose_world, poses_mm, atol=0.01)


def test_a_coordinate_that_is_no_number_costs_the_joint(poses_mm, tmp_path):
    points = poses_mm.copy()
    points[1, WRIST, 1], points[2, WRIST, 0] = np.nan, np.inf
    poses = read_poses(write_npz(tmp_path / "poses.npz", points), NO_MARKERS, {})
    assert np.isnan(poses.pose_world[[1, 2], WRIST]).all()
    assert np.isfinite(np.delete(poses.pose_world, WRIST, axis=1)).all()


def swapped_markers(points):
    """Wrist and ankle exchange their places in every second pose."""
    points = points.copy()
    other = JOINTS.index("RAnkle")
    points[::2, [WRIST, other]] = points[::2, [other, WRIST]]
    return points


def longer_left_leg(points):
    points = points.copy()
    knee, ankle = JOINTS.index("LKnee"), JOINTS.index("LAnkle")
    points[:, ankle] = points[:, knee] + 1.5 * (points[:, ankle] - points[:, knee])
    return points


@pytest.mark.parametrize(
    ("change", "message"),
    [(swapped_markers, "bones change their length over the clip"), (longer_left_leg, "left and right differ")],
)
def test_bones_that_no_person_has_are_said(poses_mm, tmp_path, change, message):
    poses = read_poses(write_npz(tmp_path / "poses.npz", change(poses_mm)), NO_MARKERS, {})
    remarks = list(pose_remarks(poses, VIDEO_S[: len(poses_mm)], 0.02))
    assert any(message in remark.line for remark in remarks)
    assert all(remark.is_fault for remark in remarks)


def test_a_pose_with_a_torn_bone_is_no_label_and_the_others_are(tmp_path):
    time_s, points = walk(40, 25.0)
    points[7, WRIST, 2] += 900
    poses = read_poses(write_npz(tmp_path / "poses.npz", points, time_s=time_s), NO_MARKERS, {})
    assert np.flatnonzero(~poses.are_labels).tolist() == [7]
    assert poses.at(7 * 0.04, 0.01) is None
    lines = [remark.line for remark in pose_remarks(poses, time_s, 0.02) if remark.is_fault]
    assert lines == [
        f"{poses.path}: 1 of 40 poses are no labels, because a bone has another length than in the others; mend the"
        " markers there"
    ]


def test_a_capture_that_stands_still_is_said(tmp_path):
    time_s, points = walk(40, 25.0)
    points[20:] = points[20]
    poses = read_poses(write_npz(tmp_path / "poses.npz", points, time_s=time_s), NO_MARKERS, {})
    (remark,) = pose_remarks(poses, time_s, 0.02)
    assert "one pose is repeated 19 times; the capture stood still there" in remark.line
    assert not remark.is_fault


def test_joints_under_other_names_are_said_and_those_that_are_not_there_are_not(poses_mm, tmp_path):
    path = write("trc", tmp_path, poses_mm, ["tail" if name == "Spine" else name for name in JOINTS])
    first, *_ = pose_remarks(read_poses(path, NO_MARKERS, {}), VIDEO_S[: len(poses_mm)], 0.02)
    assert "nothing for Spine; name their markers in markers.csv" in first.line
    assert first.is_fault
    remarks = pose_remarks(read_poses(path, {"Spine": [""]}, {}), VIDEO_S[: len(poses_mm)], 0.02)
    assert not any(remark.is_fault for remark in remarks)


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: text.replace(".", ",").encode(),
        lambda text: text.replace("\n", "\r\n").encode("utf-16"),
        lambda text: text.replace("poses", "Läufer").encode("cp1252"),
    ],
    ids=["decimal comma", "utf-16", "windows"],
)
def test_a_trc_file_in_other_spellings(poses_mm, tmp_path, rewrite):
    path = write("trc", tmp_path, poses_mm)
    text = path.read_text()
    path.unlink()
    path = path.with_name("POSES.TRC")
    path.write_bytes(rewrite(text))
    np.testing.assert_allclose(read_poses(path, NO_MARKERS, {}).pose_world, poses_mm, atol=0.01)


def test_times_that_contradict_the_header_are_said(poses_mm, tmp_path):
    path = tmp_path / "poses.trc"
    write_trc(path, y_up(poses_mm), JOINTS, 25, 0.0, "mm")
    edit_header(path, lambda keys, values: ["\t".join(keys), "\t".join(["50", *values[1:]])])
    (remark,) = pose_remarks(read_poses(path, NO_MARKERS, {}), VIDEO_S[: len(poses_mm)], 0.02)
    assert "has 50 poses a second by its header and 25 by its times" in remark.line


def test_names_that_occur_twice_are_refused(poses_mm, tmp_path):
    twice = [*JOINTS[:3], "RKnee", *JOINTS[4:]]
    with pytest.raises(InputError, match="marker RKnee occurs twice"):
        read_poses(write("trc", tmp_path, poses_mm, twice), NO_MARKERS, {})
    with pytest.raises(InputError, match="joint 'RKnee' occurs twice"):
        read_poses(write("npz", tmp_path, poses_mm, twice), NO_MARKERS, {})


def test_joints_may_be_written_in_small_letters_or_bytes(poses_mm, tmp_path):
    for joints in ([name.lower() for name in JOINTS], [name.encode() for name in JOINTS]):
        poses = read_poses(write("npz", tmp_path, poses_mm, joints), NO_MARKERS, {})
        np.testing.assert_array_equal(poses.pose_world, poses_mm)


@pytest.mark.parametrize("change", ["none", "mirrored", "exchanged"])
def test_knees_tell_left_from_right(tmp_path, change):
    time_s, points = walk(50, 25.0)
    joints = list(JOINTS)
    if change == "mirrored":
        points = points * (-1, 1, 1)
    if change == "exchanged":
        joints = [{"L": "R", "R": "L"}[name[0]] + name[1:] if name[0] in "LR" else name for name in JOINTS]
    poses = read_poses(write_npz(tmp_path / "poses.npz", points, joints, time_s=time_s), NO_MARKERS, {})
    remarks = [remark for remark in pose_remarks(poses, time_s, 0.02) if "knees bend backwards in" in remark.line]
    assert len(remarks) == (change != "none")
    assert all(remark.is_fault for remark in remarks)


def test_poses_without_pelvis_or_hips_are_counted(poses_mm, tmp_path):
    points = poses_mm.copy()
    points[1], points[2, 0] = np.nan, np.nan
    remarks = pose_remarks(read_poses(write_npz(tmp_path / "poses.npz", points), NO_MARKERS, {}), VIDEO_S[:6], 0.02)
    lines = [remark.line.partition(": ")[2] for remark in remarks]
    assert lines[0] == f"joints without a label: all in 1 of {len(points)}, Pelvis in 1 of {len(points)} poses"
    assert lines[1] == f"2 of {len(points)} poses are no labels, because pelvis or hips are missing"
