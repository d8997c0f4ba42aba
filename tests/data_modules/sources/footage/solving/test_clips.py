"""``mcss-data solve`` on videos of black frames: what counts is which frames, joints and files are used."""

import csv
import json

import numpy as np
import pytest

from data_modules.cli import main
from data_modules.sources.footage.clip_clicks import bring_together, keypoint_joints
from data_modules.sources.footage.poses import read_poses
from data_modules.sources.footage.videos import Videos
from mcss.errors import InputError
from mcss.skeleton import JOINTS
from tests.references.keypoint_files import write_coco, write_deeplabcut
from tests.references.moving_person import SIZE_PX, moving_person, tripods
from tests.references.video_files import write_video

pytestmark = pytest.mark.slow

INSTANTS, STEP, LATE = 10, 5, 3  # farther apart than where joints are taken to move smoothly
"""Labelled instants, frames from one to the next, and frames by which the second camera is behind."""


@pytest.fixture(scope="module")
def poses():
    return moving_person(INSTANTS)[0]


@pytest.fixture
def views(tmp_path):
    black = [np.zeros((SIZE_PX[1] // 4, SIZE_PX[0] // 4, 3), dtype=np.uint8)] * (INSTANTS * STEP + LATE)
    for camera in ("a", "b", "c"):
        write_video(tmp_path / "views" / "S1" / "walk" / f"{camera}.mp4", black, fps=25)
    (tmp_path / "views" / "people.csv").write_text("subject,height_mm\nS1,1819\n")
    (tmp_path / "views" / "sync.csv").write_text(f"video,offset_frames\nS1/walk/b,{LATE}\n")
    return tmp_path / "views"


def projected(poses):
    """For each camera frames and joints, a quarter of the size; camera b shows each instant later."""
    for name, camera in zip("abc", tripods(3), strict=True):
        frames = STEP * np.arange(INSTANTS) + (LATE if name == "b" else 0)
        yield name, frames, camera.project(poses) / 4


def test_keypoints_of_other_tools_become_poses_cameras_and_a_page(views, poses, tmp_path, capsys):
    folder = tmp_path / "keypoints" / "S1" / "walk"
    folder.mkdir(parents=True)
    for name, frames, points in projected(poses):
        write_deeplabcut(folder / f"{name}.csv", JOINTS, points, frames)
    main(["solve", str(views), "--keypoints", str(tmp_path / "keypoints")])
    assert "S1/walk: 10 instants in 3 views, 0 % of the joints missing" in capsys.readouterr().out
    found = read_poses(views / "S1/walk/poses.npz", {}, {})
    np.testing.assert_allclose(found.time_s, STEP * np.arange(INSTANTS) / 25, atol=1e-3)
    bones = [np.linalg.norm(p[:, 5] - p[:, 4], axis=1) for p in (found.pose_world, poses)]
    np.testing.assert_allclose(*bones, rtol=0.02)
    assert json.loads((views / "S1/walk/cameras.json").read_text()).keys() == {"a", "b", "c"}
    page = (views / "S1/walk/solved.html").read_text()
    assert page.count("data:image/jpeg") == 3 * 6
    main(["solve", str(views), "--keypoints", str(tmp_path / "keypoints")])  # replaces its own


def test_clicks_of_few_joints_give_few_joints(views, poses, capsys):
    with (views / "clicks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["video", "frame", "joint", "x", "y"])
        for name, frames, points in projected(poses):
            for frame, row in zip(frames, points, strict=True):
                for joint, place in zip(JOINTS, row, strict=True):
                    if joint != "LWrist" or name == "a":
                        writer.writerow([f"S1/walk/{name}", frame, joint, *place])
    main(["solve", str(views), "--fixed-cameras"])
    assert "6 % of the joints missing" in capsys.readouterr().out
    with np.load(views / "S1/walk/poses.npz") as found:
        missing = np.isnan(found["points"]).any(axis=(0, 2))
    assert [JOINTS[joint] for joint in np.flatnonzero(missing)] == ["LWrist"]


def fail(args, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(args)
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_what_lacks_is_said(views, poses, tmp_path, capsys):
    assert "clicks.csv: there is no such file" in fail(["solve", str(views)], capsys)
    keypoints = tmp_path / "keypoints"
    assert "belongs to a clip" in fail(["solve", str(views), "--keypoints", str(keypoints)], capsys)
    (views / "clicks.csv").write_text("video,frame,joint,x,y\nS1/walk/a,0,Tail,1,1\n")
    assert "Tail, 1, 1 is no click" in fail(["solve", str(views)], capsys)
    (views / "clicks.csv").write_text("video,frame,joint,x,y\nS1/run/a,0,Neck,1,1\n")
    assert "names a clip S1/run" in fail(["solve", str(views)], capsys)
    (views / "clicks.csv").write_text("video,frame,joint,x,y\nS1/walk/a,0,Neck,1,1\nS1/walk/c,2,Neck,1,1\n")
    assert "no two cameras have joints at the same instant" in fail(["solve", str(views)], capsys)
    (views / "clicks.csv").write_text("video,frame,joint,x,y\nS1/walk/a,0,Neck,1,1\nS1/walk/c,0,Neck,1,1\n")
    assert "1 instants have joints in two or more cameras" in fail(["solve", str(views)], capsys)
    (views / "people.csv").write_text("subject,height_mm\nS1,1.75\n")
    assert "S1 is 1.75 mm tall; write millimetres" in fail(["solve", str(views)], capsys)
    (views / "people.csv").write_text("subject,height_mm\nS2,1819\n")
    assert "has no height of S1" in fail(["solve", str(views)], capsys)
    (views / "people.csv").unlink()
    assert "people.csv: there is no such file" in fail(["solve", str(views)], capsys)


def test_keypoints_that_do_not_fit_their_videos_are_refused_or_said(views, poses, tmp_path):
    source, folder = Videos(views), tmp_path / "keypoints" / "S1" / "walk"
    folder.mkdir(parents=True)
    (clip,), count, names = source.clips(), INSTANTS * STEP + LATE, ["Neck", "beak"]
    points = np.full((count, 2, 2), 30.0)

    def read(points, frames):
        write_deeplabcut(folder / "a.csv", names, points, frames)
        return keypoint_joints(source, clip, tmp_path / "keypoints", None)

    joints, remarks = read(points, range(1, count + 1))
    assert sorted(joints["a"]) == list(range(count))
    assert ["no joint is made of beak" in remarks[0], f"1 to {count}, which are taken as 0 to" in remarks[1]] == [1, 1]
    later = range(2, count + 2)
    assert f"has no frame {count}, its frames are 0 to {count - 1}; 2 of" in read(points, later)[1][1]
    with pytest.raises(InputError, match=f"none of the file's {count} frames is there"):
        read(points, range(1000, 1000 + count))
    write_deeplabcut(folder / "b.csv", names, points, range(count))
    joints, _ = read(points * 20, range(count))
    with pytest.raises(InputError, match="walk/a: 100 % of the joints lie outside its frames of 320x180 pixels"):
        bring_together(source, clip, joints)
    (folder / "a.csv").unlink()
    write_coco(folder / "a.json", np.full((1, 17, 2), 30.0), [3], size_px=(640, 360))
    with pytest.raises(InputError, match=r"is of frames of 640x360 pixels, a\.mp4 has 320x180"):
        keypoint_joints(source, clip, tmp_path / "keypoints", None)


def test_poses_of_another_origin_are_not_replaced(views, poses, tmp_path, capsys):
    folder = tmp_path / "keypoints" / "S1" / "walk"
    folder.mkdir(parents=True)
    for name, frames, points in projected(poses):
        write_deeplabcut(folder / f"{name}.csv", JOINTS, points, frames)
    np.savez(views / "S1/walk/poses.npz", points=poses)
    assert "was not made by mcss-data solve" in fail(
        ["solve", str(views), "--keypoints", str(tmp_path / "keypoints")], capsys
    )
