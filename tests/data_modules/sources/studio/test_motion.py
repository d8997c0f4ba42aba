import numpy as np
import pytest

from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.motion import play
from data_modules.sources.studio.poses import ANGLES, LIMITS_RAD
from mcss.skeleton import JOINTS, joint_indices
from tests.references import studio_statistics

pytestmark = pytest.mark.slow

CONFIG = PRESETS["studio"]
H36M16 = list(joint_indices("h36m16"))


@pytest.fixture(scope="module")
def canonical(poses):
    return studio_statistics.canonical(poses[0])[:, H36M16]


@pytest.fixture(scope="module")
def is_test(poses):
    return np.isin(poses[1], CONFIG.subjects_test)


def test_predicting_the_mean_pose_is_bad(canonical, is_test):
    mean = canonical[~is_test].mean(axis=0)
    mpjpe = np.linalg.norm(canonical[is_test] - mean, axis=-1).mean()
    pa_mpjpe = studio_statistics.aligned_errors_mm(np.tile(mean, (is_test.sum(), 1, 1)), canonical[is_test]).mean()
    assert 120 < mpjpe < 220
    assert pa_mpjpe > 90


def test_poses_of_other_subjects_are_near_but_no_copies(canonical, poses, is_test):
    nearest = studio_statistics.nearest_other_subject_mm(canonical, poses[1], np.flatnonzero(is_test)[::4])
    assert 25 < nearest.mean() < 50
    assert nearest.min() > 5


def test_the_pose_tells_the_action_across_subjects(canonical, poses, is_test):
    actions = poses[2]
    guesses = studio_statistics.nearest_centroid(canonical[~is_test], actions[~is_test], canonical[is_test])
    assert (guesses == actions[is_test]).mean() > 0.5


def test_joint_angles_stay_within_human_limits(performed):
    angles = np.concatenate([motion.angles_rad for motion, _ in performed.values()])
    assert (angles >= LIMITS_RAD[:, 0]).all()
    assert (angles <= LIMITS_RAD[:, 1]).all()
    # Limits are a safety net: a script that leans on them would be cut flat.
    at_limit = (angles <= LIMITS_RAD[:, 0]) | (angles >= LIMITS_RAD[:, 1])
    assert at_limit.mean() < 0.05


def test_knees_and_elbows_bend_the_right_way(performed):
    angles = np.concatenate([motion.angles_rad for motion, _ in performed.values()])
    bends = [ANGLES.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("arm_elbow", "leg_knee")]
    assert (angles[:, bends] > 0).all()
    assert (angles[:, bends] < np.radians(155)).all()


def test_hands_keep_out_of_the_torso(poses):
    joints = poses[0]
    pelvis, thorax = joints[:, JOINTS.index("Pelvis")], joints[:, JOINTS.index("Thorax")]
    spine = thorax - pelvis
    for wrist in (joints[:, JOINTS.index("LWrist")], joints[:, JOINTS.index("RWrist")]):
        share = np.clip(((wrist - pelvis) * spine).sum(-1) / (spine**2).sum(-1), 0, 1)
        distance = np.linalg.norm(wrist - pelvis - share[:, None] * spine, axis=-1)
        assert (distance < 90).mean() < 0.01


def test_people_stay_in_the_room_and_turn_everywhere(performed):
    places = np.concatenate([motion.position_mm for motion, _ in performed.values()])
    yaws = np.concatenate([motion.yaw_rad for motion, _ in performed.values()])
    assert np.abs(places).max() < 2000
    counts, _ = np.histogram(np.mod(yaws, 2 * np.pi), bins=8, range=(0, 2 * np.pi))
    assert counts.min() > 0.05 * counts.sum()


def test_walkers_walk_where_they_look(performed):
    for (_, action, _), (motion, joints) in performed.items():
        if action != "Walking":
            continue
        way = np.diff(motion.position_mm, axis=0)
        hips = joints[:, JOINTS.index("LHip"), :2] - joints[:, JOINTS.index("RHip"), :2]
        # The left hip is a quarter turn to the left of the way forward.
        forward = np.stack([hips[:, 1], -hips[:, 0]], axis=-1)
        forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
        between = forward[:-1] + forward[1:]
        assert (np.sum(way * between, axis=-1) > 0.7 * np.linalg.norm(way, axis=-1) * 2 * 0.95).mean() > 0.9
        assert 0.5 < np.linalg.norm(way, axis=-1).sum() / 1000 / (len(way) * CONFIG.instant_gap_s) < 1.6


def test_a_clip_depends_on_its_own_name_alone():
    motion, again = (play(CONFIG, "S7", "Posing", 2) for _ in range(2))
    np.testing.assert_array_equal(motion.angles_rad, again.angles_rad)
    for other in (("S7", "Posing", 1), ("S8", "Posing", 2)):
        assert not np.array_equal(motion.angles_rad, play(CONFIG, *other).angles_rad)


def test_neighbouring_instants_differ(performed):
    """Instants lie far enough apart that a gap of two of them (0.8 s) keeps near copies out of a batch."""
    moved = [np.abs(np.diff(motion.angles_rad[::2], axis=0)).mean() for motion, _ in performed.values()]
    assert np.degrees(np.mean(moved)) > 4
