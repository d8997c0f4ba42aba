import cv2
import numpy as np
import pytest

from mcss.geometry.camera import Camera

LENS = np.array([-0.2, 0.1, 0.001, -0.002, 0.01])


@pytest.fixture
def camera():
    return Camera.look_at(np.array([3000.0, -3200.0, 1500.0]), np.array([0.0, 100.0, 900.0]), 1150.0, (1000, 800), LENS)


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform([-900, -900, 0], [900, 900, 1900], (50, 3))


def test_projection_is_opencvs(camera, points):
    rotation, _ = cv2.Rodrigues(camera.rot_world_to_cam)
    expected, _ = cv2.projectPoints(points, rotation, camera.trans_mm, camera.intrinsics_px, camera.distortion)
    np.testing.assert_allclose(camera.project(points), expected[:, 0], atol=1e-6)


def test_the_cameras_frame_is_left_as_it_was_entered(camera, points):
    np.testing.assert_allclose(camera.to_world(camera.to_camera(points)), points, atol=1e-9)
    np.testing.assert_allclose(camera.to_world(np.zeros(3)), camera.center_world_mm, atol=1e-9)


def test_rays_undo_the_projection(camera, points):
    way = points - camera.center_world_mm
    expected = way / np.linalg.norm(way, axis=1, keepdims=True)
    np.testing.assert_allclose(camera.rays(camera.project(points)), expected, atol=1e-7)


def test_look_at_puts_the_target_in_the_middle_and_keeps_the_horizon_level(camera):
    np.testing.assert_allclose(camera.project(np.array([0.0, 100.0, 900.0])), [500.0, 400.0], atol=1e-9)
    assert camera.rot_world_to_cam[0, 2] == pytest.approx(0)
    assert np.linalg.det(camera.rot_world_to_cam) == pytest.approx(1)
    np.testing.assert_allclose(camera.center_world_mm, [3000, -3200, 1500], atol=1e-9)


def test_higher_points_are_higher_in_the_image(camera):
    low, high = camera.project(np.array([[0.0, 0.0, 500.0], [0.0, 0.0, 1500.0]]))
    assert high[1] < low[1]


def test_points_behind_the_camera_have_no_pixel(camera):
    assert np.isnan(camera.project(np.array([6000.0, -6500.0, 1500.0]))).all()


def test_a_vertical_view_is_refused():
    with pytest.raises(ValueError, match="vertical"):
        Camera.look_at(np.array([0.0, 0.0, 2000.0]), np.zeros(3), 1000.0, (100, 100))


def test_dictionary_round_trip(camera, points):
    again = Camera.from_dict(camera.to_dict())
    assert again.size_px == camera.size_px
    np.testing.assert_array_equal(again.project(points), camera.project(points))


def test_resized_frame_keeps_place_and_direction(camera):
    portrait = camera.resized((360, 640), focal_px=500.0)
    np.testing.assert_allclose(portrait.project(np.array([0.0, 100.0, 900.0])), [180.0, 320.0], atol=1e-9)
    np.testing.assert_array_equal(portrait.center_world_mm, camera.center_world_mm)
