import numpy as np
import pandas as pd
import pytest

from mcss.predict.angles import joint_angles_deg, write_angles
from mcss.predict.motion import motion
from mcss.skeleton import JOINTS
from tests.references.walking import bend, standing_pose, walk

FORWARD, OUTWARD_LEFT, OUTWARD_RIGHT, TO_LEFT = (-1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, 1)
UPPER_BODY = [
    joint for joint in JOINTS if joint not in ("Pelvis", "Spine") and not joint.endswith(("Hip", "Knee", "Ankle"))
]
"""What turns with the thorax about the spine."""


def turned(joint, below, axis, degrees):
    return joint_angles_deg(bend(standing_pose(), joint, below, axis, degrees)[None])


@pytest.mark.parametrize(
    ("joint", "below", "axis", "degrees", "expected"),
    [
        ("RHip", ["RKnee", "RAnkle"], FORWARD, 40, {"hip_flexion_right": 40}),
        ("LHip", ["LKnee", "LAnkle"], FORWARD, -15, {"hip_flexion_left": -15}),
        ("LHip", ["LKnee", "LAnkle"], OUTWARD_LEFT, 25, {"hip_abduction_left": 25}),
        ("RHip", ["RKnee", "RAnkle"], OUTWARD_RIGHT, 25, {"hip_abduction_right": 25}),
        ("LKnee", ["LAnkle"], FORWARD, -70, {"knee_flexion_left": 70}),
        ("RElbow", ["RWrist"], FORWARD, 90, {"elbow_flexion_right": 90}),
        ("RShoulder", ["RElbow", "RWrist"], FORWARD, 60, {"shoulder_elevation_right": 60, "shoulder_plane_right": 90}),
        ("LShoulder", ["LElbow", "LWrist"], OUTWARD_LEFT, 8, {"shoulder_elevation_left": 8}),
        ("LShoulder", ["LElbow", "LWrist"], OUTWARD_LEFT, 80, {"shoulder_elevation_left": 80, "shoulder_plane_left": 0}),  # noqa: E501
        ("Spine", UPPER_BODY, FORWARD, -30, {"trunk_flexion": 30}),
        ("Spine", UPPER_BODY, OUTWARD_LEFT, 20, {"trunk_bending_right": 20}),
        ("Spine", UPPER_BODY, TO_LEFT, 35, {"trunk_rotation_left": 35}),
    ],
)  # fmt: skip
def test_angles_of_poses_made_by_hand(joint, below, axis, degrees, expected):
    found = turned(joint, below, axis, degrees)
    for name, values in found.items():
        if name.startswith("shoulder_plane") and name not in expected:
            assert np.isnan(values).all()  # the arm hangs: no plane
        else:
            assert values[0] == pytest.approx(expected.get(name, 0), abs=1e-4), name


def test_angles_do_not_change_when_the_person_turns():
    _, pose_mm = walk(10)
    turn = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]])
    for name, values in joint_angles_deg(pose_mm @ turn.T).items():
        np.testing.assert_allclose(values, joint_angles_deg(pose_mm)[name], atol=1e-6)


def test_a_gap_is_a_gap_in_the_table(tmp_path):
    time_s, pose_mm = walk(6)
    pose_mm[2] = np.nan
    write_angles(motion(time_s, pose_mm, "canonical"), tmp_path / "angles.csv")
    table = pd.read_csv(tmp_path / "angles.csv", comment="#")
    assert table["knee_flexion_left_deg"].isna().to_numpy().nonzero()[0].tolist() == [2]
    assert table["knee_flexion_right_deg"].iloc[0] == pytest.approx(20, abs=1e-3)
