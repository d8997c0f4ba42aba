"""Whose boxes a recording gets: one person's, or none where that cannot be told."""

import re

import numpy as np
import pytest

from data_modules.sources.footage import motion_boxes
from data_modules.sources.footage.recordings import read_recording
from data_modules.sources.footage.tracks import found_track, require_one_person, written_track
from mcss.errors import InputError
from tests.references.video_files import write_video

FPS = 25
RED, BLUE, GREEN = (220, 20, 20), (20, 20, 220), (40, 200, 60)


def room():
    return np.full((96, 128, 3), 90, np.uint8)


def film(path, draw, frames=50):
    pictures = [room() for _ in range(frames)]
    for number, picture in enumerate(pictures):
        draw(picture, number)
    write_video(path, pictures, FPS)
    return read_recording(path, {})


def walker(picture, number, colour=RED, start=5, step=2, top=20):
    left = start + step * number
    picture[top:85, left : left + 22] = colour


def arms(picture, number, sides):
    """Somebody who stands, and swings arms."""
    picture[20:85, 52:76] = BLUE
    for side in sides:
        angle = 1.2 * np.sin(number / 5 + side)
        for reach in np.linspace(0, 26, 40):
            x, y = int(64 + side * (12 + reach * np.cos(angle))), int(30 + reach * np.sin(angle))
            picture[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = GREEN


def test_somebody_who_walks_is_boxed(tmp_path):
    track = found_track(film(tmp_path / "a.mp4", walker), None)
    assert track.remarks == ()
    np.testing.assert_allclose(track.box(25), (55, 20, 77, 85), atol=3)
    left, top, right, bottom = np.moveaxis(track.boxes[5:45], -1, 0)
    middle = np.arange(5, 45) * 2 + 16
    assert abs(((left + right) / 2 - middle).mean()) < 0.5  # the box lies neither to one side nor lower
    assert abs(((top + bottom) / 2 - 52.5).mean()) < 0.5


def dark_clothes(picture, number):
    """Of the colours of a shadow on the wall, between head and legs; and a shadow on the floor, which is no part."""
    left = 5 + 2 * number
    picture[20:30, left + 4 : left + 18] = RED
    picture[30:60, left : left + 22] = 50
    picture[60:85, left : left + 22] = BLUE
    picture[80:88, left + 22 : left + 40] = 55


def test_clothes_that_look_like_a_shadow_on_the_wall_are_boxed_and_a_shadow_is_not(tmp_path):
    track = found_track(film(tmp_path / "a.mp4", dark_clothes), None)
    np.testing.assert_allclose(track.boxes[25], (55, 20, 77, 85), atol=3)


@pytest.mark.parametrize("sides", [(1,), (-1, 1)], ids=["one arm", "both arms"])
def test_somebody_who_gestures_on_the_spot_is_refused(tmp_path, sides):
    recording = film(tmp_path / "a.mp4", lambda picture, number: arms(picture, number, sides), 75)
    with pytest.raises(InputError, match=r"a.mp4: \d+ of 75 boxes from motion are not to be trusted: .*--detector"):
        found_track(recording, None)


def raised_arm(picture, number):
    picture[20:85, 52:76] = BLUE
    top = int(64 + 10 * np.sin(number / 4))
    for height in range(2, 30):
        x = int(74 + (top - 64) * (30 - height) / 30)
        picture[height, x : x + 5] = GREEN


def hand_up_and_down(picture, number):
    picture[20:85, 52:76] = BLUE
    y = int(45 + 22 * np.sin(number / 6))
    picture[y : y + 9, 78:86] = GREEN


@pytest.mark.parametrize("draw", [raised_arm, hand_up_and_down])
def test_one_arm_or_hand_is_no_person(tmp_path, draw):
    with pytest.raises(InputError, match="boxes from motion are not to be trusted"):
        found_track(film(tmp_path / "a.mp4", draw, 75), None)


def crossing(picture, number):
    walker(picture, number)
    walker(picture, number, BLUE, start=103, step=-2)


def smaller_one_behind(picture, number):
    walker(picture, number)
    walker(picture, number, BLUE, start=103, step=-2, top=55)


def enters_late(picture, number):
    walker(picture, number)
    if number >= 30:
        walker(picture, number, BLUE, start=200, step=-4)


@pytest.mark.parametrize(
    ("draw", "least", "most"), [(crossing, 40, 50), (smaller_one_behind, 40, 50), (enters_late, 10, 25)]
)
def test_pictures_with_several_people_have_no_box_and_are_counted(tmp_path, draw, least, most):
    track = found_track(film(tmp_path / "a.mp4", draw), None)
    (remark,) = track.remarks
    assert "more than one person, or other things that move, in" in remark.line
    assert remark.is_fault
    count = int(remark.line.split(" move, in ")[1].split()[0])
    assert least <= count <= most
    assert np.isnan(track.boxes[:, 0]).sum() >= count - 1


def test_boxes_of_a_table_belong_to_the_files_own_frames(tmp_path):
    recording = film(tmp_path / "a.mp4", walker, 4)
    rows = [{"frame": str(n), "left": "1", "top": "2", "width": "10", "height": "20"} for n in (1, 3, 9)]
    track = written_track(recording, rows, tmp_path / "boxes.csv")
    assert [track.box(n) for n in range(4)] == [None, (1, 2, 11, 22), None, (1, 2, 11, 22)]
    (remark,) = track.remarks
    assert re.search(r"1 of 3 boxes of \S+/a are of frames that it has not$", remark.line)
    with pytest.raises(InputError, match=r"a row of \S+/a is no box"):
        written_track(recording, [{**rows[0], "left": "x"}], tmp_path / "boxes.csv")


BOX = {"frame": "0", "left": "1", "top": "2", "width": "10", "height": "20"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([BOX, {**BOX, "left": "60"}], r"has two boxes of frame 0 of \S+/a; keep those of the one who is meant"),
        ([{**BOX, "width": "-10"}], r"is no box \(frame 0, width -10, height 20\)"),
        ([{**BOX, "top": "nan"}], r"is no box \('nan' is no number\)"),
        ([{**BOX, "frame": "0.5"}], "is no box"),
        ([{**BOX, "width": "0.2", "height": "0.9"}], "less than a pixel wide; write pixels, not shares of the picture"),
        ([{"frame": "0"}], "is no box"),
    ],
)
def test_boxes_that_would_be_believed_wrongly_are_refused(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        written_track(film(tmp_path / "a.mp4", walker, 4), rows, tmp_path / "boxes.csv")


def test_boxes_that_count_from_1_are_a_fault_and_the_same_box_twice_is_none(tmp_path):
    recording = film(tmp_path / "a.mp4", walker, 4)
    (remark,) = written_track(recording, [{**BOX, "frame": f"{n}.0"} for n in (1, 2, 3, 4)], tmp_path / "b").remarks
    assert remark.line.endswith("frames count from 0")
    assert remark.is_fault
    assert written_track(recording, [BOX, BOX], tmp_path / "b").remarks == ()


def test_a_camera_that_moves_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (96, 256, 3), dtype=np.uint8)

    def pan(picture, number):
        picture[:] = np.roll(noise, 5 * number, axis=1)[:, :128]

    with pytest.raises(InputError, match="the camera or the light does not keep still"):
        found_track(film(tmp_path / "a.mp4", pan), None)


