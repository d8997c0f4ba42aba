"""What the real files of the data sets are known for, and how it is imported."""

import shutil

import numpy as np
import pytest

from data_modules.cli import main
from data_modules.sources.exclusions import applicable, read_exclusions
from data_modules.sources.mpi_inf_3dhp.raw import MpiInf3dhp
from data_modules.sources.registry import make_layout
from data_modules.store import open_store
from tests.references.layouts import MINIATURES, layout_of
from tests.references.layouts.h36m_karfly import LABELS
from tests.references.layouts.mmpose import end_video_early
from tests.references.video_files import write_video

pytestmark = pytest.mark.slow


def imported(layout, source, out, *arguments):
    """Store of what is not skipped, and what was left out."""
    fixed = ["--size", "32", "--step", "1", "--workers", "1"]
    main(["import", layout_of(layout), "--source", str(source), "--out", str(out), *fixed, *arguments])
    store = open_store(out)
    return store, [f"{item['sequence']}: {item['reason']}" for item in store.meta.excluded]


def by_place(store):
    """Pose of each row by clip, frame and camera."""
    names = [store.clip_names[clip] for clip in store.clip]
    return {
        (name, int(frame), str(camera)): pose
        for name, frame, camera, pose in zip(names, store.frame, store.camera, store.pose_world, strict=True)
    }


@pytest.mark.parametrize(
    ("layout", "file", "ends", "clips"),
    [
        (
            "h36m-mmpose",
            "annotation_body3d/fps10/h36m_train.npz",
            {"Directions_1.55011271": 2},
            {"S1/Directions/1": ("55011271", 2)},
        ),
        (
            "mpi-inf-3dhp-mmpose",
            "annotations/mpi_inf_3dhp_train.npz",
            {"S1_Seq1_Cam0_": 1, "S1_Seq2_Cam8_": 3},
            {"S1/Seq1/1": ("0", 1), "S1/Seq2/1": ("8", 3)},
        ),
    ],
)
def test_poses_behind_the_end_of_a_video_are_left_out_and_the_others_keep_theirs(
    layout, file, ends, clips, copied_source, sources, tmp_path, capsys
):
    source = copied_source(layout)
    for block, instants in ends.items():
        end_video_early(source, file, block, instants)
    store, left_out = imported(layout, source, tmp_path / "store")
    whole, _ = imported(layout, sources(layout), tmp_path / "whole")
    expected = {}
    for (name, frame, camera), pose in by_place(whole).items():
        missing = clips.get(name, ("", 0))[1]
        if frame // MINIATURES[layout].frame_step < 6 - missing:
            expected[name, frame, camera] = pose
    found = by_place(store)
    assert found.keys() == expected.keys()
    for place, pose in found.items():
        np.testing.assert_array_equal(pose, expected[place])
    for name, (camera, missing) in clips.items():
        line = f"{source / file}: {missing} poses of camera {camera} have no image, its video was too short; left out"
        assert f"{name}: {line}" in left_out
    with pytest.raises(SystemExit):
        imported(layout, source, tmp_path / "strict", "--strict")
    assert "have no image, its video was too short; left out (--strict)" in capsys.readouterr().err


def test_blocks_of_poses_that_no_camera_explains_are_refused(copied_source, tmp_path, capsys):
    source = copied_source("h36m-mmpose")
    for camera in ("54138969", "55011271", "58860488", "60457274"):
        end_video_early(source, "annotation_body3d/fps10/h36m_train.npz", f"Directions_1.{camera}", 1)
    with pytest.raises(SystemExit):
        imported("h36m-mmpose", source, tmp_path / "store")
    assert "44 rows of imgname, 48 rows of center, 48 rows of scale" in capsys.readouterr().err


def test_of_two_label_files_that_of_the_data_sets_boxes_is_read(copied_source, sources, tmp_path, capsys):
    source = copied_source("h36m-karfly")
    labels = np.load(source / LABELS, allow_pickle=True).item()
    labels["table"]["bbox_by_camera_tlbr"] += 9
    np.save(source / LABELS.replace("GT", "MRCNN"), labels)
    store, left_out = imported("h36m-karfly", source, tmp_path / "store")
    whole, _ = imported("h36m-karfly", sources("h36m-karfly"), tmp_path / "whole")
    np.testing.assert_array_equal(store.box, whole.box)
    assert store.meta.config["labels"] == "human36m-multiview-labels-GTbboxes.npy"
    assert len([line for line in left_out if "human36m-multiview-labels-MRCNNbboxes.npy" in line]) == 1
    (source / LABELS).rename(source / LABELS.replace("GT", "SSD"))
    with pytest.raises(SystemExit):
        imported("h36m-karfly", source, tmp_path / "other")
    assert "2 files human36m-multiview-labels-*.npy; put one of the labels there" in capsys.readouterr().err


