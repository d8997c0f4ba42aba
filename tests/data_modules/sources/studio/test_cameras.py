from dataclasses import replace

import numpy as np

from data_modules.sources.studio.cameras import pixel_grid, studio_cameras
from data_modules.sources.studio.config import PRESETS

DRAWS = [list(studio_cameras(replace(PRESETS["studio"], seed=seed).with_cameras(6)).values()) for seed in range(20)]


def test_cameras_differ_in_place_lens_and_roll():
    centers = np.array([[camera.center_world_mm for camera in cameras] for cameras in DRAWS]).reshape(-1, 3)
    away = np.linalg.norm(centers[:, :2], axis=1)
    assert 3300 <= away.min() < 3600
    assert 5200 < away.max() <= 5500
    assert np.ptp(centers[:, 2]) > 1100
    focal = np.array([camera.intrinsics_px[0, 0] for cameras in DRAWS for camera in cameras])
    assert np.percentile(focal, 90) / np.percentile(focal, 10) > 1.4
    # The camera's x axis is level but for the roll.
    roll_deg = np.degrees([np.arcsin(camera.rot_world_to_cam[0, 2]) for cameras in DRAWS for camera in cameras])
    assert 1 < np.std(roll_deg) < 4
    assert np.abs(roll_deg).max() < 6


def test_every_camera_sees_whoever_stays_in_the_free_disc_from_head_to_foot():
    around = np.linspace(0, 2 * np.pi, 60)
    rim = 1850 * np.stack([np.cos(around), np.sin(around)], axis=-1)
    points = np.concatenate([np.insert(rim, 2, height, axis=1) for height in (0, 1000, 1950)])
    for cameras in DRAWS:
        for camera in cameras:
            pixels = camera.project(points)
            assert ((pixels > 0) & (pixels < camera.size_px)).all()
            spread = np.ptp(pixels, axis=0).max()
            assert spread > 0.5 * camera.size_px[0]


def test_cameras_stand_apart_however_many_there_are():
    for cameras in DRAWS:
        azimuth = np.array([np.arctan2(*camera.center_world_mm[1::-1]) for camera in cameras])
        for count in (2, 3, 4, 6):
            apart = np.abs(np.angle(np.exp(1j * (azimuth[:count, None] - azimuth[:count]))))
            assert apart[np.triu_indices(count, 1)].min() > np.radians(20)


def test_the_first_cameras_are_the_same_whatever_their_number():
    studio = PRESETS["studio"]
    four, two = studio_cameras(studio), studio_cameras(studio.with_cameras(2))
    assert list(two) == list(four)[:2]
    for name, camera in two.items():
        assert camera.to_dict() == four[name].to_dict()


def test_pixel_grid_samples_pixel_centres():
    box = (10.0, 20.0, 40.0)
    np.testing.assert_allclose(pixel_grid(box, (4, 4))[0, 0, 0], [15.0, 25.0])
    np.testing.assert_allclose(pixel_grid(box, (4, 4))[3, 1, 0], [25.0, 55.0])
    fine = pixel_grid(box, (4, 4), samples=2)
    assert fine.shape == (4, 4, 4, 2)
    np.testing.assert_allclose(fine.mean(axis=2), pixel_grid(box, (4, 4))[:, :, 0])
    assert pixel_grid(box, (4, 2)).shape == (2, 4, 1, 2)
