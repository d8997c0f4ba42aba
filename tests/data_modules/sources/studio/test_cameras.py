import numpy as np
import pytest

from data_modules.sources.studio.cameras import pixel_grid, studio_cameras
from data_modules.sources.studio.config import PRESETS

CONFIG = PRESETS["studio"]


def test_four_cameras_look_into_the_room_from_its_corners():
    cameras = studio_cameras(CONFIG)
    assert list(cameras) == sorted(cameras)
    centers = np.stack([camera.center_world_mm for camera in cameras.values()])
    np.testing.assert_allclose(np.linalg.norm(centers[:, :2], axis=1), CONFIG.camera_distance_mm)
    np.testing.assert_allclose(centers[:, 2], CONFIG.camera_height_mm, atol=100)
    assert np.abs(centers[:, :2]).max() < CONFIG.room_half_width_mm
    assert len(np.unique(np.sign(centers[:, :2]), axis=0)) == 4
    for camera in cameras.values():
        np.testing.assert_allclose(camera.project(np.array([0.0, 0.0, 950.0])), 500.0, atol=0.5)


def test_the_second_site_has_five_cameras_where_the_first_has_none():
    first, second = (
        [camera.center_world_mm for camera in studio_cameras(PRESETS[name]).values()] for name in ("studio", "studio-b")
    )
    assert len(second) == 5
    between_mm = np.linalg.norm(np.array(first)[:, None] - np.array(second), axis=-1)
    assert between_mm.min() > 500
    heights_mm = np.array(second)[:, 2]
    assert np.ptp(heights_mm) == pytest.approx(1000)
    assert np.abs(np.array(second)[:, :2]).max() < PRESETS["studio-b"].room_half_width_mm


def test_pixel_grid_samples_pixel_centres():
    box = (10.0, 20.0, 40.0)
    np.testing.assert_allclose(pixel_grid(box, (4, 4))[0, 0, 0], [15.0, 25.0])
    np.testing.assert_allclose(pixel_grid(box, (4, 4))[3, 1, 0], [25.0, 55.0])
    fine = pixel_grid(box, (4, 4), samples=2)
    assert fine.shape == (4, 4, 4, 2)
    np.testing.assert_allclose(fine.mean(axis=2), pixel_grid(box, (4, 4))[:, :, 0])
    assert pixel_grid(box, (4, 2)).shape == (2, 4, 1, 2)
