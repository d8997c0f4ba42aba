"""A walking stick figure in the canonical frame, whose bones keep their lengths and whose angles are known."""

import numpy as np

from mcss.skeleton import JOINTS


def standing_pose():
    """Joints of h36m17, mm: upright, arms hanging, facing -Y, left on +X."""
    places = {
        "Pelvis": (0, 0, 0), "RHip": (-130, 0, 0), "RKnee": (-130, 0, -440), "RAnkle": (-130, 0, -890),
        "LHip": (130, 0, 0), "LKnee": (130, 0, -440), "LAnkle": (130, 0, -890), "Spine": (0, 0, 230),
        "Thorax": (0, 0, 480), "Neck": (0, 0, 590), "HeadTop": (0, 0, 710), "LShoulder": (170, 0, 450),
        "LElbow": (170, 0, 170), "LWrist": (170, 0, -80), "RShoulder": (-170, 0, 450), "RElbow": (-170, 0, 170),
        "RWrist": (-170, 0, -80),
    }  # fmt: skip
    return np.array([places[joint] for joint in JOINTS], dtype=np.float64)


def bend(pose, joint, below, axis, degrees):
    """Turn the joints ``below`` about ``joint`` by the right-hand rule."""
    axis, angle = np.array(axis, dtype=np.float64), np.radians(degrees)
    axis /= np.linalg.norm(axis)
    centre = pose[JOINTS.index(joint)]
    turned = pose.copy()
    for name in below:
        arm = pose[JOINTS.index(name)] - centre  # Rodrigues' formula
        along = axis * (axis @ arm) * (1 - np.cos(angle))
        turned[JOINTS.index(name)] = centre + arm * np.cos(angle) + np.cross(axis, arm) * np.sin(angle) + along
    return turned


def walk(frames=60, fps=30.0):
    """Times in s and poses (frames, 17, 3) in mm."""
    time_s = np.arange(frames) / fps
    poses = []
    for phase in 2 * np.pi * time_s:
        pose, swing = standing_pose(), 30 * np.sin(phase)
        # Facing -Y, a turn about -X carries what hangs forward.
        for side, sign in (("R", 1), ("L", -1)):
            forward = (-1, 0, 0)
            pose = bend(pose, f"{side}Knee", [f"{side}Ankle"], forward, -20 - 20 * np.sin(phase * sign))
            pose = bend(pose, f"{side}Hip", [f"{side}Knee", f"{side}Ankle"], forward, sign * swing)
            pose = bend(pose, f"{side}Shoulder", [f"{side}Elbow", f"{side}Wrist"], forward, -sign * swing)
        poses.append(pose)
    return time_s, np.array(poses)
