"""A lab's videos: phones held upright, nobody's boxes, clocks that disagree."""

import os
import re
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import simplejpeg

from data_modules.cli import main
from data_modules.frames import ImageReader, read_image
from data_modules.sources.base import VideoFrame
from data_modules.sources.footage import person_boxes
from data_modules.sources.footage.detector_boxes import Detector
from data_modules.sources.footage.recordings import Recording, match_frames, read_recording
from data_modules.sources.footage.tracks import Track, found_track
from data_modules.sources.footage.videos import Videos
from data_modules.sources.studio.clips import Studio
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.render import render_view
from data_modules.store import open_store
from data_modules.video_files import VideoReader, frame_times_s
from mcss.errors import InputError
from tests.references.layouts.faults import edit_text
from tests.references.video_files import write_video

pytestmark = pytest.mark.slow

PHONE_PX = (108, 192)
FPS = 5
CONFIG = replace(PRESETS["tiny"], instants=16, frame_step=10)  # a fifth of a second apart
OFFSET_FRAMES = {"54138969": 0, "55011271": 3, "58860488": 1, "60457274": 2}


@pytest.fixture(scope="module")
def phones(tmp_path_factory):
    """Four upright phones around a person who walks; returns the folder and the person's masks."""
    studio = Studio(CONFIG, ["S1"])
    posture = studio.perform("S1", "Walking", 1)
    backdrops = {name: studio.backdrop(studio.framed(name, PHONE_PX)) for name in OFFSET_FRAMES}
    folder, rng = tmp_path_factory.mktemp("phones"), np.random.default_rng(0)
    frames, masks = ({name: [] for name in OFFSET_FRAMES} for _ in range(2))
    for instant in range(CONFIG.instants):
        scene = studio.scene("S1", posture, instant)
        for name in OFFSET_FRAMES:
            light, mask = render_view(scene, backdrops[name], (0.0, 0.0, float(PHONE_PX[0])), PHONE_PX)
            frames[name].append(np.clip(255 * light + rng.normal(0, 3, light.shape), 0, 255).astype(np.uint8))
            masks[name].append(mask)
    sync = ["video,offset_s"]
    for name, early in OFFSET_FRAMES.items():
        write_video(folder / f"Ann/walk/{name}.mp4", frames[name][:1] * early + frames[name], FPS, portrait=True)
        sync.append(f"Ann/walk/{name},{early / FPS}")
    (folder / "sync.csv").write_text("\n".join(sync) + "\n")
    return folder, masks


def overlap(box, mask):
    """Intersection over union of a (left, top, right, bottom) box and the box of a mask."""
    rows, columns = np.nonzero(mask)
    true = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    low, high = np.maximum(box[:2], true[:2]), np.minimum(box[2:], true[2:])
    shared = np.prod(np.maximum(high - low, 0))
    return shared / (np.prod(box[2:] - box[:2]) + np.prod(true[2:] - true[:2]) - shared)


