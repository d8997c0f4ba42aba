"""Pictures as they are to be shown, whatever their file stores."""

import gc
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from data_modules.frames import read_image
from data_modules.video_files import VideoReader, shown_picture
from mcss.errors import InputError
from tests.references.video_files import write_video

GREY = np.linspace(0, 255, 12).round().astype(np.uint8).reshape(3, 4)
EXIF_ORIENTATION = 0x0112


def save(path, image, **options):
    image.save(path, **options)
    return path


def test_sixteen_bits_become_eight_by_their_range(tmp_path):
    path = save(tmp_path / "a.png", Image.fromarray(GREY.astype(np.uint16) * 257))
    np.testing.assert_array_equal(read_image(path), np.repeat(GREY[..., None], 3, axis=2))


@pytest.mark.parametrize("highest", [1.0, 255.0])
def test_floats_end_at_one_or_at_255(tmp_path, highest):
    path = save(tmp_path / "a.tif", Image.fromarray((GREY / 255 * highest).astype(np.float32)))
    np.testing.assert_allclose(read_image(path)[..., 1], GREY, atol=1)


def test_numbers_without_a_known_range_are_refused(tmp_path):
    path = save(tmp_path / "a.tif", Image.fromarray(GREY.astype(np.float32) - 40))
    with pytest.raises(InputError, match=r"a.tif: .*go from -40 to 215, save it with 8 bits"):
        read_image(path)


def test_transparent_pixels_are_black_and_palettes_are_colours(tmp_path):
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0], rgba[1] = (200, 100, 50, 255), (200, 100, 50, 0)
    image = read_image(save(tmp_path / "a.png", Image.fromarray(rgba)))
    np.testing.assert_array_equal(image[:, 0], [[200, 100, 50], [0, 0, 0]])
    palette = Image.fromarray(rgba[:1, :, :3]).quantize(2)
    np.testing.assert_array_equal(read_image(save(tmp_path / "p.png", palette))[0, 0], [200, 100, 50])


def test_cmyk_is_converted(tmp_path):
    path = save(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 255, 255, 0)), quality=95)
    np.testing.assert_allclose(read_image(path)[4, 4], [255, 0, 0], atol=12)


@pytest.mark.parametrize(
    ("orientation", "shown"),
    [
        (2, lambda stored: stored[:, ::-1]),
        (3, lambda stored: stored[::-1, ::-1]),
        (4, lambda stored: stored[::-1]),
        (5, lambda stored: stored.transpose(1, 0, 2)),
        (6, lambda stored: np.rot90(stored, -1)),
        (8, lambda stored: np.rot90(stored, 1)),
    ],
)
def test_photos_are_turned_and_mirrored(tmp_path, orientation, shown):
    stored = np.random.default_rng(0).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    path = save(tmp_path / "a.png", Image.fromarray(stored), exif=exif)
    np.testing.assert_array_equal(read_image(path), shown(stored))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_file_that_was_cut_off_is_one_line(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / f"a.{suffix}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=rf"a.{suffix}: not a whole image") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((1, 0, 0, 1), lambda picture: picture),
        ((-1, 0, 0, -1), lambda picture: picture[::-1, ::-1]),
        ((-1, 0, 0, 1), lambda picture: picture[:, ::-1]),
        ((1, 0, 0, -1), lambda picture: picture[::-1]),
        ((0, 1, -1, 0), lambda picture: np.rot90(picture, -1)),
        ((0, -1, 1, 0), lambda picture: np.rot90(picture, 1)),
        ((0, 1, 1, 0), lambda picture: picture.transpose(1, 0, 2)),
    ],
)
def test_display_matrices_turn_and_mirror(matrix, shown):
    """(a, b, c, d) takes column x and row y to a x + c y and b x + d y, up to a shift."""
    picture = np.random.default_rng(0).integers(0, 255, (3, 5, 3), dtype=np.uint8)
    values = np.zeros(9, np.int32)
    values[[0, 1, 3, 4]] = np.array(matrix) * 0x10000
    np.testing.assert_array_equal(shown_picture(picture, 1.0, values), shown(picture))


@pytest.mark.parametrize(("aspect", "shape"), [(4 / 3, (30, 64)), (0.5, (60, 48)), (1.0, (30, 48)), (0.0, (30, 48))])
def test_pixels_that_are_not_square_are_stretched(aspect, shape):
    assert shown_picture(np.zeros((30, 48, 3), np.uint8), aspect, None).shape[:2] == shape


def test_a_video_of_a_phone_is_shown_upright(tmp_path):
    upright = np.zeros((48, 32, 3), np.uint8)
    upright[:24] = 255
    write_video(tmp_path / "a.mp4", [upright] * 3, 25, portrait=True)
    with VideoReader(tmp_path / "a.mp4") as video:
        image = video.read(0)
    assert image.shape == (48, 32, 3)
    assert image[:20].mean() > 240 > 15 > image[28:].mean()


@pytest.mark.parametrize("colours", [1, 3])
def test_12_bits_in_16_are_refused(tmp_path, colours):
    import cv2

    picture = np.linspace(0, 4095, 48 * colours).reshape(6, 8, colours).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    with pytest.raises(InputError, match=r"as of 12 bits or fewer; save it with 8 bits"):
        read_image(tmp_path / "a.png")
    cv2.imwrite(str(tmp_path / "b.png"), picture * 16)
    np.testing.assert_allclose(read_image(tmp_path / "b.png")[..., 0], picture[..., -1] / 16, atol=1.5)


def test_a_video_of_an_unknown_kind_is_one_line(tmp_path):
    write_video(tmp_path / "a.avi", [np.zeros((32, 32, 3), np.uint8)] * 3, 25, codec="mpeg4")
    content = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "a.avi").write_bytes(content.replace(b"FMP4", b"\xffX1Y"))
    with pytest.raises(InputError, match=r"a.avi: its video is of a kind that cannot be decoded"):
        VideoReader(tmp_path / "a.avi")


def test_the_film_is_read_and_not_the_picture_of_its_title(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        title, stream = container.add_stream("mjpeg", rate=25), container.add_stream("libx264", rate=25)
        title.width, title.height, title.pix_fmt = 16, 16, "yuvj420p"
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for one, size, count in ((title, 16, 1), (stream, 64, 5)):
            for number in range(count):
                frame = av.VideoFrame.from_ndarray(np.full((size, size, 3), 40 * number, np.uint8), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(one.encode(frame))
            container.mux(one.encode())
    with VideoReader(tmp_path / "a.mkv") as video:
        assert video.read(4).shape == (64, 64, 3)


def test_frames_of_a_video_are_freed_as_they_are_read(tmp_path):
    """PyAV's frames may refer to themselves, and then stay until the next collection of garbage."""
    write_video(tmp_path / "a.mp4", [np.zeros((32, 32, 3), np.uint8)] * 30, 25)
    gc.collect()
    gc.disable()
    try:
        with VideoReader(tmp_path / "a.mp4") as video:
            for frame in range(30):
                video.read(frame)
            held = sum(type(thing) is av.VideoFrame for thing in gc.get_objects())
    finally:
        gc.enable()
    assert held <= 3
