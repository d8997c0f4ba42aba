import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mcss.geometry.canonical import flip_canonical, is_degenerate, rotate_about_z, to_canonical, to_root
from mcss.skeleton import JOINTS

ANGLES = st.floats(-math.pi, math.pi)
LEFT = {"LHip": (130, -5), "LKnee": (120, -450), "LAnkle": (115, -880)}
ARM = {"LShoulder": (170, 450), "LElbow": (230, 170), "LWrist": (250, -70)}


def person(facing):
    """An upright person, in mm, pelvis at 0, who looks towards ``facing`` (radians from +X); the nose is in front."""
    pose = torch.zeros(17, 3, dtype=torch.float64)
    forward = pose.new_tensor([math.cos(facing), math.sin(facing), 0])
    left = pose.new_tensor([-math.sin(facing), math.cos(facing), 0])
    up = pose.new_tensor([0, 0, 1])
    for name, (side, height) in (LEFT | ARM).items():
        pose[JOINTS.index(name)] = side * left + height * up
        pose[JOINTS.index("R" + name[1:])] = -side * left + height * up
    for name, height in (("Spine", 230), ("Thorax", 480), ("Neck", 560), ("HeadTop", 680)):
        pose[JOINTS.index(name)] = height * up
    pose[JOINTS.index("Neck")] += 80 * forward
    pose[JOINTS.index("RWrist")] += 150 * forward  # no symmetry: a wrong flip must show
    return pose


def joint(pose, name):
    return pose[..., JOINTS.index(name), :]


def random_poses(seed, count=5):
    return 300 * torch.randn(count, 17, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("facing", [0, 0.4, math.pi / 2, 2.5, math.pi, -2.5, -math.pi / 2, -0.4])
def test_an_upright_person_faces_minus_y_with_the_left_hip_on_plus_x(facing):
    # Half of these have the hip vector on -X, where a plain arctan leaves the person facing +Y.
    pose_canonical, yaw = to_canonical(person(facing))
    assert joint(pose_canonical, "LHip").tolist() == pytest.approx([130.0, 0, -5])
    assert joint(pose_canonical, "RHip").tolist() == pytest.approx([-130.0, 0, -5])
    assert joint(pose_canonical, "Neck").tolist() == pytest.approx([0.0, -80, 560])
    assert math.remainder(yaw.item() - (-math.pi / 2 - facing), 2 * math.pi) == pytest.approx(0)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 1000), angle=ANGLES)
def test_canonical_pose_ignores_yaw_and_the_returned_angle_restores_the_pose(seed, angle):
    pose_root = to_root(random_poses(seed))
    pose_canonical, yaw = to_canonical(pose_root)
    turned, _ = to_canonical(rotate_about_z(pose_root, torch.full((5,), angle, dtype=torch.float64)))
    torch.testing.assert_close(turned, pose_canonical, atol=1e-9, rtol=0)
    torch.testing.assert_close(rotate_about_z(pose_canonical, -yaw), pose_root, atol=1e-9, rtol=0)
    torch.testing.assert_close(pose_canonical[..., 2], pose_root[..., 2], atol=0, rtol=0)


def test_rotation_is_counter_clockwise_about_z():
    pose = torch.zeros(17, 3)
    pose[3] = torch.tensor([1.0, 0, 2])
    turned = rotate_about_z(pose, torch.tensor(math.pi / 2))
    torch.testing.assert_close(turned[3], torch.tensor([0.0, 1, 2]))


@pytest.mark.parametrize(
    ("hip", "degenerate"),
    [
        ((0, 0, 130), True),  # lying on the side: the angle is undefined
        ((0, -0.12, 130), True),
        ((0, -0.14, 130), False),
        ((0, 0, 0), True),
        ((0, -130, 0), False),
    ],
)
def test_a_vertical_hip_bone_leaves_the_yaw_as_it_is(hip, degenerate):
    pose_root = person(0.3).float()
    pose_root[JOINTS.index("LHip")] = torch.tensor(hip)
    poses = torch.stack([pose_root, person(0.3).float()])
    pose_canonical, yaw = to_canonical(poses)
    assert is_degenerate(poses).tolist() == [degenerate, False]
    assert torch.equal(pose_canonical[0], pose_root) == degenerate
    assert (yaw[0] == 0) == degenerate
    assert yaw[1] != 0  # a degenerate frame says nothing about its neighbours


def test_flip_mirrors_the_person_in_place():
    pose_canonical, _ = to_canonical(person(1.0))
    flipped = flip_canonical(pose_canonical)
    # The right hand was in front of the body: now it is the left one, as far in front, on the left side.
    torch.testing.assert_close(joint(flipped, "LWrist"), joint(pose_canonical, "RWrist") * torch.tensor([-1, 1, 1]))
    assert joint(flipped, "LWrist")[0] > 0
    torch.testing.assert_close(joint(flipped, "Neck"), joint(pose_canonical, "Neck"), atol=1e-9, rtol=0)
    torch.testing.assert_close(to_canonical(flipped)[0], flipped)
    torch.testing.assert_close(flip_canonical(flipped), pose_canonical)


def test_to_root_subtracts_each_pelvis_and_accepts_any_leading_shape():
    pose_world = random_poses(0, 6).reshape(2, 3, 17, 3)
    pose_root = to_root(pose_world)
    assert pose_root[..., 0, :].abs().max() == 0
    torch.testing.assert_close(pose_root[1, 2, 5], pose_world[1, 2, 5] - pose_world[1, 2, 0])
    assert to_canonical(pose_root)[1].shape == (2, 3)
