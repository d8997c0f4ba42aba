"""What people do, judged by joints and skin alone: statistics over draws, and what bodies and floors allow."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from data_modules.sources.studio.actor import KEEP_FROM_SEAT_MM
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.furniture import FREE_RADIUS_MM, draw_seat
from data_modules.sources.studio.motion import perform
from mcss.skeleton import JOINTS, joint_indices
from tests.references import studio_statistics

pytestmark = pytest.mark.slow

CONFIG = PRESETS["studio"]
SEEDS, PEOPLE = range(5), ("S1", "S6", "S9")
H36M16 = list(joint_indices("h36m16"))
SITS = ("Eating", "Sitting", "Smoking")
HZ = 50


@pytest.fixture(scope="module")
def played(studio):
    """Joints at 8 instants of every action of three people in each of five draws, by (seed, subject, action)."""
    clips = {}
    for seed in SEEDS:
        config = replace(CONFIG, seed=seed, instants=8, frame_step=50)
        for subject in PEOPLE:
            body = studio.bodies[subject]
            seat = draw_seat(config, subject, body)
            for action in CONFIG.actions:
                clips[seed, subject, action] = perform(config, subject, action, 1, body, seat).joints_mm
    return clips


@pytest.fixture(scope="module")
def draws(played):
    """For each seed: poses in the canonical frame (h36m16), subject and action of each."""
    result = []
    for seed in SEEDS:
        keys = [key for key in played if key[0] == seed]
        poses = studio_statistics.canonical(np.concatenate([played[key] for key in keys]))[:, H36M16]
        subjects, actions = (np.array([key[part] for key in keys for _ in played[key]]) for part in (1, 2))
        result.append((poses, subjects, actions))
    return result


@pytest.fixture(scope="module")
def filmed(studio):
    """Postures of some clips at 50 instants a second, by (subject, action)."""
    config = replace(CONFIG, seed=1, fps=float(HZ), frame_step=1, instants=12 * HZ)
    clips = {}
    for subject, action in (
        ("S1", "Walking"), ("S9", "Walking"), ("S6", "WalkingDog"), ("S9", "WalkingTogether"), ("S1", "Greeting"),
        ("S6", "Discussion"), ("S9", "Purchases"), ("S6", "Sitting"), ("S1", "Smoking"),
    ):  # fmt: skip
        clips[subject, action] = perform(
            config, subject, action, 1, studio.bodies[subject], seat_of(studio, subject, 1)
        )
    return clips


def seat_of(studio, subject, seed):
    return draw_seat(replace(CONFIG, seed=seed), subject, studio.bodies[subject])


def vertices_of(body, *bones):
    return np.array([bone.startswith(bones) for bone in body.vertex_bones])


def test_predicting_the_mean_pose_is_bad(draws):
    for poses, subjects, _ in draws:
        others = subjects != "S1"
        error = np.linalg.norm(poses[~others] - poses[others].mean(axis=0), axis=-1).mean()
        assert 140 < error < 230


def test_poses_of_other_people_are_near_but_no_copies(draws):
    for poses, subjects, _ in draws:
        nearest = studio_statistics.nearest_other_subject_mm(poses, subjects, np.arange(0, len(poses), 3))
        assert 25 < nearest.mean() < 60
        assert nearest.min() > 5


def test_the_pose_tells_the_action_across_people(draws):
    for poses, subjects, actions in draws:
        guesses = studio_statistics.nearest_other_label(poses, subjects, actions)
        assert (guesses == actions).mean() > 0.5  # by chance 0.07


def test_both_hands_are_used(played):
    """Among instants with one hand clearly higher, in each draw neither hand is the higher one nearly always."""
    left, right = JOINTS.index("LWrist"), JOINTS.index("RWrist")
    for seed in SEEDS:
        higher = np.concatenate(
            [joints[:, left, 2] - joints[:, right, 2] for key, joints in played.items() if key[0] == seed]
        )
        assert 0.3 < (higher[np.abs(higher) > 150] > 0).mean() < 0.7


def test_a_friend_is_recognised_by_the_motion_alone(studio):
    """People on one body: the nearest pose of the same action in another clip is often the person's own."""
    config, body = replace(CONFIG, instants=8, frame_step=50), studio.bodies["S9"]
    seat = draw_seat(config, "S9", body)
    people, hits = [f"P{number}" for number in range(6)], []
    for action in ("Waiting", "Walking", "Discussion"):
        first, second = (
            [studio_statistics.canonical(perform(config, who, action, clip, body, seat).joints_mm) for who in people]
            for clip in (1, 2)
        )
        for number, poses in enumerate(second):
            distances = [[np.linalg.norm(pose - other, axis=-1).mean(-1).min() for other in first] for pose in poses]
            hits += [np.argmin(row) == number for row in distances]
    assert np.mean(hits) > 0.4  # by chance 0.17