SHIFTED = {"S9/Greeting/2", "S9/SittingDown/2", "S9/Waiting/1"}


@pytest.mark.parametrize(
    ("layout", "taken_away", "are_left_out"),
    [
        ("h36m", None, False),
        ("h36m", "S9/MySegmentsMat", True),
        ("h36m-karfly", None, False),
        ("h36m-fetch", None, True),
        ("h36m-mks0601", None, True),
        ("h36m-videopose3d with images", None, True),
    ],
)
def test_shifted_clips_are_left_out_where_boxes_are_of_joints(layout, taken_away, are_left_out, copied_source):
    source = copied_source(layout)
    if taken_away:
        shutil.rmtree(source / taken_away)
    left_out = applicable(read_exclusions("default", "h36m"), make_layout(layout_of(layout), source))
    assert {item.sequence for item in left_out} == {"S11/Directions/2"} | (SHIFTED if are_left_out else set())


@pytest.mark.parametrize(
    ("layout", "video", "frames", "poses", "clip", "options"),
    [
        ("mpi-inf-3dhp", "S1/Seq1/imageSequence/video_2.avi", 2, 6, "S1/Seq1/1", {"codec": "mpeg4"}),
        ("h36m", "S9/Videos/Directions 1.60457274.mp4", 4, 6, "S9/Directions/1", {}),
    ],
)
def test_a_clip_ends_with_its_shortest_video(layout, video, frames, poses, clip, options, copied_source, tmp_path):
    source = copied_source(layout)
    write_video(source / video, [np.zeros((160, 160, 3), np.uint8)] * frames, 25, **options)
    store, left_out = imported(layout, source, tmp_path / "store")
    assert {frame for name, frame, _ in by_place(store) if name == clip} == set(range(frames))
    line = f"{clip}: {source / video}: has {frames} frames for {poses} poses, the clip is cut to the shortest"
    assert sum(entry.startswith(line) for entry in left_out) == 1


@pytest.mark.parametrize(
    ("layout", "camera", "removed", "clips"),
    [
        ("h36m-mmpose", "55011271", "S9_Directions_1.55011271", {"S1/Directions/1", "S1/Walking/2"}),
        ("mpi-inf-3dhp-mmpose", "8", "S8_Seq1_Cam8_", {"S1/Seq1/1", "S1/Seq2/1"}),
    ],
)
def test_subjects_without_the_chosen_camera_are_named(layout, camera, removed, clips, copied_source, tmp_path, capsys):
    source = copied_source(layout)
    for path in source.rglob("*.npz"):
        values = dict(np.load(path))
        keep = np.array([removed not in name for name in values["imgname"]])
        np.savez(path, **{key: value[keep] for key, value in values.items()})
    store, left_out = imported(layout, source, tmp_path / "store", "--cameras", camera)
    assert {name for name, *_ in by_place(store)} == clips
    (line,) = [line for line in left_out if f"cameras ({camera}) saw" in line]
    assert line.split("/")[0] in ("S8", "S9")
    with pytest.raises(SystemExit):
        imported(layout, source, tmp_path / "strict", "--strict", "--cameras", camera)
    assert f"no instant that any of the cameras ({camera}) saw" in capsys.readouterr().err


@pytest.mark.parametrize(("clip", "is_fault"), [(("S6", "Seq2", 1), False), (("S6", "Seq1", 1), True)])
def test_the_video_that_is_short_in_every_copy_is_said_and_no_fault(clip, is_fault, tmp_path, monkeypatch):
    source = MpiInf3dhp(tmp_path)
    frames = {"0": dict.fromkeys(range(100), tmp_path), "2": dict.fromkeys(range(80), tmp_path)}
    monkeypatch.setattr(source, "_recordings", lambda clip, cameras: frames)
    monkeypatch.setattr(source, "_poses", lambda clip, camera: np.zeros((100, 17, 3)))
    (remark,) = source.remarks(clip, ("0", "2"))
    assert f"{'/'.join(clip[:2])}/imageSequence/video_2.avi: has 80 frames for 100 poses" in remark.line
    assert remark.is_fault == is_fault
