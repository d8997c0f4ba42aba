import numpy as np
import pytest
import torch

from data_modules.sources.studio.body import load_anny, make_body
from data_modules.sources.studio.cast import draw_phenotype
from data_modules.sources.studio.kinematics import bone_rotations, pose_body
from data_modules.sources.studio.poses import ANGLES, KEY_POSES
from mcss.skeleton import BONES, JOINTS


def _pose(body, *names):
    angles = np.stack([KEY_POSES[name].angles_rad() for name in names])
    return pose_body(body, angles, np.zeros(len(names)), np.zeros((len(names), 2)))


def _joint(posture, name, instant=0):
    return posture.joints_mm[instant, JOINTS.index(name)]


def test_posing_equals_annys(studio):
    """Reference: anny's own forward kinematics and skinning."""
    mesh, phenotype = studio.config.mesh, draw_phenotype(0, "S8", studio.config.mesh)
    body, model = make_body(phenotype, mesh), load_anny(mesh)
    angles = np.stack([KEY_POSES[name].angles_rad() for name in ("stoop", "floor_cross", "wave")])
    yaw = np.array([0.3, 1.0, -2.0])
    deltas = torch.eye(4, dtype=torch.float64).repeat(3, len(body.bones), 1, 1)
    for bone, rotation in bone_rotations(body, dict(zip(ANGLES, angles.T, strict=True)), yaw).items():
        deltas[:, body.bones.index(bone), :3, :3] = torch.from_numpy(rotation.as_matrix())
    shape = {name: torch.tensor([value], dtype=torch.float64) for name, value in phenotype.items()}
    expected = 1000 * model(pose_parameters=deltas, phenotype_kwargs=shape)["vertices"].numpy()
    vertices = pose_body(body, angles, yaw, np.zeros((3, 2))).vertices_mm
    centered = [values - values.mean(axis=1, keepdims=True) for values in (vertices, expected)]
    np.testing.assert_allclose(*centered, atol=1e-3)


def test_a_standing_body_is_upright_and_faces_minus_y(studio):
    for body in studio.bodies.values():
        posture = _pose(body, "stand")
        assert 1300 < _joint(posture, "HeadTop")[2] < 2050
        assert _joint(posture, "LHip")[0] > 50 > -50 > _joint(posture, "RHip")[0]
        toes = posture.vertices_mm[0][posture.vertices_mm[0, :, 2] < 60]
        assert toes[:, 1].min() < _joint(posture, "LAnkle")[1] - 80
        assert np.linalg.norm(_joint(posture, "Pelvis")[:2]) < 1e-6


def test_bones_keep_their_length(studio):
    """Shins and forearms: hips and shoulders are not where thighs and upper arms turn, and the trunk bends."""
    limbs = [bone for bone in BONES if JOINTS[bone[1]][1:] in {"Ankle", "Wrist"}]
    for subject in ("S1", "S11"):
        clips = [studio.perform(subject, action, 1) for action in ("Greeting", "Sitting", "SittingDown", "Walking")]
        joints = np.concatenate([clip.joints_mm for clip in clips])
        for parent, joint in limbs:
            lengths = np.linalg.norm(joints[:, joint] - joints[:, parent], axis=-1)
            assert lengths.std() < 0.01
            assert 180 < lengths.mean() < 550


def test_left_and_right_are_alike(studio):
    joints = _pose(studio.bodies["S1"], "walk_contact", "walk_contact_right").joints_mm
    swapped = [JOINTS.index({"L": "R", "R": "L"}.get(n[0], n[0]) + n[1:]) if n[0] in "LR" else i
               for i, n in enumerate(JOINTS)]  # fmt: skip
    np.testing.assert_allclose(joints[0], joints[1][swapped] * [-1, 1, 1], atol=8)


def test_elbow_and_knee_angles_are_the_asked_ones(studio):
    name = "sit_table"
    asked = dict(zip(ANGLES, KEY_POSES[name].angles_rad(), strict=True))
    body = studio.bodies["S5"]
    angles = {angle: np.array([value]) for angle, value in asked.items()}
    _, heads = body.forward_kinematics(bone_rotations(body, angles, np.zeros(1)), np.zeros((1, 3)))
    for angle, chain in (
        ("left_arm_elbow", ("upperarm01.L", "lowerarm01.L", "wrist.L")),
        ("right_leg_knee", ("upperleg01.R", "lowerleg01.R", "foot.R")),
    ):
        a, b, c = (heads[0, body.index[bone]] for bone in chain)
        upper, lower = b - a, c - b
        bend = np.arccos(upper @ lower / np.linalg.norm(upper) / np.linalg.norm(lower))
        assert np.degrees(bend) == pytest.approx(np.degrees(asked[angle]), abs=1)


def test_feet_stand_flat_and_nothing_is_below_the_floor(studio):
    for body in studio.bodies.values():
        posture = _pose(body, "stand", "hands_on_hips", "sit_lap", "carry")
        np.testing.assert_allclose(posture.vertices_mm[..., 2].min(axis=1), 0, atol=1e-6)
        for side in "LR":
            ankles = posture.joints_mm[:, JOINTS.index(f"{side}Ankle"), 2]
            assert (ankles < 130).all()


def test_yaw_turns_the_body_counter_clockwise(studio):
    angles = KEY_POSES["stand"].angles_rad()[None].repeat(2, axis=0)
    posture = pose_body(studio.bodies["S1"], angles, np.array([0.0, np.pi / 2]), np.array([[0.0, 0.0], [100.0, 50.0]]))
    before, after = (_joint(posture, "LHip", instant) - _joint(posture, "Pelvis", instant) for instant in range(2))
    np.testing.assert_allclose(after, [-before[1], before[0], before[2]], atol=1e-6)
    np.testing.assert_allclose(_joint(posture, "Pelvis", 1)[:2], [100, 50], atol=1e-6)
