"""The importers' tables and conventions against what the data sets' own files say.

Each row is quoted from notes taken on these files; a miniature is made by this project and could share its mistakes.
"""

import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data_modules.sources.h36m import karfly as h36m_karfly
from data_modules.sources.h36m import mks0601 as h36m_mks0601
from data_modules.sources.h36m import mmpose as h36m_mmpose
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m import videopose3d as h36m_videopose3d
from data_modules.sources.h36m.fetch_cameras import FILE_STEMS
from data_modules.sources.mmpose_annotation import PIXELS_PER_SCALE
from data_modules.sources.mpi_inf_3dhp import raw as mpi
from data_modules.sources.mpi_inf_3dhp.mmpose import OF_17_RELEVANT
from data_modules.sources.poses import Y_UP_TO_Z_UP
from mcss.skeleton import JOINTS

PELVIS_MM = np.array([-91.7, 154.4, 907.3])
"""'S1 Directions 1 frame 1: pelvis at (-91.7, 154.4, 907.3) mm'"""
S1_CAMERAS = {
    "54138969": ((0.1407056, -0.1500702, -0.7552408, 0.6223280), (1841.1, 4955.3, 1563.4)),
    "55011271": ((0.6157188, -0.7648363, -0.1483383, 0.1179474), (1761.3, -5078.0, 1606.3)),
    "58860488": ((0.1465147, -0.1464785, 0.7653024, -0.6094176), (-1846.8, 5215.0, 1492.0)),
    "60457274": ((0.5834008, -0.7853162, 0.1454882, -0.1474959), (-1794.8, -3722.7, 1574.9)),
}
"""Camera to world as a quaternion (w, x, y, z), and the centre in mm, by VideoPose3D's h36m_dataset.py."""
FOCAL_PX, CENTRE_PX = 1145.0, (512.5, 515.5)


def as_mmpose(rot_cam_to_world, centre_mm):
    lens = {"f": [[FOCAL_PX], [FOCAL_PX]], "c": np.array(CENTRE_PX)[:, None], "k": np.zeros((3, 1)), "p": [[0], [0]]}
    return h36m_mmpose._camera({"R": rot_cam_to_world, "T": centre_mm[:, None] / 1000, **lens})


def as_karfly(rot_cam_to_world, centre_mm):
    row = np.zeros((), [("R", "f4", (3, 3)), ("t", "f4", (3, 1)), ("K", "f4", (3, 3)), ("dist", "f4", 5)])
    row["R"], row["t"] = rot_cam_to_world.T, -rot_cam_to_world.T @ centre_mm[:, None]
    row["K"] = [[FOCAL_PX, 0, CENTRE_PX[0]], [0, FOCAL_PX, CENTRE_PX[1]], [0, 0, 1]]
    return h36m_karfly._camera(row[()])


def as_mks0601(rot_cam_to_world, centre_mm):
    place = {"R": rot_cam_to_world.T.tolist(), "t": (-rot_cam_to_world.T @ centre_mm).tolist()}
    return h36m_mks0601._camera(place | {"f": [FOCAL_PX, FOCAL_PX], "c": list(CENTRE_PX)})


@pytest.mark.parametrize("convention", [as_mmpose, as_karfly, as_mks0601])
@pytest.mark.parametrize("name", h36m_names.CAMERAS)
def test_s1s_cameras_stand_where_they_stood_and_see_the_first_pelvis(convention, name):
    """'mmpose: R camera-to-world, T camera centre in world, metres; karfly: world-to-camera, t = -R C, mm; mks0601:
    R, t world-to-camera'; 'S1's cameras at (1.84, 4.96, 1.56), (1.76, -5.08, 1.61), (-1.85, 5.22, 1.49),
    (-1.79, -3.72, 1.57) m'; 'floor near z=0, Z up'.
    """
    quaternion, centre_mm = S1_CAMERAS[name]
    rot = Rotation.from_quat(quaternion, scalar_first=True).as_matrix()
    camera = convention(rot, np.array(centre_mm))
    noted_m = {"54138969": (1.84, 4.96, 1.56), "55011271": (1.76, -5.08, 1.61)}
    noted_m |= {"58860488": (-1.85, 5.22, 1.49), "60457274": (-1.79, -3.72, 1.57)}
    np.testing.assert_allclose(camera.center_world_mm / 1000, noted_m[name], atol=0.006)
    pelvis_px, floor_px = camera.project(np.stack([PELVIS_MM, PELVIS_MM * (1, 1, 0)]))
    assert (np.abs(pelvis_px - 500) < 150).all()
    assert floor_px[1] > pelvis_px[1] + 150  # the floor is below
    assert camera.to_camera(PELVIS_MM)[2] == pytest.approx(np.linalg.norm(PELVIS_MM - centre_mm), rel=0.02)


