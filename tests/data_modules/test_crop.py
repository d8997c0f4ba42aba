"""The crop around a person: where its pixels come from, at any scale, and what it costs."""

import tracemalloc

import numpy as np
import pytest

from data_modules.crop import cut_square, resize, square_around


def ramps(rows, columns):
    """An image whose red tells the column and whose green tells the row, at the pixels' centres."""
    image = np.zeros((rows, columns, 3), np.uint8)
    image[..., 0] = np.arange(columns)
    image[..., 1] = np.arange(rows)[:, None]
    return image


@pytest.mark.parametrize(
    ("left", "top", "side", "size_px"),
    [
        (40.0, 30.0, 64.0, 64),
        (40.5, 30.25, 64.0, 64),
        (20.7, 11.3, 150.9, 32),
        (20.0, 20.0, 173.3, 100),
        (80.2, 90.6, 11.1, 48),
    ],
    ids=["whole", "shifted", "shrunk", "shrunk a little", "enlarged"],
)
def test_every_pixel_comes_from_its_place(left, top, side, size_px):
    """Averages and interpolations of a ramp are the ramp's value at the middle of what a pixel of the crop covers."""
    cut = cut_square(ramps(220, 250), (left, top, side), size_px).astype(float)
    step = side / size_px
    columns, rows = (start + (np.arange(size_px) + 0.5) * step - 0.5 for start in (left, top))
    np.testing.assert_allclose(cut[..., 0], np.broadcast_to(columns, (size_px, size_px)), atol=1)
    np.testing.assert_allclose(cut[..., 1], np.broadcast_to(rows[:, None], (size_px, size_px)), atol=1)


def test_what_shrinks_is_averaged():
    """Stripes of one pixel are grey once a pixel of the crop covers several of them, not black or white."""
    image = np.zeros((200, 200, 3), np.uint8)
    image[:, ::2] = 255
    cut = cut_square(image, (10.3, 10.3, 160.0), 20).astype(int)
    assert np.abs(cut - 127).max() < 20


def test_what_grows_has_no_blocks():
    """An edge of 0 to 240 enlarged 16 times rises gradually."""
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 240
    assert np.diff(cut_square(image, (18.0, 18.0, 4.0), 64)[32, :, 0].astype(int)).max() <= 16
    assert np.diff(resize(image[18:22, 18:22], 64)[32, :, 0].astype(int)).max() <= 16


def test_beyond_the_image_it_is_black():
    cut = cut_square(np.full((100, 200, 3), 200, np.uint8), (-50.0, -50.0, 100.0), 50)
    assert (cut[:24] == 0).all()
    assert (cut[:, :24] == 0).all()
    assert (cut[26:, 26:] == 200).all()


@pytest.mark.parametrize("square", [(-5760.0, -6600.0, 15360.0), (0.0, -840.0, 3840.0)], ids=["limit", "whole"])
def test_a_box_of_4k_takes_little_memory(square):
    """The square of the largest allowed box would take 708 MB, 44 MB the other."""
    image = np.full((2160, 3840, 3), 90, np.uint8)
    tracemalloc.start()
    cut = cut_square(image, square, 256)
    peak_mb = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert peak_mb < 4, f"{peak_mb:.0f} MB"
    assert (cut[128, 128] == 90).all()


@pytest.mark.parametrize(
    ("square", "message"),
    [
        ((0.0, 0.0, 801.0), r"the box \(side 801\) is much larger than the image \(200 x 100\)"),
        ((200.0, 0.0, 50.0), r"the box \(left 200, top 0, side 50\) lies outside the image \(200 x 100\)"),
        ((-50.0, 0.0, 50.0), "lies outside the image"),
        ((0.0, 100.0, 50.0), "lies outside the image"),
        ((0.0, -60.0, 50.0), "lies outside the image"),
    ],
)
def test_squares_that_show_nobody_are_refused(square, message):
    with pytest.raises(ValueError, match=message):
        cut_square(np.zeros((100, 200, 3), np.uint8), square, 32)


def test_the_square_surrounds_a_rectangle_with_its_margin():
    low, high = np.array([100.0, 50.0]), np.array([140.0, 250.0])
    assert square_around(low, high, 0.15) == pytest.approx((120 - 115, 150 - 115, 230))
    x, y, side = square_around(low, high, 0.15, jitter=(0.03, -0.03, 0.1))
    assert side == pytest.approx(253)
    assert (x, y) == pytest.approx((120 - 126.5 + 7.59, 150 - 126.5 - 7.59))


def test_a_square_is_not_rounded():
    low, high = np.array([100.3, 50.0]), np.array([140.3, 61.0])
    assert square_around(low, high, 0.1) == pytest.approx((98.3, 33.5, 44.0))
