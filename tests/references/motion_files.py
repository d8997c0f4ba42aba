"""Motion files of known rotations, and where a body's joints are then: in plain numpy, for tests of motion capture."""

import numpy as np

from data_modules.sources.studio.joints import WEIGHTS
from mcss.skeleton import JOINTS

# Somebody in a T-pose, centimetres, Y up, facing +Z.
T_POSE = {
    "Hips": ("", (0, 0, 0)),
    "LeftUpLeg": ("Hips", (9, -3, 0)), "LeftLeg": ("LeftUpLeg", (1, -42, 1)), "LeftFoot": ("LeftLeg", (0, -41, -2)),
    "LeftToe": ("LeftFoot", (0, -7, 14)),
    "RightUpLeg": ("Hips", (-9, -3, 0)), "RightLeg": ("RightUpLeg", (-1, -42, 1)),
    "RightFoot": ("RightLeg", (0, -41, -2)), "RightToe": ("RightFoot", (0, -7, 14)),
    "Spine": ("Hips", (0, 9, 0)), "Spine1": ("Spine", (0, 12, 0)), "Spine2": ("Spine1", (0, 12, 0)),
    "Neck": ("Spine2", (0, 17, 0)), "Head": ("Neck", (0, 9, 1)),
    "LeftShoulder": ("Spine2", (4, 12, 0)), "LeftArm": ("LeftShoulder", (13, 0, -1)),
    "LeftForeArm": ("LeftArm", (28, 0, 0)), "LeftHand": ("LeftForeArm", (25, 0, 0)),
    "RightShoulder": ("Spine2", (-4, 12, 0)), "RightArm": ("RightShoulder", (-13, 0, -1)),
    "RightForeArm": ("RightArm", (-28, 0, 0)), "RightHand": ("RightForeArm", (-25, 0, 0)),
}  # fmt: skip
CMU_NAMES = {"Spine": "LowerBack", "Spine1": "Spine", "Spine2": "Spine1", "LeftToe": "LeftToeBase",
             "RightToe": "RightToeBase"}  # fmt: skip
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""From a world with Y up to one with Z up."""
_SPINE = {"spine04": "Spine", "spine03": "Spine1", "spine02": "Spine2", "spine01": "Spine2"}
_TRUNK = {"root": "Hips", "spine05": "Hips", **_SPINE, "neck01": "Neck", "neck02": "Neck", "neck03": "Neck",
          "head": "Head", "eye.L": "Head", "eye.R": "Head"}  # fmt: skip


def turn(axis, degrees):
    """Matrices (frames, 3, 3) of turns about a coordinate axis."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.zeros((len(cosine), 3, 3))
    a, b = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    c = 3 - a - b
    matrix[:, c, c] = 1
    matrix[:, a, a], matrix[:, a, b], matrix[:, b, a], matrix[:, b, b] = cosine, -sine, sine, cosine
    return matrix


def walk(frames, frame_s):
    """Euler angles (degrees, by joint and axis) and way of the hips of a walk, never the same on both sides."""
    phase = 2 * np.pi * np.arange(frames) * frame_s / 1.1
    zero = np.zeros(frames)
    angles = {joint: {"X": zero, "Y": zero, "Z": zero} for joint in T_POSE}
    angles["Hips"] = {"X": 4 + zero, "Y": 25 + 30 * phase / 10 + 4 * np.sin(phase), "Z": 3 * np.cos(phase)}
    for side, sign in (("Left", 1), ("Right", -1)):
        swing = sign * np.sin(phase)
        angles[f"{side}UpLeg"] = {"X": -24 * swing - 4, "Y": sign * 6 + zero, "Z": sign * 3 + zero}
        angles[f"{side}Leg"] = {"X": 22 + 18 * np.cos(phase + sign), "Y": zero, "Z": zero}
        angles[f"{side}Foot"] = {"X": -12 + 8 * swing, "Y": zero, "Z": zero}
        angles[f"{side}Arm"] = {"X": zero, "Y": -sign * 18 * swing, "Z": -sign * (68 + zero)}
        angles[f"{side}ForeArm"] = {"X": zero, "Y": -sign * (30 + 10 * swing), "Z": zero}
        angles[f"{side}Shoulder"] = {"X": zero, "Y": 3 * swing, "Z": sign * 4 + zero}
    angles["Spine"] = {"X": 5 + zero, "Y": -6 * np.sin(phase), "Z": zero}
    angles["Spine2"] = {"X": 3 + zero, "Y": -5 * np.sin(phase), "Z": 2 * np.cos(phase)}
    angles["Head"] = {"X": 8 + zero, "Y": 20 * np.sin(phase / 3), "Z": zero}
    along = np.arange(frames) * frame_s
    return angles, np.stack([30 * along, 88 + 2 * np.cos(2 * phase), 45 * along], axis=1)


