"""The page about a store: what a person has to see on it is there."""

import base64
import re

import cv2
import numpy as np
import pytest
import simplejpeg

from data_modules.cli import main
from data_modules.frame_pictures import FramePictures
from data_modules.show import TILE_PX, show_instant, write_page
from data_modules.store import StoreError, open_store
from data_modules.store.pictures import BACKGROUND, LEFT_COLOR, RIGHT_COLOR, skeleton_pictures
from mcss.skeleton import JOINTS


@pytest.fixture(scope="module")
def imported(sources, tmp_path_factory):
    """The miniature of own videos, imported by the command."""
    out = tmp_path_factory.mktemp("show") / "store"
    main(["import", "videos", "--source", str(sources("videos")), "--out", str(out), "--size", "32", "--workers", "1"])
    return out


def pictures_of(page):
    """Captions and pictures of the page, which must hold everything itself."""
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page)
    found = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)" alt="([^"]+)">', page)
    return [(what, simplejpeg.decode_jpeg(base64.b64decode(data))) for data, what in found]


def test_the_import_writes_a_page_with_every_clip_and_all_views_side_by_side(imported):
    page = (imported / "show.html").read_text()
    store = open_store(imported)
    for name in store.clip_names:
        assert f"<td>{name}</td>" in page
        assert f"<h3>{name}</h3>" in page
    pictures = pictures_of(page)
    kinds = {what for what, _ in pictures}
    assert kinds == {
        "whole frames, with the square of the crop",
        "crops",
        "the pose from the front and from the left, up is up",
    }
    crops = [picture for what, picture in pictures if what == "crops"]
    assert len(crops) == 2 * len(store.clip_names)
    assert {picture.shape for picture in crops} == {(TILE_PX, 4 * TILE_PX, 3)}
    assert cv2.imread(str(imported / "show.png")) is not None


def test_a_page_that_is_missing_is_written_by_the_next_import(imported, sources, capsys):
    before = (imported / "show.html").read_text()
    (imported / "show.html").unlink()
    main(["import", "videos", "--source", str(sources("videos")), "--out", str(imported), "--size", "32"])
    assert capsys.readouterr().out == f"{imported}: already imported\nlook at it: {imported / 'show.html'}\n"
    assert (imported / "show.html").read_text() == before


def test_what_was_left_out_is_on_the_page(copied_source, tmp_path):
    source = copied_source("videos")
    (source / "Ann/walk/<notes>.txt").write_text("none")
    (source / "film.mp4").write_bytes(b"x")
    arguments = ["--source", str(source), "--size", "32", "--workers", "1", "--subjects", "Ann"]
    main(["import", "videos", "--out", str(tmp_path / "store"), *arguments])
    page = (tmp_path / "store/show.html").read_text()
    assert "1 files (1 .mp4) that belong to no clip, such as film.mp4" in page
    assert "&lt;notes&gt;.txt" in page
    assert "Nothing was left out" not in page


def test_a_skeleton_shows_the_persons_left_at_the_right_from_the_front_and_up_is_up():
    pose = np.zeros((17, 3), np.float32)
    pose[:, 2] = 900
    for joint, x, z in (("LHip", 130, 900), ("LKnee", 130, 450), ("RHip", -130, 900), ("RKnee", -130, 450)):
        pose[JOINTS.index(joint)] = (x, 0, z)
    pose[JOINTS.index("HeadTop")] = (0, 0, 1700)
    turned = pose @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32).T
    for world in (pose, turned):
        front, _ = skeleton_pictures(world, 200)
        is_left, is_right = (np.abs(front.astype(int) - color).sum(axis=2) < 60 for color in (LEFT_COLOR, RIGHT_COLOR))
        assert np.nonzero(is_left)[1].min() >= 100 > np.nonzero(is_right)[1].max()
        assert np.nonzero(is_left)[0].max() > 130  # the knee is below the pelvis, which is in the middle
        assert np.nonzero((front != BACKGROUND).any(axis=2))[0].min() < 40


def test_the_frames_of_the_first_instant_and_of_one_in_the_second_half_are_kept(tmp_path):
    for count, kept in ((1, {0}), (2, {0, 1}), (6, {0, 4}), (9, {0, 8}), (16, {0, 8})):
        pictures = FramePictures(tmp_path / "frames")
        for number in range(count):
            frame = np.full((100, 480, 3), 90, np.uint8)
            pictures.add(number, 10 * number, {"a": (frame, (100.0, 20.0, 60.0)), "b": (frame, (-20.0, -20.0, 500.0))})
        names = {path.name for path in (tmp_path / "frames").iterdir()}
        assert names == {f"{10 * number}_{camera}.jpg" for number in kept for camera in "ab"}
    small = simplejpeg.decode_jpeg((tmp_path / "frames/0_a.jpg").read_bytes()).astype(int)
    assert small.shape == (50, 240, 3)
    assert small[25, 50, 0] > 200 > 120 > small[25, 50, 1]  # the square's left side, in red
    assert np.abs(small[25, 65] - 90).max() < 10  # its inside
    beyond = simplejpeg.decode_jpeg((tmp_path / "frames/0_b.jpg").read_bytes()).astype(int)
    assert beyond[25, 1, 0] > 200  # of a square that leaves the frame, the sides are at the frame's edge


def test_a_store_without_frames_and_calibration_shows_its_crops(store_path, tmp_path):
    page, picture = write_page(store_path, tmp_path / "page.html")
    assert (page, picture) == (tmp_path / "page.html", tmp_path / "page.png")
    store = open_store(store_path)
    instant = show_instant(store, np.arange(4))
    assert list(instant.strips) == ["crops", "the pose from the front and from the left, up is up"]
    expected = cv2.resize(simplejpeg.decode_jpeg(store.jpeg(2)), (TILE_PX, TILE_PX), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(instant.strips["crops"][:, 2 * TILE_PX : 3 * TILE_PX], expected)


def test_no_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        write_page(tmp_path / "nowhere")