def relieved(picture, number):
    """One goes out to the left, then another one comes in."""
    if number < 35:
        walker(picture, number, start=75, step=-2)
    else:
        walker(picture, number, BLUE, start=228, step=-3)


def test_somebody_in_other_clothes_is_not_the_same_person(tmp_path):
    track = found_track(film(tmp_path / "a.mp4", relieved), None)
    (remark,) = track.remarks
    assert "somebody in other clothes in" in remark.line
    assert remark.is_fault
    assert np.isfinite(track.boxes[:20, 0]).all()
    assert np.isnan(track.boxes[40:, 0]).all()


def test_cameras_that_each_show_another_person_are_refused(tmp_path):
    red = found_track(film(tmp_path / "a.mp4", walker), None)
    blue = found_track(film(tmp_path / "b.mp4", lambda picture, number: walker(picture, number, BLUE)), None)
    grey = found_track(film(tmp_path / "c.mp4", lambda picture, number: walker(picture, number, (200, 200, 200))), None)
    with pytest.raises(InputError, match=r"walk: a and b show people in clothes of other colours; give boxes.csv"):
        require_one_person({"a": red, "b": blue}, "walk")
    require_one_person({"a": red, "again": red, "without colours": grey}, "walk")


def test_motion_decodes_a_video_once(tmp_path, monkeypatch):
    opened = []
    read = motion_boxes.read_pictures
    monkeypatch.setattr(motion_boxes, "read_pictures", lambda *given: (opened.append(given), read(*given))[1])
    recording = film(tmp_path / "a.mp4", walker)
    found_track(recording, None)
    assert len(opened) == 1
