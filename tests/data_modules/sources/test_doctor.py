"""The doctor names every layout, what it lacks, and the next command, which works."""

import re
import shlex
import shutil

import pytest

from data_modules.cli import main, make_parser
from data_modules.sources.doctor import diagnose
from data_modules.sources.footage.videos import Videos
from data_modules.store import open_store
from mcss.errors import InputError
from tests.references.layouts import MINIATURES, h36m_fetch, h36m_original, layout_of

BROKEN = {
    "h36m": ("S1/Videos", "unpack Videos_S1.tgz"),
    "h36m with extracted": ("extracted/S9/Poses_D3_Positions", "unpack Poses_D3_Positions_S9.tgz"),
    "h36m-fetch with extracted poses": ("extracted/S1/Poses_D3_Positions", "unpack Poses_D3_Positions_S1.tgz"),
    "h36m-karfly with videos": ("extracted/S1/Videos/Walking.54138969.mp4", "missing or empty"),
    "h36m-fetch": ("processed/S9/Directions-1/annot.h5", "missing or empty"),
    "h36m-fetch with world poses": ("S9/MyPoseFeatures", "unpack Poses_D3_Positions_S9.tgz"),
    "h36m-karfly": ("extra/human36m-multiview-labels-GTbboxes.npy", "put one of the labels there"),
    "h36m-mks0601": ("annotations/Human36M_subject1_joint_3d.json", "unpack annotations.zip there"),
    "h36m-videopose3d": ("S9/Videos", "unpack Videos_S9.tgz"),
    "h36m-videopose3d with images": ("processed/S1/Directions-1/imageSequence/55011271", "missing or empty"),
    "h36m-mmpose": ("annotation_body3d/cameras.pkl", "annotation_body3d"),
    "mpi-inf-3dhp-mmpose": ("annotations/mpi_inf_3dhp_train.npz", "run mmpose's converter again"),
    "mpi-inf-3dhp-test": ("TS6/annot_data.mat", "missing or empty"),
    "mpi-inf-3dhp with images": ("S1/Seq2/imageFrames", "download S1/Seq2 again"),
    "mpi-inf-3dhp": ("S1/Seq2/camera.calibration", "download S1/Seq2 again"),
    "videos": ("Ann/talk/poses.npz", None),
}
"""What is taken away from each layout, and the remedy that the doctor must name."""


def doctor(source, capsys):
    code = 0
    try:
        main(["doctor", "--source", str(source)])
    except SystemExit as stop:
        code = stop.code
    return code, capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("layout", sorted(MINIATURES))
def test_a_whole_source_is_named_with_the_command_that_imports_it(layout, sources, capsys):
    code, lines = doctor(sources(layout), capsys)
    assert (code, lines[0]) == (0, f"{sources(layout)}: layout {layout_of(layout)}")
    subjects = sorted({clip[0] for clip in MINIATURES[layout].clips})
    for subject, line in zip(subjects, lines[1:], strict=False):
        clips = sum(clip[0] == subject for clip in MINIATURES[layout].clips)
        assert line.startswith(f"{subject}: {clips}")
        assert line.endswith("clips complete")
    assert lines[-1].startswith("next: mcss-data import ")
    arguments = make_parser().parse_args(shlex.split(lines[-1].removeprefix("next: mcss-data ")))
    assert (arguments.layout, arguments.source) == (layout_of(layout), sources(layout))


@pytest.mark.parametrize("layout", sorted(layout for layout, (_, remedy) in BROKEN.items() if remedy))
def test_a_broken_copy_is_still_named_and_what_is_missing(layout, copied_source, capsys):
    source = copied_source(layout)
    name, remedy = BROKEN[layout]
    shutil.rmtree(source / name) if (source / name).is_dir() else (source / name).unlink()
    code, lines = doctor(source, capsys)
    assert (code, lines[0]) == (1, f"{source}: layout {layout_of(layout)}")
    (missing,) = [line for line in lines if line.startswith("missing: ")]
    assert name.split("/")[0] in missing or "metadata.xml" in missing
    assert remedy in missing


