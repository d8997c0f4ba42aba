import numpy as np

from data_modules.sources.studio.poses import ANGLES, GAIT, KEY_POSES, LIMITS_RAD, SCRIPTS


def test_key_poses_are_human():
    for name, pose in KEY_POSES.items():
        angles = pose.angles_rad()
        outside = (angles < LIMITS_RAD[:, 0]) | (angles > LIMITS_RAD[:, 1])
        assert not outside.any(), (name, [ANGLES[index] for index in np.flatnonzero(outside)])


def test_scripts_play_known_poses_and_every_pose_is_played():
    played = {name for script in SCRIPTS.values() for name in script.weights}
    played |= {f"{script.walks}_{phase}" for script in SCRIPTS.values() if script.walks for phase in GAIT}
    played |= {"crouch", "land"}  # before and after every jump
    assert played == set(KEY_POSES)


def test_mirroring_twice_changes_nothing():
    for pose in KEY_POSES.values():
        np.testing.assert_allclose(pose.mirrored().mirrored().angles_rad(), pose.angles_rad())
