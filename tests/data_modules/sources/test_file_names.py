"""Which files of a folder are read, and in which order."""

import shutil

import pytest

from data_modules.cli import main
from data_modules.sources.doctor import diagnose
from data_modules.sources.file_names import numbered_images
from data_modules.sources.footage.recordings import recordings_in
from data_modules.store import open_store
from mcss.errors import InputError


@pytest.fixture
def folder(tmp_path):
    """A function that makes empty files in a folder, which it returns."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return make


@pytest.mark.parametrize("form", ["{}.jpg", "{:03d}.png", "IMG_20260101_{}.JPG", "cam2 ({}).jpeg", "{:04d}_cam2.png"])
def test_images_follow_their_numbers(folder, form):
    names = [form.format(number) for number in range(1, 101)]
    assert [path.name for path in numbered_images(folder(*names)).values()] == names


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("1.jpg", "first.jpg"), "first.jpg: has no number in its name; number the images"),
        (("1.jpg", "01.jpg"), "images 01.jpg and 1.jpg are not numbered in one way; rename or remove one"),
        (("1.jpg", "1.png"), "images 1.jpg and 1.png are not numbered in one way"),
        (("a_1.jpg", "b_2.jpg"), "images a_1.jpg and b_2.jpg are not numbered in one way"),
        (("1_1.jpg", "2_2.jpg"), "images 1_1.jpg and 2_2.jpg are not numbered in one way"),
        (("1.jpg", "2 (1).jpg"), "images 1.jpg and 2 \\(1\\).jpg are not numbered in one way"),
    ],
)
def test_names_that_do_not_tell_the_order_are_refused(folder, names, message):
    with pytest.raises(InputError, match=message):
        numbered_images(folder(*names))


def test_files_of_the_operating_system_are_no_recordings(folder):
    path = folder("front.mp4", "._front.mp4", "back/1.jpg", "back/._1.jpg", ".trash/1.jpg", "side/._2.png")
    assert [recording.name for recording in recordings_in(path)] == ["back", "front.mp4"]
    assert len(numbered_images(path / "back")) == 1


def test_what_is_not_read_is_named(copied_source, tmp_path, capsys):
    source = copied_source("videos")
    clip = source / "Ann/talk"
    unread = [clip / "back/notes.txt", clip / "left.insv"]
    for path in (*unread, clip / "._front.mp4", clip / "back/.DS_Store"):
        path.write_bytes(b"")
    shutil.copytree(clip, source / ".trash/talk")
    assert [line.split(": ")[0] for line in diagnose(source).found if "not read" in line] == list(map(str, unread))
    arguments = ["import", "videos", "--source", str(source), "--size", "32", "--workers", "1", "--subjects", "Ann"]
    main([*arguments, "--out", str(tmp_path / "store")])
    assert open_store(tmp_path / "store").meta.excluded[1:] == (  # the first is about all clips
        {"sequence": "Ann/talk/1", "reason": f"not read: {unread[0]}, {unread[1]}"},
    )
    assert "  Ann/talk/1: not read: " in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*arguments, "--out", str(tmp_path / "strict"), "--strict"])
    assert f"{unread[1]}: not read; <subject>/<clip>/<camera>.mp4 is, and poses" in capsys.readouterr().err