def test_every_file_of_a_clip_is_asked_for(copied_source, capsys):
    source = copied_source("h36m")
    (source / "S1/Videos/Directions 1.60457274.mp4").unlink()
    (source / "S1/Videos/Walking.54138969.mp4").write_bytes(b"")
    code, lines = doctor(source, capsys)
    assert code == 1
    assert lines[1:3] == ["S1: 0 of 30 clips complete", "S9: 1 of 30 clips complete"]
    assert "not there: S5, S6, S7, S8, S11" in lines
    assert f"missing: {source / 'S1/Videos/Directions 1.60457274.mp4'}: missing or empty" in lines
    assert f"missing: {source / 'S1/Videos/Walking.54138969.mp4'}: missing or empty" in lines


def test_official_videos_go_before_images_that_were_made_of_them(copied_source, capsys):
    source = copied_source("h36m")
    (source / "processed/S1/Directions-1").mkdir(parents=True)
    assert doctor(source, capsys)[1][0] == f"{source}: layout h36m"
    for subject in ("S1", "S9"):
        shutil.rmtree(source / subject / "Videos")
    assert doctor(source, capsys)[1][0] == f"{source}: layout h36m-fetch"
    shutil.rmtree(source / "processed")
    code, lines = doctor(source, capsys)
    assert (code, lines[0]) == (1, f"{source}: layout h36m")
    assert f"missing: {source / 'S1/Videos'}: missing or empty; unpack Videos_S1.tgz" in lines


def test_everything_that_is_missing_is_named_and_other_subjects_are_imported(copied_source, tmp_path, capsys):
    source = copied_source("h36m")
    shutil.rmtree(source / "S9/Videos")
    shutil.rmtree(source / "S9/MyPoseFeatures")
    (source / "S1/Videos/Walking.60457274.mp4").unlink()
    code, lines = doctor(source, capsys)
    assert code == 1
    assert [line.removeprefix("missing: ") for line in lines if line.startswith("missing: ")] == [
        f"{source / 'S9/MyPoseFeatures/D3_Positions'}: missing or empty; unpack Poses_D3_Positions_S9.tgz",
        f"{source / 'S9/Videos'}: missing or empty; unpack Videos_S9.tgz",
        f"{source / 'S1/Videos/Walking.60457274.mp4'}: missing or empty",
    ]
    arguments = ["import", "h36m", "--source", str(source), "--size", "32", "--workers", "1"]
    with pytest.raises(SystemExit):
        main([*arguments, "--out", str(tmp_path / "all")])
    assert "unpack Poses_D3_Positions_S9.tgz (`mcss-data doctor` names 1 more)" in capsys.readouterr().err
    main([*arguments, "--out", str(tmp_path / "store"), "--subjects", "S1"])
    assert open_store(tmp_path / "store").meta.subjects_train == ("S1",)


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("h36m-mks0601", "annotations/Human36M_subject9_camera.json"),
        ("h36m-fetch with world poses", "S9/MyPoseFeatures"),
        ("mpi-inf-3dhp", "S8/Seq1/annot.mat"),
        ("h36m-videopose3d", "S9/Videos"),
    ],
)
def test_what_one_subject_lacks_does_not_keep_the_others_out(layout, name, copied_source, tmp_path):
    source = copied_source(layout)
    shutil.rmtree(source / name) if (source / name).is_dir() else (source / name).unlink()
    arguments = ["--size", "32", "--workers", "1", "--subjects", "S1", "--strict", "--out", str(tmp_path / "store")]
    main(["import", layout_of(layout), "--source", str(source), *arguments])
    assert set(open_store(tmp_path / "store").subject) == {"S1"}


def test_folders_without_images_are_named(copied_source, capsys):
    source = copied_source("h36m-mmpose")
    folder = source / "images/S1/S1_Walking.55011271"
    shutil.rmtree(folder)
    assert f"missing: {folder}: missing or empty" in doctor(source, capsys)[1]


