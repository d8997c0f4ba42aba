"""Pictures at the times that their files say: containers that round, frames that do not decode, numbers that miss."""

import re
from fractions import Fraction

import av
import numpy as np
import pytest

from data_modules.sources.footage.chapters import require_no_chapters, require_no_successors
from data_modules.sources.footage.image_numbers import on_one_count
from data_modules.sources.footage.recordings import frame_time_s, match_frames, read_pictures, read_recording
from data_modules.video_files import NotDecodedError, VideoReader, frame_times_s
from mcss.errors import InputError


def picture(number):
    """A picture that says its number in 8 bits, black or white."""
    image = np.zeros((16, 64, 3), np.uint8)
    for bit in range(8):
        image[:, 8 * bit : 8 * bit + 8] = 255 * (number >> bit & 1)
    return image


def number_of(image):
    return sum(int(image[8, 8 * bit + 4].mean() > 127) << bit for bit in range(8))


def write(path, count, fps=60, codec="libx264", options=None, stamps=None, metadata=None, container=None):
    """Frames of consecutive numbers; ``stamps`` in milliseconds where the rate is not constant."""
    with av.open(str(path), "w", options=container or {}) as file:
        file.metadata.update(metadata or {})
        stream = file.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = 64, 16, "yuv420p"
        stream.options = {"crf": "12", **(options or {})}
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            if stamps is not None:
                frame.pts, frame.time_base = stamps[number], Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


@pytest.mark.parametrize(("name", "fps"), [("a.mkv", 60), ("a.mkv", 30), ("a.mp4", 60)])
def test_an_offset_in_frames_is_the_files_own_time_of_that_frame(tmp_path, name, fps):
    write(tmp_path / name, 200, fps)
    write(tmp_path / "other.mp4", 60, fps)
    late = read_recording(tmp_path / name, {"offset_frames": "140"})
    other = read_recording(tmp_path / "other.mp4", {})
    matched = match_frames([other.time_s, late.time_s], 0)
    assert matched.tolist() == [[n, 140 + n] for n in range(60)]
    assert late.fps == pytest.approx(fps, rel=1e-3)


def test_variable_frame_rates_keep_each_frames_time(tmp_path):
    stamps = [0, 33, 67, 100, 400, 433, 467, 500]
    recording = read_recording(write(tmp_path / "a.mkv", 8, 30, stamps=stamps), {"offset_frames": "4"})
    np.testing.assert_allclose(recording.time_s, np.array(stamps) / 1000 - 0.4, atol=1e-9)


def test_the_time_of_a_frame_beyond_the_file_follows_the_rate():
    time_s = np.array([2.0, 2.1, 2.2])
    assert frame_time_s(time_s, 20.0) == pytest.approx(2.0)
    assert frame_time_s(time_s, 25.0) == pytest.approx(2.5)
    assert frame_time_s(time_s, 21.5) == pytest.approx(2.15)


@pytest.fixture(scope="module")
def open_gop(tmp_path_factory):
    """HEVC cut at an open group of pictures: its first pictures refer to what was cut off, and do not decode."""
    folder = tmp_path_factory.mktemp("gop")
    options = {"x265-params": "keyint=20:min-keyint=20:open-gop=1:bframes=3:b-adapt=0:scenecut=0:log-level=none"}
    whole = write(folder / "whole.mp4", 64, 25, "libx265", options)
    cut = folder / "cut.mkv"
    with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        begun = 0
        for packet in source.demux(stream):
            begun += bool(packet.is_keyframe)
            if begun >= 2 and packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return cut


def test_pictures_that_do_not_decode_move_no_other(open_gop):
    recording = read_recording(open_gop, {})
    announced = frame_times_s(open_gop)
    read = {picture: number_of(image) for picture, image in read_pictures(recording, range(len(recording.time_s)))}
    missing = len(announced) - len(recording.time_s)
    assert missing > 0
    assert recording.gap == f"the first {missing} of {len(announced)} frames cannot be decoded"
    # Frame numbers and times advance alike: 25 a second.
    first = read[0]
    assert [number - first for number in read.values()] == list(range(len(read)))
    np.testing.assert_allclose(recording.time_s - recording.time_s[0], np.arange(len(read)) / 25, atol=2e-3)
    assert recording.time_s[0] == pytest.approx(announced[missing], abs=1e-9)


def test_a_frame_that_does_not_decode_is_no_other_frame(open_gop):
    with VideoReader(open_gop) as video, pytest.raises(NotDecodedError, match=r"cannot be decoded \(frame 0 of"):
        video.read(0)


@pytest.mark.parametrize(("numbers", "late_s"), [((range(20), range(6, 20)), 0.6), ((range(6, 20), range(6, 20)), 0.0)])
def test_folders_that_end_with_one_number_are_one_count(tmp_path, numbers, late_s):
    a, b = folders(tmp_path, numbers)
    assert on_one_count([a, b], [{}, {}])[0] is a
    other = on_one_count([a, b], [{}, {}])[1]
    np.testing.assert_allclose(other.time_s, b.time_s + late_s)
    assert ("begin with number 6, 6 later than those of a" in other.gap) == bool(late_s)
    assert on_one_count([a, b], [{"offset_frames": "0"}, {"offset_frames": "0"}]) == [a, b]


def test_folders_that_neither_begin_nor_end_with_one_number_are_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"begin with number 6, those of a with 0; write in column offset_frames .* -6 if"
    ):
        on_one_count(folders(tmp_path, (range(20), range(6, 26))), [{}, {}])


