"""A stick person who walks about, bends knees, hips and elbows and turns: 3D joints without the studio's body.

Rigid bones, left and right alike; Z up, millimetres, soles at z = 0 where somebody stands.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from mcss.geometry.camera import Camera
from mcss.skeleton import JOINTS

HEIGHT_MM = 1819.0
"""Human3.6M's HeadTop lies below the crown."""
ANKLE_MM = 73.0
SIZE_PX = (1280, 720)


def moving_person(instants, seed=0):
    """Poses (instants, 17, 3) of h36m17, drawn one by one, and the person's height."""
    rng = np.random.default_rng(seed)
    return np.stack([_pose(rng) for _ in range(instants)]), HEIGHT_MM


def _pose(rng):
    bend = rng.uniform(0, 1) ** 2  # of the knees: mostly standing
    joints = {"Pelvis": np.zeros(3), "LHip": np.array([125.0, 0, 0]), "RHip": np.array([-125.0, 0, 0])}
    for side in "LR":
        lift, knee = bend * rng.uniform(0.4, 1.4) + rng.uniform(-0.1, 0.1), 1.6 * bend + rng.uniform(0.05, 0.15)
        joints[side + "Knee"] = joints[side + "Hip"] + _hang(460.0, forward=lift)
        joints[side + "Ankle"] = joints[side + "Knee"] + _hang(455.0, forward=lift - knee)
    lean = Rotation.from_euler("xz", [rng.normal(0.05, 0.05) + 0.3 * bend, rng.normal(0, 0.12)])
    trunk = {"Spine": [0, 0, 240], "Thorax": [0, 0, 500], "Neck": [0, -40, 615], "HeadTop": [0, -10, 760]}
    trunk |= {"LShoulder": [170, 0, 480], "RShoulder": [-170, 0, 480]}
    joints |= {name: lean.apply(np.array(place, dtype=float)) for name, place in trunk.items()}
    for side in "LR":
        swing, out = rng.uniform(-0.4, 1.8), rng.uniform(0, 0.6) * (1 if side == "L" else -1)
        joints[side + "Elbow"] = joints[side + "Shoulder"] + _hang(285.0, swing, out)
        joints[side + "Wrist"] = joints[side + "Elbow"] + _hang(255.0, swing + rng.uniform(0.1, 1.5), out)
    pose = np.stack([joints[name] for name in JOINTS])
    pose = Rotation.from_euler("z", rng.uniform(-np.pi, np.pi)).apply(pose)
    ankles = pose[[JOINTS.index("LAnkle"), JOINTS.index("RAnkle")], 2]
    return pose + np.array([*rng.uniform(-900, 900, 2), ANKLE_MM - ankles.min()])


def _hang(length, forward, out=0.0):
    """A bone that hangs down, swung forwards (-Y) and out to the left (+X)."""
    return length * np.array([np.sin(out) * np.cos(forward), -np.sin(forward), -np.cos(forward) * np.cos(out)])


def tripods(views, seed=0, upside_down=False):
    """Cameras around the person at unlike distances and heights, of unlike focal lengths; their horizon is level."""
    rng = np.random.default_rng(seed)
    cameras = []
    for azimuth in np.linspace(0.3, 0.3 + 1.5 * np.pi, views):
        distance, focal = rng.uniform(3800, 5200), rng.uniform(750, 1000)
        place = np.array([distance * np.cos(azimuth), distance * np.sin(azimuth), rng.uniform(1000, 1900)])
        camera = Camera.look_at(place, np.array([0.0, 0.0, 900.0]), focal, SIZE_PX)
        if upside_down:
            turn = np.diag([-1.0, -1.0, 1.0])
            camera = Camera(
                turn @ camera.rot_world_to_cam, turn @ camera.trans_mm, camera.intrinsics_px, np.zeros(5), SIZE_PX
            )
        cameras.append(camera)
    return cameras