def test_a_lab_with_one_camera_is_told_so(copied_source, capsys):
    source = copied_source("videos")
    for name in ("front.mp4", "side.mp4", "top.mov"):
        (source / "Zoe/talk" / name).unlink()
    for table in ("sync.csv", "boxes.csv"):
        (source / table).unlink()
    code, lines = doctor(source, capsys)
    assert code == 1
    assert any("needs two or more cameras" in line for line in lines)


@pytest.mark.parametrize(("folder", "message"), [("empty", "no known layout"), ("gone", "there is no such folder")])
def test_a_folder_of_something_else(tmp_path, capsys, folder, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "--source", str(tmp_path / folder)])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["mpi-inf-3dhp", "mpi-inf-3dhp-test", "h36m"])
def test_the_folder_above_or_below_a_data_set_is_not_taken_for_own_videos(layout, copied_source, tmp_path):
    source = copied_source(layout)
    (tmp_path / "downloads").mkdir()
    source.rename(tmp_path / "downloads/data set")
    with pytest.raises(InputError, match=rf"layout {layout} is in the folder below; give --source .*data set"):
        diagnose(tmp_path / "downloads")
    part = next((tmp_path / "downloads/data set").glob("*S[1-9]"))
    with pytest.raises(InputError, match=rf"is a part of layout {layout}; give the folder above"):
        diagnose(part)


def test_own_clips_may_be_called_like_a_data_sets(tmp_path, capsys):
    lay(tmp_path, "S1/Seq1/a.mp4", "S1/Seq1/b.mp4")
    code, lines = doctor(tmp_path, capsys)
    assert (code, lines[:2]) == (0, [f"{tmp_path}: layout videos", "S1: 1 clips complete"])


# What belongs to no clip is named once, by the doctor and by the import.


def lay(source, *names):
    """Empty files: the doctor looks at names alone."""
    for name in names:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"x")


CLIP = ("S1/walk/a.mp4", "S1/walk/b.mp4")


@pytest.mark.parametrize(
    ("names", "folder", "said"),
    [
        (
            ["S2/a.mp4", "S2/b.mp4"],
            "S2",
            "2 files (2 .mp4) that belong to no clip, such as S2/a.mp4; a recording",
        ),
        (
            ["S3/day/walk/a.mp4", "S3/day/walk/notes.txt"],
            "S3",
            "2 files (1 .mp4, 1 .txt) that belong to no clip, such as S3/d",
        ),
        (
            ["c.MP4", "d.m4v"],
            ".",
            "2 files (1 .mp4, 1 .m4v) that belong to no clip, such as c.MP4; a recording",
        ),
        (
            ["S2/0001.jpg", "S2/0002.jpg"],
            "S2",
            "2 files (2 .jpg) that belong to no clip, such as S2/0001.jpg",
        ),
        (
            ["S2/poses.npz"],
            "S2",
            "1 files (1 .npz) that belong to no clip, such as S2/poses.npz; a recording",
        ),
        (["S1/extra/day/a.webm"], "S1/extra", "1 files (1 .webm) that belong to no clip, such as S1/extra/day/a.webm"),
    ],
    ids=["too high", "too deep", "beside the subjects", "images", "poses", "in a subject"],
)
def test_recordings_at_another_depth_are_named_and_stop_a_strict_import(tmp_path, capsys, names, folder, said):
    lay(tmp_path, *CLIP, *names)
    code, lines = doctor(tmp_path, capsys)
    assert code == 1
    (line,) = [line for line in lines if line.startswith("left over: ")]
    assert line.startswith(f"left over: {tmp_path / folder}: {said}")
    assert "S1: 1 clips complete" in lines
    with pytest.raises(SystemExit):
        main(["import", "videos", "--source", str(tmp_path), "--out", str(tmp_path / "store"), "--strict"])
    assert f"{tmp_path / folder}: {said}" in capsys.readouterr().err


