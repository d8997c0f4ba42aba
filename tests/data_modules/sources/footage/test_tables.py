"""Tables as spreadsheet programs save them, and what in them would be believed wrongly."""

import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from data_modules.sources.footage.recording_remarks import recording_remarks
from data_modules.sources.footage.recordings import on_shared_clock, read_recording
from data_modules.sources.footage.tables import number_in, sync_rows, video_name
from mcss.errors import InputError
from tests.references.video_files import write_video

OFFSET = "video,offset_s\nAnn/gehen für/links,0.4\n"


@pytest.mark.parametrize(
    "content",
    [
        OFFSET.encode(),
        b"\xef\xbb\xbf" + OFFSET.replace("\n", "\r\n").encode(),
        OFFSET.encode("utf-16"),
        OFFSET.replace(",", ";").replace("0.4", "0,4").encode("cp1252"),
        OFFSET.replace(",", "\t").encode(),
        OFFSET.replace("video,offset_s", "Video, Offset_S").replace(",0.4", ", 0.4").encode(),
        OFFSET.replace("Ann/gehen für/links", "Ann\\gehen für\\links.MP4").encode(),
        unicodedata.normalize("NFD", OFFSET).encode(),
        OFFSET.replace("Ann/gehen für/links", '"Ann/gehen für/links"').encode(),
    ],
    ids=["plain", "mark", "utf-16", "semicolons", "tabs", "capitals", "windows", "decomposed", "quoted"],
)
def test_one_table_in_many_spellings(tmp_path, content):
    (tmp_path / "sync.csv").write_bytes(content)
    rows = sync_rows(tmp_path / "sync.csv")
    assert list(rows) == ["Ann/gehen für/links"]
    assert number_in(rows["Ann/gehen für/links"], "offset_s", tmp_path) == 0.4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("video,offset_ms\na/b/c,400\n", "column 'offset_ms' is not known; there are video, offset_s, offset_frames"),
        ("video,offset_s\na/b/c,0.4\na/b/c,0.0\n", "has 2 rows of a/b/c; keep one of them"),
        ("video,offset_s\na/b/c,0,4\n", "line 2 has more cells than the first line"),
        ("", "has no column video; its first line must name the columns"),
        ("video|offset_s\n", "has no column video"),
    ],
)
def test_what_would_be_believed_wrongly_is_refused(tmp_path, content, message):
    (tmp_path / "sync.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        sync_rows(tmp_path / "sync.csv")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "soon", "25 fps", "1/0"])
def test_numbers_are_finite(tmp_path, text):
    with pytest.raises(InputError, match="write a number"):
        number_in({"fps": text}, "fps", tmp_path)


@pytest.mark.parametrize("fps", ["1e-320", "1e9", "-25"])
def test_a_rate_that_no_camera_has_is_refused(tmp_path, fps):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.png").write_bytes(b"not read")
    with pytest.raises(InputError, match="a folder of images has no frame rate; give it in column fps"):
        read_recording(tmp_path / "a", {"fps": fps})


def test_a_line_that_was_cut_off_has_empty_cells(tmp_path):
    (tmp_path / "sync.csv").write_text("note,video,offset_s\nS1/walk/a\n,S1/walk/b\n")
    assert sync_rows(tmp_path / "sync.csv") == {
        "": {"note": "S1/walk/a", "video": "", "offset_s": ""},
        "S1/walk/b": {"note": "", "video": "S1/walk/b", "offset_s": ""},
    }


def test_a_rate_may_be_a_fraction(tmp_path):
    assert number_in({"fps": "30000/1001"}, "fps", tmp_path) == pytest.approx(29.97, abs=1e-3)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"offset_s": "0.4", "offset_frames": "10"}, "has offset_s and offset_frames; keep one of them"),
        ({"drift_ppm": "1e6"}, "a drift of 1e\\+06 millionths is no camera's"),
    ],
)
def test_offsets_that_contradict_are_refused(tmp_path, row, message):
    with pytest.raises(InputError, match=message):
        on_shared_clock(np.arange(3) / 25, row, tmp_path)


def test_names_of_videos_are_the_same_however_they_are_written():
    assert video_name("./S1/walk/cam.1.mp4") == "S1/walk/cam.1"
    assert video_name("S1/walk/cam.1") == "S1/walk/cam.1"


def filmed(folder, *names):
    for name in names:
        write_video(folder / f"S1/walk/{name}.mp4", [np.zeros((16, 16, 3), np.uint8)] * 4, 25)
    return [read_recording(folder / f"S1/walk/{name}.mp4", {}) for name in names]


def test_what_was_assumed_about_the_clocks_is_said_until_sync_csv_says_it(tmp_path):
    recordings = filmed(tmp_path, "a", "b")
    (remark,) = recording_remarks(recordings, {})
    assert remark.line.startswith("a, b: taken to have started at one moment; not checked")
    assert not remark.is_fault
    assert recording_remarks(recordings, {"S1/walk/b": {"offset_s": "0"}}) == []
    assert recording_remarks(recordings[:1], {}) == []


def test_a_clip_of_which_one_camera_saw_little_is_said(tmp_path):
    long, short = filmed(tmp_path, "a", "b")
    long = replace(long, time_s=10 * long.time_s)
    short = replace(short, time_s=long.time_s[1:3], frames=short.frames[1:3])
    remark = recording_remarks([long, short], {"S1/walk/b": {"offset_s": "0"}})[0]
    assert remark.line.endswith(
        "S1/walk: all cameras saw 0.40 of 1.20 s, to which the clip is cut: b begins last, b ends first"
    )
    assert not remark.is_fault


def test_a_rate_that_is_not_the_files_own_is_said(tmp_path):
    filmed(tmp_path, "a")
    recording = read_recording(tmp_path / "S1/walk/a.mp4", {"fps": "50"})
    assert recording.gap == "sync.csv says 50 frames a second, the file 25, which is taken"
