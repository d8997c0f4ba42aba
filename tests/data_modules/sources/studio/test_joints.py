import numpy as np
import pytest

from data_modules.sources.studio.body import make_body
from data_modules.sources.studio.cast import draw_phenotype
from data_modules.sources.studio.joints import LENGTHS_H36M_MM, WEIGHTS
from data_modules.sources.studio.kinematics import pose_body
from data_modules.sources.studio.poses import KEY_POSES
from mcss.skeleton import JOINTS

MESH = "notoes_collapse10pc"
POSES = ("stand", "sit_lap", "point_side")


@pytest.fixture(scope="module")
def joints():
    """Joints of 60 drawn people in each of ``POSES``: (people, poses, 17, 3)."""
    angles = np.stack([KEY_POSES[name].angles_rad() for name in POSES])
    bodies = (make_body(draw_phenotype(7, f"P{number}", MESH), MESH) for number in range(60))
    return np.stack([pose_body(body, angles, np.zeros(3), np.zeros((3, 2))).joints_mm for body in bodies])


def _lengths(joints_mm):
    ends = [[JOINTS.index(joint) for joint in bone] for bone in LENGTHS_H36M_MM]
    return np.stack([np.linalg.norm(joints_mm[..., a, :] - joints_mm[..., b, :], axis=-1) for a, b in ends], axis=-1)


def test_bones_of_people_who_stand_are_to_each_other_as_those_of_human36m(joints):
    """Shares of each bone in the length of all, mean over people."""
    sides = np.array([2 if joint[0] == "L" else 1 for _, joint in LENGTHS_H36M_MM])
    lengths, table = _lengths(joints[:, 0]), np.array(list(LENGTHS_H36M_MM.values()))
    shares = lengths / (lengths @ sides)[:, None]
    ratios = shares.mean(axis=0) / (table / (table @ sides))
    np.testing.assert_allclose(ratios, 1, atol=0.04)


def test_bones_change_with_the_posture_as_documented(joints):
    lengths = dict(zip(LENGTHS_H36M_MM, np.moveaxis(_lengths(joints), -1, 0), strict=True))
    for bone in (("LKnee", "LAnkle"), ("LElbow", "LWrist")):
        np.testing.assert_allclose(lengths[bone], lengths[bone][:, :1].repeat(3, axis=1), rtol=1e-6)
    thigh, upper_arm = lengths["LHip", "LKnee"], lengths["LShoulder", "LElbow"]
    assert (thigh[:, 1] / thigh[:, 0]).mean() == pytest.approx(0.925, abs=0.01)
    assert (upper_arm[:, 2] / upper_arm[:, 0]).mean() == pytest.approx(1.096, abs=0.01)


def test_every_joint_is_a_mean_of_points_of_the_body(joints):
    for weights in WEIGHTS.values():
        assert sum(weights.values()) == pytest.approx(1)
    middle = (joints[:, :, JOINTS.index("LHip")] + joints[:, :, JOINTS.index("RHip")]) / 2
    np.testing.assert_allclose(joints[:, :, JOINTS.index("Pelvis")], middle, atol=1e-6)
    left, right = (joints[:, 0, [JOINTS.index(side + part) for part in ("Hip", "Shoulder", "Knee")]] for side in "LR")
    assert (left[..., 0] > 0).all()
    assert (right[..., 0] < 0).all()