def test_a_strict_import_names_all_folders_of_recordings_that_belong_to_no_clip(tmp_path, capsys):
    lay(tmp_path, *CLIP, "S2/a.mp4", "S3/day/walk/a.mp4")
    with pytest.raises(SystemExit):
        main(["import", "videos", "--source", str(tmp_path), "--out", str(tmp_path / "store"), "--strict"])
    assert "; so are files of S3 (--strict)" in capsys.readouterr().err


def test_what_belongs_to_no_clip_is_named_by_the_import_and_in_the_store(copied_source, tmp_path, capsys):
    source = copied_source("videos")
    shutil.copytree(source / "Ann/walk", source / "Eve/monday/walk")
    (source / "consent.pdf").write_bytes(b"x")
    arguments = ["import", "videos", "--source", str(source), "--subjects", "Ann", "--size", "32", "--workers", "1"]
    main([*arguments, "--out", str(tmp_path / "store"), "--strict"])
    left_out = open_store(tmp_path / "store").meta.excluded
    assert [item["sequence"] for item in left_out] == ["all clips", ".", "Eve"]
    assert left_out[1]["reason"] == "1 files (1 .pdf) that belong to no clip, such as consent.pdf"
    printed = capsys.readouterr().out
    assert re.search(r"  Eve: \d+ files .* that belong to no clip, such as Eve/monday/walk/", printed), printed


@pytest.mark.parametrize(
    "names",
    [
        ["calibration/intrinsics/cam1/board_01.jpg", "calibration/intrinsics/cam2/board_01.jpg"],
        ["Kalibrierung/extern/cam1.mp4", "Kalibrierung/extern/cam2.mp4"],
        ["day1/ChArUco/left/1.png", "day1/ChArUco/right/1.png"],
    ],
    ids=["photos", "videos", "a board's name"],
)
def test_a_calibration_is_no_clip(tmp_path, capsys, names):
    lay(tmp_path, *names, "videos/cam1.mp4", "videos/cam2.mp4")
    code, lines = doctor(tmp_path, capsys)
    assert code == 1
    assert not [line for line in lines if "complete" in line or "mcss-data import" in line]
    assert any(line.startswith(f"left over: {tmp_path / 'videos'}: 2 files (2 .mp4)") for line in lines)
    assert any("of a calibration, which no import needs" in line for line in lines)


def test_a_calibration_beside_clips_stops_nothing(tmp_path, capsys):
    lay(tmp_path, *CLIP, "calib/cam1/1.jpg", "calib/cam2/1.jpg", "S1/walk/calibration.mp4", "wand/day1/a.mp4")
    code, lines = doctor(tmp_path, capsys)
    assert (code, lines[1]) == (0, "S1: 1 clips complete")
    assert Videos(tmp_path).cameras(("S1", "walk", 1)) == ("a", "b")
    assert lines[-1].startswith("next: mcss-data import videos")


def test_photos_without_a_frame_rate_are_no_complete_clip(tmp_path, capsys):
    lay(tmp_path, "photos/day1/left/1.jpg", "photos/day1/right/1.jpg")
    code, lines = doctor(tmp_path, capsys)
    assert (code, lines[1]) == (1, "photos: 0 clips complete")
    assert f"missing: {tmp_path / 'photos/day1/left'}: a folder of images has no frame rate" in lines[2]
    assert not any("mcss-data import" in line for line in lines)


def test_other_layouts_that_a_folder_offers_are_listed(film, tmp_path, capsys):
    h36m_fetch.write(film, tmp_path)
    h36m_original.write_extracted(film, tmp_path)
    code, lines = doctor(tmp_path, capsys)
    assert (code, lines[0]) == (0, f"{tmp_path}: layout h36m-fetch")
    assert "also there: 3 clips complete as layout h36m" in lines
    assert not any("not read" in line or "belong to no clip" in line for line in lines)
