import numpy as np
import pytest

from data_modules.sources.footage.keypoint_files import as_joints, names_of_joints, read_keypoints
from mcss.errors import InputError
from mcss.skeleton import JOINTS
from tests.references.keypoint_files import COCO, HALPE, write_coco, write_deeplabcut, write_openpose

FRAMES = [3, 7, 40]


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform(10, 700, (len(FRAMES), 26, 2))


def joints_of(path):
    found = read_keypoints(path)
    return found, as_joints(found, names_of_joints(found.names, None))


def test_deeplabcut_keeps_frames_and_drops_what_it_is_unsure_of(tmp_path, points):
    points[1, 4] = np.nan
    write_deeplabcut(tmp_path / "a.csv", JOINTS, points[:, :17], FRAMES)
    found, joints = joints_of(tmp_path / "a.csv")
    assert found.frames.tolist() == FRAMES
    np.testing.assert_allclose(joints, points[:, :17])


def test_labelled_images_of_deeplabcut_are_named_by_their_last_number(tmp_path, points):
    write_deeplabcut(tmp_path / "a.csv", JOINTS, points[:, :17], [f"img{frame:04d}.png" for frame in FRAMES])
    assert read_keypoints(tmp_path / "a.csv").frames.tolist() == FRAMES


def test_coco_has_no_pelvis_but_the_middle_of_the_hips(tmp_path, points):
    points[2, COCO.index("left_wrist")] = np.nan
    write_coco(tmp_path / "a.json", points[:, :17], FRAMES)
    found, joints = joints_of(tmp_path / "a.json")
    assert found.frames.tolist() == FRAMES
    hips = points[:, [COCO.index("left_hip"), COCO.index("right_hip")]]
    np.testing.assert_allclose(joints[:, JOINTS.index("Pelvis")], hips.mean(axis=1))
    np.testing.assert_allclose(joints[:, JOINTS.index("RKnee")], points[:, COCO.index("right_knee")])
    missing = np.isnan(joints).any(axis=-1)
    expected = np.zeros_like(missing)
    expected[:, [JOINTS.index("Spine"), JOINTS.index("HeadTop")]] = True
    expected[2, JOINTS.index("LWrist")] = True
    np.testing.assert_array_equal(missing, expected)


def test_openpose_takes_the_largest_person_and_says_so(tmp_path, points):
    small = 100 + points[0] / 10
    write_openpose(tmp_path / "a_json", points, FRAMES, bystander=small)
    found, joints = joints_of(tmp_path / "a_json")
    assert found.crowded == len(FRAMES)
    np.testing.assert_allclose(joints[:, JOINTS.index("HeadTop")], points[:, HALPE.index("Head")])
    np.testing.assert_allclose(joints[:, JOINTS.index("Thorax")], points[:, HALPE.index("Neck")])


def test_own_names_need_a_table(tmp_path, points):
    names = [f"part{number}" for number in range(26)]
    write_deeplabcut(tmp_path / "a.csv", names, points, FRAMES)
    found = read_keypoints(tmp_path / "a.csv")
    with pytest.raises(InputError, match="no known set"):
        names_of_joints(found.names, None)
    table = tmp_path / "map.csv"
    table.write_text("joint,marker\nNeck,part1\nNeck,part2\n")
    joints = as_joints(found, names_of_joints(found.names, table))
    np.testing.assert_allclose(joints[:, JOINTS.index("Neck")], points[:, 1:3].mean(axis=1))
    table.write_text("joint,marker\nNeck,nose\n")
    with pytest.raises(InputError, match="no keypoint 'nose'"):
        names_of_joints(found.names, table)
    table.write_text("joint,marker\nElbow,part1\n")
    with pytest.raises(InputError, match="no joint 'Elbow'"):
        names_of_joints(found.names, table)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "x,y\n1,2\n", "not a CSV file of DeepLabCut"),
        ("a.json", "{", "not a CSV file of DeepLabCut"),
        ("a.json", '{"images": [], "annotations": [], "categories": []}', "not a CSV file of DeepLabCut"),
        ("a.csv", "scorer,n,n,n\nbodyparts,a,a,a\ncoords,x,y,likelihood\n0,1,1,0.1\n", "no keypoint with a confidence"),
        ("a.csv", "scorer,n,n\nbodyparts,a,a\ncoords,x,y\n0,1,1\n0,2,2\n", "two of its rows are of the same frame"),
    ],
)
def test_files_that_cannot_be_used_are_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_keypoints(tmp_path / name)
