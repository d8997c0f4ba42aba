"""The solver against poses and cameras that it never sees: only noisy clicks and the person's height."""

from dataclasses import replace

import numpy as np
import pytest

from data_modules.sources.footage.solving.clicks import Clicks
from data_modules.sources.footage.solving.solve import solve
from mcss.errors import InputError
from mcss.skeleton import FLIP_ORDER, JOINTS
from tests.references.moving_person import SIZE_PX, moving_person, tripods

pytestmark = pytest.mark.slow

INSTANTS = 12


def clicks_on(poses, cameras, noise_px=3.0, step_s=10.0, seed=0):
    points = np.stack([camera.project(poses) for camera in cameras])
    points += np.random.default_rng(seed).normal(0, noise_px, points.shape)
    names = tuple(f"phone{number}" for number in range(len(cameras)))
    return Clicks(names, (SIZE_PX,) * len(cameras), np.arange(len(poses)) * step_s, points)


def canonical(poses):
    """Pelvis at the origin, left hip towards +X as seen from above: written out, one pose at a time."""
    turned = []
    for pose in poses - poses[:, :1]:
        x, y, _ = pose[JOINTS.index("LHip")]
        cos, sin = x / np.hypot(x, y), -y / np.hypot(x, y)
        turned.append(pose @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]).T)
    return np.array(turned)


def error_mm(solution, poses):
    errors = np.linalg.norm(canonical(solution.pose_world) - canonical(poses), axis=-1)[:, 1:]
    return float(np.nanmean(errors))


@pytest.fixture(scope="module")
def poses():
    return moving_person(INSTANTS)[0]


@pytest.fixture(scope="module")
def height_mm():
    return moving_person(1)[1]


@pytest.mark.parametrize(("views", "noise_px", "limit_mm"), [(4, 3.0, 26), (3, 3.0, 30), (2, 3.0, 36), (4, 6.0, 44)])
def test_poses_are_as_near_as_their_clicks_allow(poses, height_mm, views, noise_px, limit_mm):
    solution = solve(clicks_on(poses, tripods(views), noise_px), height_mm)
    assert error_mm(solution, poses) < limit_mm
    assert solution.click_noise_px == pytest.approx(noise_px, rel=0.25)


def test_without_noise_cameras_and_poses_come_back_in_a_world_on_the_floor(poses, height_mm):
    cameras = tripods(3)
    solution = solve(clicks_on(poses, cameras, noise_px=0.0), height_mm)
    assert error_mm(solution, poses) < 8
    assert np.nanmax(solution.residual_px) < 1
    for camera, found in zip(cameras, solution.cameras.values(), strict=True):
        assert found.intrinsics_px[0, 0] == pytest.approx(camera.intrinsics_px[0, 0], rel=0.01)
        height, found_height = ((-c.rot_world_to_cam.T @ c.trans_mm)[2] for c in (camera, found))
        assert found_height == pytest.approx(height, abs=40)


def test_videos_that_stand_on_their_head_give_people_who_do_not(poses, height_mm):
    solution = solve(clicks_on(poses, tripods(3, upside_down=True)), height_mm)
    assert error_mm(solution, poses) < 30


def test_joints_clicked_once_are_missing_and_nothing_else_is(poses, height_mm):
    clicks = clicks_on(poses, tripods(3))
    wrist = JOINTS.index("LWrist")
    clicks.points_px[1:, 4, wrist] = np.nan
    clicks.points_px[:, 6] = np.nan
    missing = np.isnan(solve(clicks, height_mm).pose_world).any(axis=-1)
    expected = np.zeros_like(missing)
    expected[4, wrist], expected[6] = True, True
    np.testing.assert_array_equal(missing, expected)


def test_sets_of_joints_without_spine_and_head_are_solved(poses, height_mm):
    clicks = clicks_on(poses, tripods(3))
    lacking = [JOINTS.index(name) for name in ("Spine", "Neck", "HeadTop")]
    clicks.points_px[:, :, lacking] = np.nan
    solution = solve(clicks, height_mm)
    assert np.isnan(solution.pose_world[:, lacking]).all()
    assert error_mm(solution, poses) < 34