def test_hands_keep_out_of_the_torso(played):
    joints = np.concatenate(list(played.values()))
    pelvis, thorax = joints[:, JOINTS.index("Pelvis")], joints[:, JOINTS.index("Thorax")]
    spine = thorax - pelvis
    for wrist in (joints[:, JOINTS.index("LWrist")], joints[:, JOINTS.index("RWrist")]):
        share = np.clip(((wrist - pelvis) * spine).sum(-1) / (spine**2).sum(-1), 0, 1)
        distance = np.linalg.norm(wrist - pelvis - share[:, None] * spine, axis=-1)
        assert (distance < 90).mean() < 0.01


def test_people_stay_in_the_room_clear_of_the_chair_and_turn_everywhere(played, studio):
    for (seed, subject, action), joints in played.items():
        pelvis = joints[:, 0, :2]
        assert np.linalg.norm(pelvis, axis=1).max() < FREE_RADIUS_MM
        away = np.linalg.norm(pelvis - seat_of(studio, subject, seed).center_mm, axis=1)
        # In one clip of somebody who phones, the person sits all the time or not at all.
        sits = action in SITS or (action == "Phoning" and away.max() < KEEP_FROM_SEAT_MM)
        assert (away.max() < 250) if sits else (away.min() > KEEP_FROM_SEAT_MM), (seed, subject, action)
    hips = np.concatenate([joints[:, JOINTS.index("LHip")] - joints[:, 0] for joints in played.values()])
    counts, _ = np.histogram(np.arctan2(hips[:, 1], hips[:, 0]), bins=8)
    assert counts.min() > 0.05 * counts.sum()


def test_jumps_leave_the_floor_and_nothing_is_below_it(studio, filmed):
    for (_, action), posture in filmed.items():
        lowest = posture.vertices_mm[..., 2].min(axis=1)
        assert lowest.min() > -1e-6
        if action not in {"Greeting", "Sitting", "Smoking"}:
            assert np.percentile(lowest, 98) < 12
    heights = []
    for seed in range(6):
        config = replace(CONFIG, seed=seed, fps=10.0, frame_step=1, instants=200)
        posture = perform(config, "S9", "Posing", 1, studio.bodies["S9"], seat_of(studio, "S9", seed))
        heights.append(posture.vertices_mm[..., 2].min(axis=1).max())
    assert 60 < max(heights) < 300


def test_feet_on_the_floor_do_not_slide(studio, filmed):
    """A point of a sole that stays below 2 mm for 0.15 s moves less than 15 mm, whatever the foot does."""
    for (subject, action), posture in filmed.items():
        soles = posture.vertices_mm[:, vertices_of(studio.bodies[subject], "foot", "toe")]
        start, since, moved = soles[0, :, :2].copy(), np.zeros(soles.shape[1]), [0.0]
        for now in soles:
            low = now[:, 2] < 2
            start[~low], since = now[~low, :2], np.where(low, since + 1, 0)
            moved.append(np.where(since > 0.15 * HZ, np.linalg.norm(now[:, :2] - start, axis=1), 0).max())
        assert max(moved) < 15, (subject, action)


def test_walkers_walk_where_they_look_with_steps_that_differ(filmed):
    for (_, action), posture in filmed.items():
        if not action.startswith("Walking"):
            continue
        joints = posture.joints_mm
        way = np.diff(joints[::5, 0, :2], axis=0) * HZ / 5
        hips = joints[::5, JOINTS.index("LHip"), :2] - joints[::5, JOINTS.index("RHip"), :2]
        # The left hip is a quarter turn to the left of the way forward.
        forward = np.stack([hips[:, 1], -hips[:, 0]], axis=-1)[:-1]
        forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
        speed = np.linalg.norm(way, axis=-1)
        assert ((way * forward).sum(axis=-1) > 0.8 * speed)[speed > 500].mean() > 0.9
        assert 500 < np.median(speed) < 1600
        steps = _step_lengths(joints)
        steps = steps[steps > 0.75 * np.median(steps)]  # not those of turns on the spot
        assert 0.01 < np.std(steps) / np.mean(steps) < 0.2
        assert len(np.unique(steps.round(1))) > 0.8 * len(steps)