def world_turns(angles, order="ZXY"):
    """Rotation of each joint from the T-pose to the world with Y up, and the local ones; turns in ``order``."""
    local, world = {}, {}
    for joint, (parent, _) in T_POSE.items():
        first, second, third = (turn(axis, angles[joint][axis]) for axis in order)
        local[joint] = first @ second @ third
        world[joint] = world[parent] @ local[joint] if parent else local[joint]
    return world, local


def places(world, root, skeleton=T_POSE):
    """Where the joints are."""
    found = {}
    for joint, (parent, offset) in skeleton.items():
        found[joint] = found[parent] + world[parent] @ np.array(offset, dtype=float) if parent else root
    return found


def body_joints(body, points, turns):
    """H36m17 of a body whose trunk turns by ``turns`` and whose limbs point as the joints in ``points`` lie.

    Both have Z up. The pelvis is at 0.
    """
    ref = {bone: body.heads_mm[index] for bone, index in body.index.items()}
    parents = {bone: body.bones[body.parents[index]] for bone, index in body.index.items()}
    heads = {"root": np.zeros((len(points["Hips"]), 3))}

    def add(bone, above, matrix):
        heads[bone] = heads[above] + matrix @ (ref[bone] - ref[above])

    def point(bone, above, start, end):
        way = points[end] - points[start]
        length = np.linalg.norm(ref[bone] - ref[above])
        heads[bone] = heads[above] + length * way / np.linalg.norm(way, axis=1, keepdims=True)

    for bone in list(_TRUNK)[1:]:
        add(bone, parents[bone], turns[_TRUNK[parents[bone]]])
    for letter, side in (("L", "Left"), ("R", "Right")):
        add(f"upperleg01.{letter}", "root", turns["Hips"])
        point(f"lowerleg01.{letter}", f"upperleg01.{letter}", f"{side}UpLeg", f"{side}Leg")
        point(f"foot.{letter}", f"lowerleg01.{letter}", f"{side}Leg", f"{side}Foot")
        add(f"clavicle.{letter}", "spine01", turns["Spine2"])
        point(f"upperarm01.{letter}", f"clavicle.{letter}", f"{side}Shoulder", f"{side}Arm")
        point(f"lowerarm01.{letter}", f"upperarm01.{letter}", f"{side}Arm", f"{side}ForeArm")
        point(f"wrist.{letter}", f"lowerarm01.{letter}", f"{side}ForeArm", f"{side}Hand")
    head = body.index["head"]
    crown = body.rest_to_reference[head] @ (body.crown_rest_mm - body.rest_heads_mm[head])
    heads["crown"] = heads["head"] + turns["Head"] @ crown
    joints = np.stack([sum(w * heads[bone] for bone, w in WEIGHTS[joint].items()) for joint in JOINTS], axis=1)
    return joints - joints[:, :1]


def bvh_text(skeleton, values, root, order, frame_s):
    """Text of a BVH file: ``values`` (frames, joints, 3) are degrees in ``order``."""
    children = {joint: [name for name, (parent, _) in skeleton.items() if parent == joint] for joint in skeleton}
    lines = ["HIERARCHY"]
    written = []

    def write(joint, depth):
        parent, offset = skeleton[joint]
        tab = "  " * depth
        channels = " ".join(f"{axis}rotation" for axis in order)
        if not parent:
            channels = f"Xposition Yposition Zposition {channels}"
        lines.extend([f"{tab}{'JOINT' if parent else 'ROOT'} {joint}", f"{tab}{{"])
        lines.append(f"{tab}  OFFSET {' '.join(f'{value:.7f}' for value in offset)}")
        lines.append(f"{tab}  CHANNELS {3 if parent else 6} {channels}")
        written.append(joint)
        for child in children[joint]:
            write(child, depth + 1)
        if not children[joint]:
            lines.extend([f"{tab}  End Site", f"{tab}  {{", f"{tab}    OFFSET 0 3 0", f"{tab}  }}"])
        lines.append(f"{tab}}}")

    write(next(iter(skeleton)), 0)
    lines.extend(["MOTION", f"Frames: {len(root)}", f"Frame Time: {frame_s:.8f}"])
    columns = [list(skeleton).index(joint) for joint in written]
    for place, frame in zip(root, values[:, columns], strict=True):
        lines.append(" ".join(f"{value:.7f}" for value in (*place, *frame.ravel())))
    return "\n".join(lines) + "\n"
