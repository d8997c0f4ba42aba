"""Damage within a video: pictures that it reaches are missing, and no picture that is read shows it."""

import av
import cv2
import numpy as np
import pytest

from data_modules.video_files import NotDecodedError, VideoReader

FRAMES, KEY_EVERY = 60, 20


def film(path, codec, **options):
    """Frames that move, so that each is made from others."""
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8), (0, 0), 2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30, options={"g": str(KEY_EVERY)} | options)
        stream.width, stream.height = 96, 64
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.roll(texture, 3 * number, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def pictures(path):
    """Those that can be read, by number."""
    found = {}
    with VideoReader(path) as video:
        for number in range(FRAMES):
            try:
                found[number] = video.read(number).astype(int)
            except NotDecodedError:
                continue
    return found


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("b_pictures.mkv", "libx264", {"bf": "3"}),
        ("b_pictures.avi", "libx264", {"bf": "3"}),  # without times of display
        ("a.mp4", "libx264", {"bf": "0"}),
        ("a.avi", "mpeg4", {}),
        ("photos.avi", "mjpeg", {}),
    ],
)
@pytest.mark.parametrize("damaged", [25, 31])
def test_damage_reaches_no_picture_that_is_read(tmp_path, name, codec, options, damaged):
    path = tmp_path / name
    film(path, codec, **options)
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][damaged]
        middle, end = packet.pos + packet.size // 2, packet.pos + packet.size
    whole, content = pictures(path), bytearray(path.read_bytes())
    assert len(whole) == FRAMES
    content[middle:end] = bytes(255 - value for value in content[middle:end])
    path.write_bytes(content)
    found = pictures(path)
    assert len(found) < FRAMES
    assert all(np.abs(found[number] - whole[number]).max() <= 3 for number in found)
    assert found.keys() >= {*range(16), *range(2 * KEY_EVERY, FRAMES)}