def _step_lengths(joints):
    """Way from each place where an ankle rests to the next one of the other ankle."""
    rests = []
    for ankle in (JOINTS.index("LAnkle"), JOINTS.index("RAnkle")):
        speed = np.linalg.norm(np.diff(joints[:, ankle], axis=0), axis=-1)
        still = np.flatnonzero(speed < 0.5)
        runs = np.split(still, np.flatnonzero(np.diff(still) > 1) + 1)
        rests += [(run[0], ankle, joints[run[0], ankle, :2]) for run in runs if len(run) > 5]
    rests.sort(key=lambda rest: rest[0])
    pairs = [(a, b) for a, b in pairwise(rests) if a[1] != b[1]]
    assert len(pairs) > 8
    return np.array([np.linalg.norm(b[2] - a[2]) for a, b in pairs])


def test_knees_bend_backwards_and_nothing_jerks(filmed):
    for (subject, action), posture in filmed.items():
        joints = posture.joints_mm
        speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * HZ / 1000
        assert speed < 12, (subject, action)
        across = joints[:, JOINTS.index("LHip")] - joints[:, JOINTS.index("RHip")]
        for side in "LR":
            hip, knee, ankle = (joints[:, JOINTS.index(side + name)] for name in ("Hip", "Knee", "Ankle"))
            axis = np.cross(knee - hip, ankle - knee)
            bend = np.linalg.norm(axis, axis=1) / np.prod(
                [np.linalg.norm(a - b, axis=1) for a, b in ((knee, hip), (ankle, knee))], axis=0
            )
            assert ((axis * across).sum(axis=1) > 0)[bend > 0.4].all(), (subject, action)


def test_who_sits_sits_on_the_chair_with_feet_on_the_floor(studio, filmed):
    for (subject, action), posture in filmed.items():
        if action not in SITS:
            continue
        body, seat = studio.bodies[subject], seat_of(studio, subject, 1)
        buttocks = posture.vertices_mm[:, vertices_of(body, "pelvis", "upperleg01")]
        assert np.abs(buttocks[..., 2].min(axis=1) - seat.top_mm).max() < 12
        away = np.linalg.norm(buttocks[..., :2].mean(axis=1) - seat.center_mm, axis=1)
        assert away.max() < 175  # half of the chair's width
        left = posture.joints_mm[:, JOINTS.index("LHip")] - posture.joints_mm[:, JOINTS.index("RHip")]
        turned = np.arctan2(left[:, 1], left[:, 0]) - seat.yaw_rad
        assert np.degrees(np.abs((turned + np.pi) % (2 * np.pi) - np.pi)).max() < 25
        feet = posture.vertices_mm[:, vertices_of(body, "foot", "toe"), 2].min(axis=1)
        assert (feet < 2).mean() > 0.8  # else one leg is crossed over the other, whose foot is put elsewhere


def test_a_clip_depends_on_seed_and_its_own_name_alone(studio):
    def joints(seed, subject, action, subaction):
        body, seat = studio.bodies["S9"], seat_of(studio, "S9", 0)
        config = replace(CONFIG, seed=seed, instants=3)
        return perform(config, subject, action, subaction, body, seat).joints_mm

    first = joints(0, "S9", "Posing", 2)
    np.testing.assert_array_equal(joints(0, "S9", "Posing", 2), first)
    for other in ((1, "S9", "Posing", 2), (0, "S9", "Posing", 1), (0, "S8", "Posing", 2)):
        assert np.abs(joints(*other) - first).max() > 50


def test_motion_is_the_same_at_any_rate(studio):
    body, seat = studio.bodies["S9"], seat_of(studio, "S9", 0)
    for action in ("Walking", "Greeting", "Sitting", "SittingDown"):
        coarse, fine = (
            perform(replace(CONFIG, instants=n, fps=fps), "S9", action, 1, body, seat).joints_mm
            for n, fps in ((6, 50.0), (21, 200.0))
        )
        assert np.abs(fine[::4] - coarse).max() < 1e-6


def test_neighbouring_instants_differ(played):
    """Instants lie far enough apart that a gap of 0.8 s, here 1 s, keeps near copies out of a batch."""
    moved = [np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean() for joints in played.values()]
    assert np.median(moved) > 60
