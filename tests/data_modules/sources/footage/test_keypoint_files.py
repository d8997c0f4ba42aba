import json

import numpy as np
import pytest

from data_modules.sources.footage.keypoint_files import as_joints, read_keypoints
from data_modules.sources.footage.keypoint_names import names_of_joints, unknown_names
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


def test_names_may_be_written_otherwise_and_those_of_no_joint_are_listed():
    names = [name.replace("_", " ").title() for name in COCO]
    names_of = names_of_joints([*names, "tail"], None)
    assert names_of["Pelvis"] == ["Left Hip", "Right Hip"]
    assert unknown_names([*names, "tail"], names_of) == ["tail"]
    assert names_of_joints(["l-wrist", "RKNEE", "beak"], None) == {"LWrist": ["l-wrist"], "RKnee": ["RKNEE"]}


def test_one_individual_of_a_header_for_several_and_other_columns_are_read(tmp_path):
    rows = [
        "scorer,,,net,net,net,net",
        "individuals,,,i1,i1,i1,i1",
        "bodyparts,,,Neck,Neck,Neck,Neck",
        "coords,,,x,y,likelihood,x_posterior_var",
        "labeled-data,walk,img0007.png,10.5,20,0.9,3",
        "labeled-data,walk,img0003.png,1,2,0,3",
        "",
    ]
    (tmp_path / "a.csv").write_bytes("\r\n".join(rows).encode("utf-16"))
    found = read_keypoints(tmp_path / "a.csv")
    assert (found.names, found.frames.tolist()) == (("Neck",), [3, 7])
    np.testing.assert_array_equal(found.points_px[:, 0], [[np.nan, np.nan], [10.5, 20]])


def coco(tmp_path, change):
    """A COCO file of 17 names and one person, after ``change``."""
    values = {
        "images": [{"id": 1, "file_name": "frame_000004.PNG", "width": 640, "height": 360}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "keypoints": [9, 8, 2] * 17}],
        "categories": [{"id": 0, "name": "box"}, {"id": 3, "name": "default", "keypoints": COCO}],
    }
    change(values)
    (tmp_path / "a.json").write_text(json.dumps(values))
    return tmp_path / "a.json"


def test_other_categories_and_boxes_of_a_coco_file_are_passed_over(tmp_path):
    box = {"id": 2, "image_id": 1, "category_id": 0, "bbox": [1, 2, 3, 4]}
    found = read_keypoints(coco(tmp_path, lambda values: values["annotations"].append(box)))
    assert (found.frames.tolist(), found.size_px, found.crowded) == ([4], (640, 360), 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("categories"), "a.json has no 'categories'"),
        (lambda v: v["annotations"].clear(), "no annotation with keypoints"),
        (lambda v: v["categories"].pop(), "keypoints of category 3, which names no keypoints"),
        (lambda v: v["annotations"][0].update(keypoints=[1, 1, 2] * 16), "48 numbers where 17 keypoints have 51"),
        (lambda v: v["annotations"][0].update(image_id=7), "an image 7 that it does not list"),
        (lambda v: v["images"][0].update(file_name="front.png"), "'front.png' has no number of a frame"),
        (lambda v: v["images"].append({"id": 2, "file_name": "b", "width": 9, "height": 9}), "sizes, such as 9x9 and"),
        (lambda v: v["annotations"][0].update(keypoints=[0.4, 0.9, 2] * 17), "shares of the frame; write pixels"),
        (
            lambda v: (
                v["images"].append({"id": 2, "file_name": "b/frame_4.png"}),
                v["annotations"].append({**v["annotations"][0], "image_id": 2}),
            ),
            "two of its images are of frame 4",
        ),
        (
            lambda v: (
                v["categories"].append({"id": 4, "name": "dog", "keypoints": ["tail"]}),
                v["annotations"].append({"image_id": 1, "category_id": 4, "keypoints": [5, 5, 2]}),
            ),
            "keypoints of several kinds",
        ),
    ],
)
def test_what_is_wrong_with_a_coco_file_is_said(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        read_keypoints(coco(tmp_path, change))


def test_frames_without_anybody_are_read_and_folders_that_cannot_be_are_named(tmp_path):
    person = {"person_id": [-1], "pose_keypoints_2d": [5, 6, 0.9] * 26}
    folder = tmp_path / "cam1_json"
    folder.mkdir()
    with pytest.raises(InputError, match=r"cam1_json: not a folder of JSON files in OpenPose's form.* no JSON file"):
        read_keypoints(folder)
    (folder / "cam1_000002.json").write_text('{"people": [{"pose_keypoints_2d": []}]}')
    with pytest.raises(InputError, match="nobody is in its files"):
        read_keypoints(folder)
    (folder / "cam1_000001.JSON").write_text(json.dumps({"people": [person]}))
    (folder / "._cam1_000001.json").write_text("of a Mac")
    found = read_keypoints(folder)
    assert (found.frames.tolist(), found.crowded, found.points_px.shape) == ([1], 0, (1, 26, 2))
    (folder / "cam1_000003.json").write_text(json.dumps({"people": [{"pose_keypoints_2d": [1, 1, 1] * 18}]}))
    with pytest.raises(InputError, match="18, 26 keypoints; known are 17, 25, 26, 133"):
        read_keypoints(folder)
    (folder / "cam1_000003.json").write_text("")
    with pytest.raises(InputError, match=r"cam1_000003.json is no JSON file"):
        read_keypoints(folder)


HEADER = "scorer,n,n,n\nbodyparts,a,a,a\ncoords,x,y,likelihood\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "not a CSV file of DeepLabCut or Lightning Pose: it has no header row bodyparts and coords"),
        ("a.csv", "x,y\n1,2\n", "no header row bodyparts and coords"),
        ("a.csv", HEADER, "no rows below the header"),
        ("a.csv", HEADER + "0,1,1\n", "its row 0 has 2 values below 3 columns"),
        ("a.csv", HEADER + "0,1,one,1\n", "could not convert string to float: 'one'"),
        ("a.csv", HEADER + "front.png,1,1,1\n", "'front.png' has no number of a frame"),
        ("a.csv", HEADER.replace("likelihood", "x") + "0,1,1,1\n", "two columns a x"),
        ("a.csv", HEADER + "0,90,90,0.1\n", "no keypoint with a confidence"),
        ("a.csv", HEADER + "0,9,9,1\n0,8,8,1\n", "two of its rows are of the same frame"),
        ("a.csv", HEADER.replace("scorer,n,n,n", "individuals,a,b,b") + "0,1,1,1\n", "several individuals, a, b; keep"),
        ("a.json", "{", "not a COCO keypoints JSON: a.json is no JSON file"),
        ("a.json", "[]", "a.json has no 'images'"),
    ],
)
def test_files_that_cannot_be_used_are_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_keypoints(tmp_path / name)
