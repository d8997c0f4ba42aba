from dataclasses import replace

import numpy as np
import pytest

from data_modules.sources.studio.actor import KEEP_FROM_SEAT_MM
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.furniture import FREE_RADIUS_MM
from data_modules.sources.studio.motion import perform
from mcss.skeleton import JOINTS, joint_indices
from tests.references import studio_statistics

pytestmark = pytest.mark.slow

CONFIG = PRESETS["studio"]
H36M16 = list(joint_indices("h36m16"))
SITS = ("Eating", "Sitting", "Smoking")


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
    assert 25 < nearest.mean() < 60
    assert nearest.min() > 5


def test_the_pose_tells_the_action_across_subjects(canonical, poses, is_test):
    actions = poses[2]
    guesses = studio_statistics.nearest_centroid(canonical[~is_test], actions[~is_test], canonical[is_test])
    assert (guesses == actions[is_test]).mean() > 0.4


def test_hands_keep_out_of_the_torso(poses):
    joints = poses[0]
    pelvis, thorax = joints[:, JOINTS.index("Pelvis")], joints[:, JOINTS.index("Thorax")]
    spine = thorax - pelvis
    for wrist in (joints[:, JOINTS.index("LWrist")], joints[:, JOINTS.index("RWrist")]):
        share = np.clip(((wrist - pelvis) * spine).sum(-1) / (spine**2).sum(-1), 0, 1)
        distance = np.linalg.norm(wrist - pelvis - share[:, None] * spine, axis=-1)
        assert (distance < 90).mean() < 0.01


def test_people_stay_in_the_room_clear_of_the_chair_and_turn_everywhere(performed, studio):
    for (subject, action, _), joints in performed.items():
        pelvis = joints[:, JOINTS.index("Pelvis"), :2]
        assert np.linalg.norm(pelvis, axis=1).max() < FREE_RADIUS_MM
        away = np.linalg.norm(pelvis - studio.seats[subject].center_mm, axis=1)
        # In one clip of somebody who phones, the person sits all the time or not at all.
        sits = action in SITS or (action == "Phoning" and away.max() < KEEP_FROM_SEAT_MM)
        assert (away.max() < 200) if sits else (away.min() > KEEP_FROM_SEAT_MM)
    hips = np.concatenate([joints[:, JOINTS.index("LHip")] - joints[:, 0] for joints in performed.values()])
    counts, _ = np.histogram(np.arctan2(hips[:, 1], hips[:, 0]), bins=8)
    assert counts.min() > 0.05 * counts.sum()


def test_walkers_walk_where_they_look(performed):
    for (_, action, _), joints in performed.items():
        if action != "Walking":
            continue
        way = np.diff(joints[:, 0, :2], axis=0)
        hips = joints[:, JOINTS.index("LHip"), :2] - joints[:, JOINTS.index("RHip"), :2]
        # The left hip is a quarter turn to the left of the way forward.
        forward = np.stack([hips[:, 1], -hips[:, 0]], axis=-1)
        forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
        between = (forward[:-1] + forward[1:]) / 2
        speed = np.linalg.norm(way, axis=-1)
        assert ((way * between).sum(axis=-1) > 0.7 * speed)[speed > 100].mean() > 0.9
        assert 0.4 < speed.sum() / 1000 / (len(way) * CONFIG.instant_gap_s) < 1.6


def test_a_clip_depends_on_seed_and_its_own_name_alone(studio):
    def joints(seed, subject, action, subaction):
        body, seat = studio.bodies["S7"], studio.seats["S7"]
        config = replace(CONFIG, seed=seed, instants=3)
        return perform(config, subject, action, subaction, body, seat).joints_mm

    first = joints(0, "S7", "Posing", 2)
    np.testing.assert_array_equal(joints(0, "S7", "Posing", 2), first)
    for other in ((1, "S7", "Posing", 2), (0, "S7", "Posing", 1), (0, "S8", "Posing", 2)):
        assert np.abs(joints(*other) - first).max() > 50


def test_motion_is_the_same_at_any_rate(studio):
    """Every fourth of four times as many instants a second is the same posture, but for the slow sway."""
    body, seat = studio.bodies["S7"], studio.seats["S7"]
    for action in ("Walking", "Greeting", "Sitting"):
        coarse, fine = (
            perform(replace(CONFIG, instants=n, fps=fps), "S7", action, 1, body, seat).joints_mm
            for n, fps in ((6, 50.0), (21, 200.0))
        )
        assert np.abs(fine[::4] - coarse).max() < 1e-6


def test_neighbouring_instants_differ(performed):
    """Instants lie far enough apart that a gap of two of them (0.8 s) keeps near copies out of a batch."""
    moved = [np.linalg.norm(np.diff(joints[::2], axis=0), axis=-1).mean() for joints in performed.values()]
    assert np.median(moved) > 60