def test_a_wrong_click_is_left_out_and_seen_in_the_residuals(poses, height_mm):
    clicks = clicks_on(poses, tripods(4))
    knee = JOINTS.index("RKnee")
    clicks.points_px[2, 5, knee] += [90, -60]
    solution = solve(clicks, height_mm)
    assert error_mm(solution, poses) < 28
    worst = np.unravel_index(np.nanargmax(solution.residual_px), solution.residual_px.shape)
    assert worst == (2, 5, knee)
    assert solution.residual_px[worst] == pytest.approx(np.hypot(90, 60), abs=15)


def test_joints_on_the_line_through_two_cameras_are_missing(height_mm):
    poses = moving_person(INSTANTS, seed=1)[0]
    first, second, third = tripods(3)
    clicks = clicks_on(poses, (first, second, third), noise_px=1.0)
    clicks.points_px[2, :6] = np.nan
    # The others face each other, and the head is moved onto the line through both.
    centres = [-camera.rot_world_to_cam.T @ camera.trans_mm for camera in (first, second)]
    head = JOINTS.index("HeadTop")
    for view, camera in enumerate((first, second)):
        clicks.points_px[view, 0, head] = camera.project(np.mean(centres, axis=0))
    solution = solve(clicks, height_mm)
    assert np.isnan(solution.pose_world[0, head]).all()
    assert np.isfinite(solution.pose_world[1:6]).all()


def test_dense_frames_are_smoothed(height_mm):
    """Thirty frames at 50 frames a second in which next to nothing moves."""
    first, last = moving_person(2, seed=3)[0]
    share = np.linspace(0, 1, 30)[:, None, None]
    still = canonical(first[None]) + np.array([0, 0, 1000])
    poses = still + share * (canonical(last[None]) - canonical(first[None])) * 0.02
    others = moving_person(INSTANTS)[0]
    poses = np.concatenate([others, poses])
    clicks = clicks_on(poses, tripods(3), noise_px=6.0)
    time_s = np.concatenate([np.arange(INSTANTS) * 10.0, 1000 + np.arange(30) * 0.02])
    apart = np.linalg.norm(np.diff(solve(clicks, height_mm).pose_world[INSTANTS:], axis=0), axis=-1).mean()
    near = np.linalg.norm(
        np.diff(solve(replace(clicks, time_s=time_s), height_mm).pose_world[INSTANTS:], axis=0), axis=-1
    ).mean()
    assert near < apart / 4


def test_more_instants_than_are_solved_together_are_all_solved(height_mm):
    poses = moving_person(130)[0]
    solution = solve(clicks_on(poses, tripods(3)), height_mm)
    assert np.isfinite(solution.pose_world).all()
    assert error_mm(solution, poses) < 30


def test_what_cannot_be_solved_is_said(poses, height_mm):
    clicks = clicks_on(poses, tripods(3))
    one = Clicks(clicks.cameras[:1], clicks.size_px[:1], clicks.time_s, clicks.points_px[:1])
    with pytest.raises(InputError, match="given in 1 camera"):
        solve(one, height_mm)
    few = replace(clicks, time_s=clicks.time_s[:2], points_px=clicks.points_px[:, :2])
    with pytest.raises(InputError, match="2 instants have joints in two or more cameras"):
        solve(few, height_mm)
    lonely = clicks.points_px.copy()
    lonely[2, :, 3:] = np.nan
    lonely[2, 1:] = np.nan
    with pytest.raises(InputError, match="camera phone2 has 3 clicks"):
        solve(replace(clicks, points_px=lonely), height_mm)
    footless = clicks.points_px.copy()
    footless[:, :, JOINTS.index("LAnkle")] = np.nan
    with pytest.raises(InputError, match="both ankles"):
        solve(replace(clicks, points_px=footless), height_mm)
    with pytest.raises(InputError, match="left and right are exchanged in all cameras"):
        solve(replace(clicks, points_px=clicks.points_px[:, :, list(FLIP_ORDER)]), height_mm)
    shuffled = clicks.points_px.copy()
    shuffled[1] = shuffled[1][::-1]
    with pytest.raises(InputError, match="synchronised"):
        solve(replace(clicks, points_px=shuffled), height_mm)
    same_place = np.stack([clicks.points_px[0]] * 2) + np.random.default_rng(1).normal(0, 1, (2, INSTANTS, 17, 2))
    with pytest.raises(InputError, match="apart from each other"):
        solve(Clicks(("a", "b"), (SIZE_PX,) * 2, clicks.time_s, same_place), height_mm)
