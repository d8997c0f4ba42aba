import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data_modules.sources.studio.legs import Footing, legs_of, tread
from mcss.skeleton import JOINTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def body(studio):
    return studio.bodies["S6"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_leg_reaches_its_ankles_place_with_the_knee_in_front(body, side):
    leg, rng, count = legs_of(body)[side], np.random.default_rng(0), 50
    pelvis = Rotation.from_rotvec(0.4 * rng.normal(size=(count, 3)))
    root = rng.normal(0, 300, (count, 3))
    hip = root + pelvis.apply(leg.hip_mm)
    way = np.array([0.0, 0.0, -1.0]) + 0.4 * rng.normal(size=(count, 3))
    way *= rng.uniform(0.4, 0.98, (count, 1)) * leg.length_mm / np.linalg.norm(way, axis=1, keepdims=True)
    foot = Rotation.from_rotvec([0.0, 0.0, 0.3]) * Rotation.from_rotvec(np.zeros((count, 3)))
    hinge = np.tile([1.0, 0.0, 0.0], (count, 1))
    rotations = {"root": pelvis} | leg.reach(pelvis, hip, hip + way, hinge, foot, np.zeros(count))
    joints = body.posture(rotations, root).joints_mm
    turns, heads = body.forward_kinematics(rotations, root)
    np.testing.assert_allclose(joints[:, JOINTS.index(f"{leg.letter}Ankle")], hip + way, atol=1e-6)
    np.testing.assert_allclose(turns[:, body.index[f"foot.{leg.letter}"]], foot.as_matrix(), atol=1e-9)
    knee = heads[:, body.index[f"lowerleg01.{leg.letter}"]] - hip
    down = way / np.linalg.norm(way, axis=1, keepdims=True)
    off = knee - (knee * down).sum(axis=1, keepdims=True) * down
    assert (np.cross(off, down)[:, 0] > 0).all()  # at the hinge X a knee in front is at -Y of a leg along -Z


def test_a_leg_says_how_far_the_hip_has_to_come_down(body):
    leg = legs_of(body)["left"]
    high = np.array([[0.0, 0.0, leg.length_mm + 50.0], [0.0, 0.0, 0.9 * leg.length_mm]])
    short = leg.short_mm(high, np.zeros((2, 3)))
    assert 50 < short[0] < 56
    assert short[1] == 0


def _footings(leg):
    flat, yaw = np.array([0.0, 0.0, leg.sole_mm]), np.array([0.0, 0.0, 0.5])
    there = flat + np.array([300.0, -500.0, 0.0])
    return [
        Footing(-9.0, 1.0, flat, yaw, go_rad=0.8),
        Footing(1.5, 3.0, there, 1.5 * yaw, come_rad=-0.3, lift_mm=40.0),
    ]


def test_a_foot_rolls_over_its_ball_and_heel_which_stay(body):
    leg = legs_of(body)["right"]
    times = np.array([0.0, 0.8, 0.9, 0.999, 1.501, 1.55, 1.7, 2.5])
    ankle, foot, toe = tread(leg, _footings(leg), times)
    ball, heel = (ankle + foot.apply(point) for point in (leg.ball_mm, leg.heel_mm))
    np.testing.assert_allclose(ball[1:4], ball[:1].repeat(3, axis=0), atol=1e-6)
    np.testing.assert_allclose(heel[4:7], heel[7:].repeat(3, axis=0), atol=1e-3)
    assert ankle[3, 2] > leg.sole_mm + 70
    np.testing.assert_allclose(toe[:4], [0, *(foot[1:4] * foot[0].inv()).magnitude()], atol=1e-6)
    np.testing.assert_allclose(ankle[7], [300, -500, leg.sole_mm], atol=1e-6)


def test_a_foot_swings_without_a_jerk_and_clear_of_the_floor(body):
    leg = legs_of(body)["left"]
    times = np.linspace(0.9, 1.6, 701)
    ankle, foot, toe = tread(leg, _footings(leg), times)
    assert np.linalg.norm(np.diff(ankle, axis=0), axis=1).max() < 3  # mm in a millisecond
    lowest = ankle[:, 2] + leg.lowest_mm(foot, toe)
    assert lowest.min() > -1e-6
    assert lowest[350] > 10