def folders(folder, numbers):
    found = []
    for name, own in zip("ab", numbers, strict=True):
        (folder / name).mkdir()
        for number in own:
            (folder / name / f"{number:03d}.png").write_bytes(b"not read")
        found.append(read_recording(folder / name, {"fps": "10"}))
    return found


def test_a_picture_halfway_between_two_instants_belongs_to_the_earlier_one():
    instants = np.arange(20) / 25
    matched = match_frames([instants, instants + 0.02], 0)[:, 1]
    assert matched.tolist() == [-1, *range(19)] or matched.tolist() == [0, -1, *range(1, 19)]
    assert len(set(matched[matched >= 0].tolist())) == (matched >= 0).sum()


@pytest.mark.parametrize("pattern", ["{:06d}.png", "view_{}.png"])
def test_images_whose_numbers_miss_keep_their_times(tmp_path, pattern):
    from PIL import Image

    folder = tmp_path / "front"
    folder.mkdir()
    for number in (3, 4, 7, 12):
        Image.fromarray(picture(number)).save(folder / pattern.format(number))
    recording = read_recording(folder, {"fps": "10", "offset_frames": "2"})
    np.testing.assert_allclose(recording.time_s, np.array([0, 1, 4, 9]) / 10 - 0.2)
    assert [number_of(image) for _, image in read_pictures(recording, range(4))] == [3, 4, 7, 12]
    assert recording.gap == "6 of 10 numbers are missing, the first is 5"


@pytest.mark.parametrize(
    "names",
    [
        ("GX010042.MP4", "GX020042.MP4"),
        ("GOPR0042.MP4", "GP010042.MP4"),
        ("left_part1.mov", "left_part2.mov"),
        ("DJI_0001.MP4", "DJI_0002.MP4"),
        ("DJI_20260501_0007_D.MP4", "DJI_20260501_0008_D.MP4"),
        ("C0001.MP4", "C0002.MP4"),
        ("P1000007.MP4", "P1000008.MP4"),
        ("00007.MTS", "00008.MTS"),
        ("MAH00012.MP4", "MAH00013.MP4"),
        ("DJI_20230501101010_0001_D.MP4", "DJI_20230501101510_0002_D.MP4"),
        ("VID_20230501_101010_00_001.mp4", "VID_20230501_101210_00_002.mp4"),
        ("IMG_0012.MOV", "IMG_E0012.MOV"),
        ("PXL_20230501_101010123.mp4", "PXL_20230501_101010123~2.mp4"),
        ("front.mp4", "front (1).mp4"),
    ],
)
def test_chapters_by_name_are_not_two_cameras(tmp_path, names):
    with pytest.raises(
        InputError, match=re.escape(f"{names[0]} and {names[1]}") + " look like chapters of one recording"
    ):
        require_no_chapters([tmp_path / name for name in names])


def test_names_of_cameras_are_no_chapters(tmp_path):
    require_no_chapters(
        [
            tmp_path / name
            for name in (
                "GX010042.mp4",
                "GX010071.mp4",
                "cam1.mp4",
                "cam2.mp4",
                "IMG_0007.mov",
                "IMG_4321.mov",
                "54138969.mp4",
                "54138970.mp4",
                "00001.mp4",
                "00002.mp4",
                "cam0001.mp4",
                "cam0002.mp4",
                "view (1).mp4",
                "view (2).mp4",
                "VID_20230501_101010.mp4",
                "VID_20230501_101011.mp4",
            )
        ]
    )


def test_the_time_in_a_phones_name_tells_the_next_chapter(tmp_path):
    names = ("VID_20230501_101000", "PXL_20230501_101000123", "VID_20230501_101008")
    together, other, next_one = (write(tmp_path / f"{name}.mp4", 80, 10) for name in names)
    require_no_successors([together, other])
    with pytest.raises(InputError, match=r"101000.mp4 and VID_20230501_101008.mp4 look like chapters"):
        require_no_successors([together, next_one])


def test_clocks_with_and_without_a_zone_are_compared(tmp_path):
    videos = [
        write(tmp_path / f"{name}.mkv", 80, 10, metadata={"creation_time": time})
        for name, time in (("a", "2026-05-01T10:00:00"), ("b", "2026-05-01T10:00:08+00:00"))
    ]
    with pytest.raises(InputError, match="look like chapters"):
        require_no_successors(videos)


@pytest.mark.parametrize(("second", "is_refused"), [("10:00:08", True), ("10:00:00", False), ("10:00:03", False)])
def test_a_recording_that_begins_where_another_ends_is_not_a_second_camera(tmp_path, second, is_refused):
    videos = [
        write(tmp_path / f"{name}.mp4", 80, 10, metadata={"creation_time": f"2026-05-01T{time}Z"})
        for name, time in (("DJI_0001", "10:00:00"), ("DJI_0002", second))
    ]
    if is_refused:
        with pytest.raises(InputError, match=r"DJI_0001.mp4 and DJI_0002.mp4 look like chapters"):
            require_no_successors(videos)
    else:
        require_no_successors(videos)


@pytest.mark.parametrize(("name", "lost"), [("a.mp4", "of 60 frames"), ("a.mkv", "the last")])
def test_a_file_that_ends_before_what_its_header_announces_is_said(tmp_path, name, lost):
    path = write(tmp_path / name, 60, 20, "mpeg4", container={"movflags": "faststart"} if name == "a.mp4" else None)
    assert read_recording(path, {}).cut == ""
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 4])
    assert lost in read_recording(path, {}).cut
