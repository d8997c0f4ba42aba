"""Motion files that are written from known rotations, played on a body of the studio."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data_modules.cli import main
from data_modules.sources.studio.actor import free_ground
from data_modules.sources.studio.body import make_body
from data_modules.sources.studio.clips import Studio
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.furniture import draw_seat
from data_modules.sources.studio.mocap.amass import SKELETON
from data_modules.sources.studio.mocap.play import motion_files, pieces, play
from data_modules.sources.studio.source import build_studio
from data_modules.store import open_store
from mcss.errors import InputError
from mcss.skeleton import JOINTS
from tests.references.motion_files import (
    CMU_NAMES,
    T_POSE,
    Z_UP,
    body_joints,
    bvh_text,
    places,
    turn,
    walk,
    world_turns,
)

FRAMES, FRAME_S = 40, 1 / 30
CONFIG = replace(PRESETS["studio"], fps=30.0, frame_step=1, instants=FRAMES)


@pytest.fixture(scope="module")
def body():
    shape = {"gender": 0.2, "age": 0.6, "muscle": 0.5, "weight": 0.5, "height": 0.5, "proportions": 0.5}
    return make_body(shape, CONFIG.mesh)


@pytest.fixture(scope="module")
def seat(body):
    return draw_seat(CONFIG, "S1", body)


@pytest.fixture(scope="module")
def motion():
    """Rotations to the world and local ones, and the way of the hips: Y up, centimetres."""
    angles, root = walk(FRAMES, FRAME_S)
    return *world_turns(angles), angles, root


def write_plain(path, motion, frame_s=FRAME_S):
    *_, angles, root = motion
    values = np.stack([np.stack([angles[joint][axis] for axis in "ZXY"], axis=1) for joint in T_POSE], axis=1)
    path.write_text(bvh_text(T_POSE, values, root, "ZXY", frame_s))
    return path


def write_otherwise(path, motion, order, unit, world, rest, names):
    """The same motion with another order of channels, unit and world, and another rest pose and name of each joint."""
    turns, _, _, root = motion
    skeleton, values = {}, []
    for joint, (parent, offset) in T_POSE.items():
        way = unit * np.array(offset, dtype=float)
        skeleton[names.get(joint, joint)] = (names.get(parent, parent), rest[parent].T @ way if parent else way)
        above = turns[parent] @ rest[parent] if parent else world.T[None]
        local = np.swapaxes(above, 1, 2) @ turns[joint] @ rest[joint]
        values.append(Rotation.from_matrix(local).as_euler(order, degrees=True))
    path.write_text(bvh_text(skeleton, np.stack(values, axis=1), unit * root @ world.T, order, FRAME_S))
    return path


def expected(body, motion):
    turns, _, _, root = motion
    points = {joint: place @ Z_UP.T for joint, place in places(turns, root).items()}
    return body_joints(body, points, {joint: Z_UP @ matrix @ Z_UP.T for joint, matrix in turns.items()})


def test_joints_are_those_of_forward_kinematics(body, seat, motion, tmp_path):
    joints = play(CONFIG, write_plain(tmp_path / "walk.bvh", motion), 1, body, seat).joints_mm
    assert np.abs(joints - joints[:, :1] - expected(body, motion)).max() < 1


def test_the_way_is_the_files_in_the_persons_own_size(body, seat, motion, tmp_path):
    posture = play(CONFIG, write_plain(tmp_path / "walk.bvh", motion), 1, body, seat)
    turns, *_, root = motion
    points = places(turns, root)
    legs = [
        np.linalg.norm(points[f"Left{a}"][0] - points[f"Left{b}"][0]) for a, b in (("UpLeg", "Leg"), ("Leg", "Foot"))
    ]
    heads = [body.heads_mm[body.index[f"{bone}.L"]] for bone in ("upperleg01", "lowerleg01", "foot")]
    size = sum(np.linalg.norm(b - a) for a, b in pairwise(heads)) / sum(legs)
    hips = (points["LeftUpLeg"] + points["RightUpLeg"]) / 2 @ Z_UP.T
    knees = posture.joints_mm[:, JOINTS.index("LKnee")] - expected(body, motion)[:, JOINTS.index("LKnee")]
    assert np.abs(np.diff(knees, axis=0) - size * np.diff(hips, axis=0)).max() < 8  # the pelvis lies above the hips
    lowest = posture.vertices_mm[..., 2].min(axis=1)
    assert lowest.min() > -1e-6
    assert lowest.max() < 60
    ground = free_ground(seat)
    assert np.linalg.norm(posture.joints_mm[:, 0, :2] - ground.center_mm, axis=1).max() < ground.radius_mm


def _turned(seed):
    """Another rest pose: trunk and head alike, every joint of a limb differently."""
    trunk = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    rng = np.random.default_rng(seed + 1)
    limbs = {joint: Rotation.random(rng=rng).as_matrix() for joint in T_POSE}
    return {joint: limbs[joint] if joint.startswith(("Left", "Right")) else trunk for joint in T_POSE}


AS_IT_IS = dict.fromkeys(T_POSE, np.eye(3))
ARMS_DOWN = AS_IT_IS | {
    joint: turn("Z", np.array([-75.0 if joint.startswith("Left") else 75.0]))[0]
    for joint in T_POSE
    if joint.endswith(("Arm", "Hand"))
}


@pytest.mark.parametrize(
    ("order", "unit", "world", "rest", "names"),
    [
        pytest.param("XYZ", 1 / 2.54, np.eye(3), AS_IT_IS, CMU_NAMES, id="CMU's names in inches"),
        pytest.param("ZYX", 0.01, np.eye(3), ARMS_DOWN, {}, id="arms down, metres"),
        pytest.param("YXZ", 1.0, Z_UP, AS_IT_IS, {}, id="Z up"),
        pytest.param("ZYX", 1.0, np.eye(3), _turned(3), {}, id="axes of every joint its own"),
    ],
)
def test_conventions_of_the_file_change_nothing(body, seat, motion, tmp_path, order, unit, world, rest, names):
    plain = play(CONFIG, write_plain(tmp_path / "plain.bvh", motion), 1, body, seat)
    path = write_otherwise(tmp_path / "other.bvh", motion, order, unit, world, rest, names)
    other = play(CONFIG, path, 1, body, seat)
    np.testing.assert_allclose(other.joints_mm, plain.joints_mm, atol=1)
    np.testing.assert_allclose(other.vertices_mm, plain.vertices_mm, atol=5)


@pytest.mark.parametrize("rate_key", ["mocap_framerate", "mocap_frame_rate"])
def test_amass(body, seat, motion, tmp_path, rate_key):
    smpl = dict(zip(SKELETON, ("Hips", "LeftUpLeg", "RightUpLeg", "Spine", "LeftLeg", "RightLeg", "Spine1", "LeftFoot",
                               "RightFoot", "Spine2", "LeftToe", "RightToe", "Neck", "LeftShoulder", "RightShoulder",
                               "Head", "LeftArm", "RightArm", "LeftForeArm", "RightForeArm", "LeftHand", "RightHand"),
                    strict=True))  # fmt: skip
    turns, local, _, root = motion
    local = local | {"Hips": Z_UP @ local["Hips"]}
    poses = np.concatenate([Rotation.from_matrix(local[joint]).as_rotvec() for joint in smpl.values()], axis=1)
    poses = np.concatenate([poses, np.zeros((FRAMES, 90))], axis=1)
    np.savez(tmp_path / "a.npz", poses=poses, trans=root @ Z_UP.T / 100, **{rate_key: 1 / FRAME_S})
    joints = play(CONFIG, tmp_path / "a.npz", 1, body, seat).joints_mm
    parents = list(smpl.values())
    skeleton = {smpl[name]: (parents[parent] if parent >= 0 else "", way) for name, (parent, way) in SKELETON.items()}
    points = {joint: place @ Z_UP.T for joint, place in places(turns, root, skeleton).items()}
    wanted = body_joints(body, points, {joint: Z_UP @ matrix @ Z_UP.T for joint, matrix in turns.items()})
    assert np.abs(joints - joints[:, :1] - wanted).max() < 1


def test_times_between_frames_are_between_their_poses(body, seat, motion, tmp_path):
    path = write_plain(tmp_path / "walk.bvh", motion)
    fine = play(replace(CONFIG, fps=60.0, instants=2 * FRAMES), path, 1, body, seat).joints_mm
    coarse = play(CONFIG, path, 1, body, seat).joints_mm
    np.testing.assert_allclose(fine[::2], coarse, atol=0.1)
    assert len(fine) == 2 * FRAMES - 1
    assert np.abs(fine[1:-1:2] - (coarse[:-1] + coarse[1:]) / 2).max() < 5


def test_long_files_are_cut_and_short_ones_are_short_clips(body, seat, motion, tmp_path):
    path = write_plain(tmp_path / "walk.bvh", motion)
    cut = replace(CONFIG, instants=15, subactions=5)
    assert pieces(cut, path) == 2
    assert pieces(replace(cut, subactions=1), path) == 1
    assert pieces(replace(CONFIG, instants=100), path) == 1
    assert len(play(replace(CONFIG, instants=100), path, 1, body, seat).joints_mm) == FRAMES
    whole = play(CONFIG, path, 1, body, seat).joints_mm
    second = play(cut, path, 2, body, seat).joints_mm
    np.testing.assert_allclose(second - second[:, :1], (whole - whole[:, :1])[15:30], atol=0.1)


def test_who_would_walk_out_of_the_room_walks_in_place(body, seat, motion, tmp_path):
    turns, local, angles, root = motion
    far = root + np.arange(FRAMES)[:, None] * [0, 0, 12.0]
    path = write_plain(tmp_path / "far.bvh", (turns, local, angles, far))
    joints = play(CONFIG, path, 1, body, seat).joints_mm
    ground = free_ground(seat)
    assert np.linalg.norm(joints[:, 0, :2] - ground.center_mm, axis=1).max() < ground.radius_mm + 60
    assert np.abs(joints - joints[:, :1] - expected(body, motion)).max() < 1


@pytest.mark.slow
def test_a_walk_is_rendered_with_the_joints_of_forward_kinematics(motion, tmp_path):
    folder = tmp_path / "motions"
    folder.mkdir()
    write_plain(folder / "walk.bvh", motion)
    few = replace(PRESETS["tiny"], motion=str(folder), fps=30.0, frame_step=2, instants=2, crop_size_px=32)
    build_studio(few, tmp_path / "store", workers=1, progress=False)
    store = open_store(tmp_path / "store")
    assert set(store.action.tolist()) == {"walk"}
    assert set(store.subject.tolist()) == {"S1", "S5", "S9"}
    for subject in ("S1", "S9"):
        rows = np.flatnonzero((store.subject == subject) & (store.camera == store.camera[0]) & (store.subaction == 1))
        poses = np.stack([store.pose_world[row] for row in rows])
        wanted = expected(Studio(few, (subject,)).bodies[subject], motion)[store.frame[rows]]
        assert len(rows) == 2
        assert np.abs(poses - poses[:, :1] - wanted).max() < 1


def test_the_command_says_what_is_wrong_with_a_file_and_ends(motion, tmp_path, capsys):
    path = write_plain(tmp_path / "walk.bvh", motion)
    path.write_text(path.read_text().replace("LeftArm", "Oberarm"))
    with pytest.raises(SystemExit) as ended:
        main(["render", "--preset", "tiny", "--motion", str(tmp_path), "--out", str(tmp_path / "store")])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"mcss-data: {path}: the skeleton is of no known naming")


def _broken(text, name):
    lines = text.splitlines()
    return {
        "names": text.replace("LeftArm", "Oberarm"),
        "missing": text.replace("RightForeArm", "RFA").replace("RightUpLeg", "RUL"),
        "cut": "\n".join([*lines[:-7], lines[-7][:40]]),
        "cut hierarchy": "\n".join(lines[:30]),
        "frame time": text.replace(f"Frame Time: {FRAME_S:.8f}", "Frame Time: 0"),
        "nan": "\n".join([*lines[:-1], lines[-1].replace(lines[-1].split()[8], "nan")]),
        "empty": "",
    }[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("names", "no known naming: for lafan it lacks LeftArm; rename its joints"),
        ("missing", "it lacks RightUpLeg, RightForeArm; rename"),
        ("cut", "not a whole BVH file"),
        ("cut hierarchy", "not a whole BVH file"),
        ("frame time", r"frame time \(0.0\)"),
        ("nan", "no number; export it again"),
        ("empty", "not a whole BVH file"),
    ],
)
def test_broken_bvh_files_are_one_line(body, seat, motion, tmp_path, name, message):
    path = write_plain(tmp_path / "walk.bvh", motion)
    path.write_text(_broken(path.read_text(), name))
    with pytest.raises(InputError, match=message) as error:
        play(CONFIG, path, 1, body, seat)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"poses": np.zeros((4, 63))}, "poses have shape"),
        ({"trans": np.zeros((3, 3))}, "poses have shape"),
        ({"mocap_framerate": 0.0}, "frame rate is 0"),
        ({"poses": np.full((4, 156), np.nan)}, "no number"),
        ({"poses": None}, "poses (axis-angle"),
    ],
)
def test_broken_amass_files_are_one_line(body, seat, tmp_path, change, message):
    values = {"poses": np.zeros((4, 156)), "trans": np.zeros((4, 3)), "mocap_framerate": 30.0} | change
    np.savez(tmp_path / "a.npz", **{key: value for key, value in values.items() if value is not None})
    with pytest.raises(InputError) as error:
        play(CONFIG, tmp_path / "a.npz", 1, body, seat)
    assert message in str(error.value)


def test_folders(motion, tmp_path):
    with pytest.raises(InputError, match=r"there is no \.bvh or \.npz file"):
        motion_files(tmp_path)
    with pytest.raises(InputError, match="there is no such folder"):
        motion_files(tmp_path / "nowhere")
    (tmp_path / "more").mkdir()
    paths = [write_plain(tmp_path / name, motion) for name in ("walk.bvh", "more/run.BVH")]
    assert motion_files(tmp_path) == {"walk": paths[0], "run": paths[1]}
    write_plain(tmp_path / "more" / "walk.bvh", motion)
    with pytest.raises(InputError, match="have one name; rename one"):
        motion_files(tmp_path)