def test_videos_of_upright_phones_are_read_upright(phones):
    folder, masks = phones
    with VideoReader(folder / "Ann/walk/54138969.mp4") as video:
        first, last = (video.read(frame).astype(float) for frame in (0, CONFIG.instants - 1))
    assert first.shape == (192, 108, 3)
    changed = np.abs(first - last).max(axis=2)  # where the person was and is no longer, or came to
    person = cv2.erode((masks["54138969"][0] & ~masks["54138969"][-1]).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert np.median(changed[person]) > 4 * np.median(changed)


def test_the_moving_person_is_boxed_without_help(phones):
    folder, masks = phones
    for name, early in OFFSET_FRAMES.items():
        recording = read_recording(folder / f"Ann/walk/{name}.mp4", {})
        boxes = found_track(recording, None).boxes[early:]
        overlaps = [overlap(box, mask) for box, mask in zip(boxes, masks[name], strict=True)]
        assert np.median(overlaps) > 0.6  # of a person 25 to 50 pixels high
        assert min(overlaps) > 0.3


def test_phone_clips_become_square_crops_of_one_moment(phones, tmp_path):
    folder, masks = phones
    main(["import", "videos", "--source", str(folder), "--out", str(tmp_path / "store"), "--size", "64", "--strict"])
    store = open_store(tmp_path / "store")
    assert len(store) == 4 * CONFIG.instants
    np.testing.assert_allclose(store.time_s[::4], np.arange(CONFIG.instants) / FPS, atol=1e-6)
    assert not store.has_pose.any()
    for row in range(len(store)):
        rows, columns = np.nonzero(masks[str(store.camera[row])][row // 4])
        x, y, side = store.box[row]
        inside = (rows >= y) & (rows < y + side) & (columns >= x) & (columns < x + side)
        assert inside.mean() > 0.85
        assert side < 1.6 * max(np.ptp(rows), np.ptp(columns))


@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("sync.csv", "0.06", "0.05", {("Ann", "talk", 1)}),
        ("boxes.csv", "\n0,", "\n9,", {("Ann", "talk", 1)}),
        ("markers.csv", "HeadTop", "Neck", {("Ann", "talk", 1), ("Ann", "walk", 1), ("Zoe", "talk", 1)}),
        ("Ann/walk/poses.trc", "m", "mm", {("Ann", "walk", 1)}),
    ],
)
def test_a_table_changes_the_clips_that_it_is_about(name, old, new, changed, copied_source):
    source = copied_source("videos")
    clips = sorted(Videos(source).clips())
    before = {clip: Videos(source).fingerprint(clip) for clip in clips}
    edit_text(source / name, old, new)
    assert {clip for clip in clips if Videos(source).fingerprint(clip) != before[clip]} == changed


def test_without_offsets_the_views_would_not_belong_together(phones, tmp_path):
    folder, _ = phones
    times = [frame_times_s(folder / f"Ann/walk/{name}.mp4") for name in OFFSET_FRAMES]
    assert [len(time) for time in times] == [CONFIG.instants + early for early in OFFSET_FRAMES.values()]
    together = match_frames([time - early / FPS for time, early in zip(times, OFFSET_FRAMES.values(), strict=True)], 0)
    np.testing.assert_array_equal(together - together[0], np.arange(CONFIG.instants)[:, None].repeat(4, axis=1))
    np.testing.assert_array_equal(together[0], list(OFFSET_FRAMES.values()))


def test_frames_without_a_box_give_no_instant_and_are_counted(copied_source, tmp_path, monkeypatch):
    def nobody_in_frame_3(recording, detector):
        boxes = np.full((len(recording.time_s), 4), (20.0, 30.0, 100.0, 120.0))
        boxes[3] = np.nan if recording.camera == "back" else boxes[3]
        return Track(boxes)

    monkeypatch.setattr(person_boxes, "found_track", nobody_in_frame_3)
    source = copied_source("videos")
    (source / "boxes.csv").unlink()
    arguments = ["--size", "32", "--workers", "1", "--subjects", "Zoe", "--out", str(tmp_path / "store")]
    main(["import", "videos", "--source", str(source), *arguments])
    store = open_store(tmp_path / "store")
    assert sorted(set(store.frame.tolist())) == [2, 4, 5, 6, 7]  # of the slowest camera, who is "back"
    left_out = next(item for item in store.meta.excluded if item["sequence"] == "Zoe/talk/1")
    assert re.match("1 skipped: .*Zoe/talk: no box of the person for camera back", left_out["reason"])


@pytest.mark.parametrize("link", ["Bob", "Bob/talk", "Ann/talk/other.mp4"])
def test_a_link_to_a_recording_is_no_other_one(copied_source, link):
    source = copied_source("videos")
    (source / link).parent.mkdir(exist_ok=True)
    (source / link).symlink_to(source / link.replace("Bob", "Ann").replace("other", "front"))
    with pytest.raises(InputError, match=r"is a link to the same recording as .*; remove one of them"):
        Videos(source).clips()


def test_a_name_that_is_not_in_utf_8_is_refused(copied_source):
    source = copied_source("videos")
    os.rename(source / "Ann", os.fsencode(source) + b"/Ann\xff")
    with pytest.raises(InputError, match=r"the name Ann\\udcff/talk/back is not in UTF-8; rename it"):
        Videos(source).clips()


def test_what_cannot_be_a_clip_is_not_imported(copied_source, tmp_path, capsys):
    """The doctor asks for the files of a clip; the import has to do so, too."""
    source = copied_source("videos")
    for name, other in (("front", "GX010042"), ("side", "GX020042")):
        (source / f"Ann/talk/{name}.mp4").rename(source / f"Ann/talk/{other}.mp4")
        for table in (source / "boxes.csv", source / "sync.csv"):
            table.write_text(table.read_text().replace(f"Ann/talk/{name}", f"Ann/talk/{other}"))
    arguments = ["--source", str(source), "--out", str(tmp_path / "store"), "--workers", "1", "--size", "32"]
    main(["import", "videos", *arguments])
    assert "Ann/talk/1: 1 skipped: " in capsys.readouterr().out
    assert "Ann/talk/1" not in open_store(tmp_path / "store").clip_names


def test_frames_of_another_size_give_no_instant(copied_source, tmp_path):
    source = copied_source("videos")
    image = source / "Zoe/talk/back/0004.jpg"
    image.write_bytes(simplejpeg.encode_jpeg(np.zeros((40, 40, 3), np.uint8)))
    arguments = ["--source", str(source), "--out", str(tmp_path / "store"), "--workers", "1", "--size", "32"]
    main(["import", "videos", "--subjects", "Zoe", *arguments])
    reasons = [item["reason"] for item in open_store(tmp_path / "store").meta.excluded]
    assert any("frames of camera back differ in size" in reason and "1 skipped" in reason for reason in reasons)


def test_copies_are_said_once(copied_source):
    source = copied_source("videos")
    shutil.copytree(source / "Ann/talk", source / "Bob/talk")
    videos = Videos(source)
    assert "Bob/talk/front is a copy of Ann/talk/front, and 2 videos more" in videos.notes(sorted(videos.clips()))[-1]


def test_what_boxes_do_not_tell_is_said(copied_source, monkeypatch):
    source = Videos(copied_source("videos"))
    still, alike = "cameras stood still", "people are dressed alike"
    (given,) = source.notes(source.clips())
    assert still in given
    (source.source / "boxes.csv").unlink()
    (moving,) = source.notes(source.clips())  # a camera that moves is refused there
    assert alike in moving
    monkeypatch.setattr("data_modules.sources.footage.detector_boxes.available_detector", lambda: Detector("COCO_V1"))
    monkeypatch.setattr("data_modules.sources.footage.detector_boxes.load_detector", lambda weights: None)
    source.prefer_detector(source.clips())
    detected = source.notes(source.clips())
    assert [alike in detected[0], still in detected[1]] == [True, True]


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_frames_that_a_phone_has_cut_off_are_none(tmp_path, suffix):
    path = tmp_path / f"cut.{suffix}"
    write_video(path, [np.full((32, 32, 3), 8 * number, np.uint8) for number in range(30)], 25, trimmed=10)
    np.testing.assert_allclose(frame_times_s(path), np.arange(20) / 25)
    with VideoReader(path) as video:
        for frame in range(20):
            assert abs(float(video.read(frame).mean()) - 8 * (10 + frame)) < 3


def test_cameras_of_which_a_clip_has_none_are_said(sources, tmp_path, capsys):
    arguments = ["--source", str(sources("videos")), "--out", str(tmp_path / "store"), "--cameras", "left", "right"]
    with pytest.raises(SystemExit):
        main(["import", "videos", *arguments, "--workers", "1"])
    assert "Ann/talk: has no camera left or right; there are back, front, side, top" in capsys.readouterr().err


def test_nobody_who_moves_is_said(tmp_path):
    still = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    write_video(tmp_path / "still.mp4", [still] * 8, FPS)
    with pytest.raises(InputError, match=r"still.mp4: a moving person was found in 0 of 8 frames; give the boxes"):
        found_track(read_recording(tmp_path / "still.mp4", {}), None)


def slow_match(times, reference):
    """Half a millisecond is given to the earlier of two pictures; none is taken twice."""
    interval = np.median(np.diff(times[reference]))
    matches, before = [], [-1] * len(times)
    for instant in times[reference]:
        nearest = [int(np.argmin([abs(time - instant + 5e-4) for time in other])) for other in times]
        near = [abs(o[n] - instant) <= interval / 2 + 1e-3 for o, n in zip(times, nearest, strict=True)]
        row = [n if is_near and n != b else -1 for n, is_near, b in zip(nearest, near, before, strict=True)]
        matches.append(row)
        before = [n if is_near else -1 for n, is_near in zip(nearest, near, strict=True)]
    return matches


def test_frames_are_matched_as_by_a_loop():
    rng = np.random.default_rng(0)
    for _ in range(50):
        times = [
            np.cumsum(rng.uniform(0.5, 1.5, rng.integers(2, 20)) / fps) + rng.uniform(-1, 1) for fps in (10, 25, 30)
        ]
        np.testing.assert_array_equal(match_frames(times, 0), slow_match(times, 0))


def test_a_single_frame_matches_itself_only():
    np.testing.assert_array_equal(match_frames([np.array([1.0]), np.array([0.0, 1.0, 2.0])], 0), [[0, 1]])


def test_offsets_in_frames_are_of_the_recordings_own_rate(tmp_path):
    write_video(tmp_path / "fast.mp4", [np.zeros((32, 32, 3), np.uint8)] * 10, 50)
    recording = read_recording(tmp_path / "fast.mp4", {"offset_frames": "5"})
    np.testing.assert_allclose(recording.time_s, np.arange(10) / 50 - 0.1)
    assert recording.fps == pytest.approx(50)


def test_photos_are_turned_by_their_exif_orientation(tmp_path):
    from PIL import Image

    upright = np.zeros((20, 10, 3), np.uint8)
    upright[:10] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF 2.3: the 0th row is the visual right-hand side
    Image.fromarray(np.ascontiguousarray(np.rot90(upright, 1))).save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "photo.png"), upright)


def test_videos_are_read_forward_only(tmp_path):
    write_video(tmp_path / "video.mp4", [np.full((32, 32, 3), 40 * number, np.uint8) for number in range(4)], 25)
    with ImageReader() as reader:
        for frame in (1, 3):
            image = reader.read(VideoFrame(tmp_path / "video.mp4", frame))
            assert abs(float(image.mean()) - 40 * frame) < 3
        with pytest.raises(ValueError, match="frame 1 asked for after frame 3"):
            reader.read(VideoFrame(tmp_path / "video.mp4", 1))


def test_recordings_know_their_frames(tmp_path):
    recording = Recording(tmp_path / "front.mp4", np.array([0.0]), np.array([0]))
    assert (recording.camera, recording.fps) == ("front", 1.0)
    assert recording.image(0) == VideoFrame(tmp_path / "front.mp4", 0)