def test_cameras_of_human36m_are_numbered_by_serial():
    """'Camera order everywhere: 54138969, 55011271, 58860488, 60457274 = ca_01..ca_04'."""
    assert tuple(S1_CAMERAS) == h36m_names.CAMERAS


def test_human36m_has_thirty_sequences_a_subject():
    """'Fifteen actions x 2 = 30 sequences per subject'."""
    assert h36m_names.H36M.clips_per_subject == 2 * len(h36m_names.ACTIONS) == 30


def test_files_of_human36m_are_called_otherwise_for_some_subjects():
    """'S1 uses TakingPhoto/WalkingDog, the rest Photo/WalkDog; files say WalkTogether'."""
    for action, stems in (
        ("TakingPhoto", ("TakingPhoto", "Photo")),
        ("WalkingDog", ("WalkingDog", "WalkDog")),
        ("WalkingTogether", ("WalkTogether",)),
    ):
        assert all(re.fullmatch(FILE_STEMS[action], stem) for stem in stems)
    assert h36m_videopose3d.RENAMED == {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}


def test_the_root_of_karflys_keypoints_is_the_seventh():
    """'keypoints world mm, 16 MPII-order joints + Neck/Nose; Root index 6'."""
    assert h36m_karfly.OF_17_KEYPOINTS[JOINTS.index("Pelvis")] == 6
    assert h36m_karfly.OF_17_KEYPOINTS[JOINTS.index("Neck")] == 16


def test_mmposes_scale_is_in_200_pixels():
    """'scale (N,) = 1.2 x max side / 200'."""
    assert PIXELS_PER_SCALE == 200


def test_sequences_of_mpi_inf_3dhp():
    """'Sequence table frames/fps', of mpii_get_sequence_info.m."""
    noted = (
        "S1 6416@25, 12430@50; S2 6502@25, 6081@25; S3 12488@50, 12283@50; S4 6171@25, 6675@25; "
        "S5 12820@50, 12312@50; S6 6188@25, 6145@25; S7 6239@25, 6320@25; S8 6468@25, 6054@25"
    )
    rows = {}
    for subject, *sequences in (re.split(r",? ", part) for part in noted.split("; ")):
        for number, sequence in enumerate(sequences, start=1):
            rows[f"{subject}/Seq{number}"] = tuple(map(int, sequence.split("@")))
    assert rows == mpi.FRAMES_FPS


def test_joints_of_mpi_inf_3dhp():
    """'28 joints: ...'; 'relevant 17, 0-based'; 'A table to H36M order: pelvis 14, RHip 8, RKnee 9, ...'."""
    names = re.findall(
        r"\w+",
        "spine3, spine4, spine2, spine, pelvis, neck, head, head_top, l_clavicle, l_shoulder, l_elbow, l_wrist, "
        "l_hand, r_clavicle, r_shoulder, r_elbow, r_wrist, r_hand, l_hip, l_knee, l_ankle, l_foot, l_toe, r_hip, "
        "r_knee, r_ankle, r_foot, r_toe",
    )
    relevant = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6)
    assert OF_17_RELEVANT == (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
    assert tuple(relevant[joint] for joint in OF_17_RELEVANT) == mpi.OF_28_JOINTS
    for joint, number in zip(JOINTS, mpi.OF_28_JOINTS, strict=True):
        if joint[0] in "RL" and joint[1].isupper():
            assert names[number] == f"{joint[0].lower()}_{joint[1:].lower()}"


def test_the_world_of_mpi_inf_3dhp_has_y_up():
    """'World is Y up (mean up vector (-0.02, 0.993, -0.015))'; 'mm3d_chest = 0,2,4,7,8'."""
    assert (Y_UP_TO_Z_UP @ (-0.02, 0.993, -0.015)).argmax() == 2
    assert np.linalg.det(Y_UP_TO_Z_UP) == pytest.approx(1)
    assert mpi.CHEST_CAMERAS == ("0", "2", "4", "7", "8")
