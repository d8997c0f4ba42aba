"""What is doubtful about the poses of a clip: missing joints, times that do not fit, bones that change, mirrors."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from data_modules.sources.base import Remark
from data_modules.sources.footage.poses import OwnPoses
from data_modules.sources.footage.recordings import RATE_TOLERANCE, nearest_index
from mcss.skeleton import BONES, JOINTS

LEAST_USED = 0.5
"""Share of the poses, or of the instants where these are fewer, that has to come together."""
LENGTH_SPREAD = 0.15
"""Mean deviation of a bone's length over the clip, as a share of its median: markers on skin stay far below."""
SIDES_APART = 0.25
"""Difference of a left bone's length and the right one's, as a share of their mean."""
BENT_MM = 30.0
"""By so much a knee lies off the line from hip to ankle where the side that it bends to is told."""
LEAST_BENT, MOST_BACKWARD = 10, 0.7
"""So many bent knees at least tell something, of which this share may bend backwards."""
FASTEST_CAPTURE = 1000.0
"""Poses a second."""
LEAST_REPEATED = 10
"""So many poses in a row that are equal to the last bit were not captured."""
SHOWN_BONES = 4
UNITS_OF_TIME = {1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}
LONG_BONES = (("LHip", "LKnee"), ("LKnee", "LAnkle"), ("LShoulder", "LElbow"), ("LElbow", "LWrist"))


def pose_remarks(poses: OwnPoses, instants_s: Float64[np.ndarray, " instants"], tolerance_s: float) -> Iterator[Remark]:
    """Yield a line for each of these, with counts.

    Args:
        poses: of the clip.
        instants_s: times of the instants on the shared clock, ascending; at least one.
        tolerance_s: a pose belongs to an instant that is so near.
    """
    if poses.absent:
        yield Remark(
            f"{poses.path}: nothing for {', '.join(poses.absent)}; name their markers in markers.csv, where a row"
            " without a marker says that there is none, or call them so in an npz file"
        )
    known = np.isfinite(poses.pose_world).all(axis=2)
    empty = int((~known).all(axis=1).sum())
    missing = zip(JOINTS, ((~known).sum(axis=0) - empty).tolist(), strict=True)
    seldom = [f"all in {empty} of {len(known)}"] if empty else []
    seldom += [f"{name} in {count} of {len(known)}" for name, count in missing if count]
    if seldom:
        yield Remark(f"{poses.path}: joints without a label: {', '.join(seldom)} poses", is_fault=False)
    if rootless := int((~poses.are_rooted).sum()):
        line = f"{poses.path}: {rootless} of {len(known)} poses are no labels, because pelvis or hips are missing"
        yield Remark(line, is_fault=False)
    yield from _join_remarks(poses, instants_s, tolerance_s)
    yield from _rate_remarks(poses)
    yield from _bone_remarks(poses)
    yield from _still_remarks(poses)
    yield from _mirror_remarks(poses)


def _join_remarks(
    poses: OwnPoses, instants_s: Float64[np.ndarray, " instants"], tolerance_s: float
) -> Iterator[Remark]:
    apart_s = np.abs(instants_s[nearest_index(instants_s, poses.time_s)] - poses.time_s)
    used, count = int((apart_s <= tolerance_s).sum()), len(poses.time_s)
    if used >= LEAST_USED * min(count, len(instants_s)):
        return
    span_s, film_s = (float(times[-1] - times[0]) for times in (poses.time_s, instants_s))
    rate = (len(instants_s) - 1) / film_s if film_s > 0 else 1.0
    guess = "check the offset of the poses in sync.csv"
    units = [unit for times, unit in UNITS_OF_TIME.items() if 0.2 < span_s / times / max(film_s, 1e-9) < 5]
    if units and span_s > 20 * film_s:
        guess = f"they look like {units[0]}: write seconds"
    elif span_s > 2 * film_s and 0.2 < span_s / rate / max(film_s, 1e-9) < 5:
        guess = f"they look like numbers of frames: divide by their rate ({rate:.3g} a second in the videos)"
    yield Remark(
        f"{poses.path}: {used} of {count} poses used: their times go from {poses.time_s[0]:.3f} to"
        f" {poses.time_s[-1]:.3f} s, those of the videos from {instants_s[0]:.3f} to {instants_s[-1]:.3f} s; {guess}"
    )


def _rate_remarks(poses: OwnPoses) -> Iterator[Remark]:
    rate = (len(poses.time_s) - 1) / max(float(poses.time_s[-1] - poses.time_s[0]), 1e-9)
    if rate > FASTEST_CAPTURE:
        yield Remark(f"{poses.path}: has {rate:.4g} poses a second by its times, which are no seconds; write seconds")
    if poses.rate_said and len(poses.time_s) > 1 and abs(rate / poses.rate_said - 1) > RATE_TOLERANCE:
        yield Remark(
            f"{poses.path}: has {poses.rate_said:g} poses a second by its header and {rate:.4g} by its times; export it"
            " again"
        )


def _bone_remarks(poses: OwnPoses) -> Iterator[Remark]:
    lengths = {
        (a, b): np.linalg.norm(poses.pose_world[:, JOINTS.index(a)] - poses.pose_world[:, JOINTS.index(b)], axis=1)
        for a, b in [(JOINTS[a], JOINTS[b]) for a, b in BONES]
    }
    lengths = {bone: values[np.isfinite(values)] for bone, values in lengths.items()}
    middle = {bone: float(np.median(values)) for bone, values in lengths.items() if len(values)}
    changing = [
        f"{a}-{b} by {spread:.0%}"
        for (a, b), typical in middle.items()
        if (spread := float(np.abs(lengths[a, b] - typical).mean()) / max(typical, 1e-9)) > LENGTH_SPREAD
    ]
    if changing:
        others = f" and {len(changing) - SHOWN_BONES} more" if len(changing) > SHOWN_BONES else ""
        yield Remark(
            f"{poses.path}: bones change their length over the clip ({', '.join(changing[:SHOWN_BONES])}{others}, on"
            " average); markers were"
            " swapped or lost, or coordinates are in another order"
        )
    unequal = []
    for a, b in LONG_BONES:
        left, right = (middle.get((s + a[1:], s + b[1:])) or middle.get((s + b[1:], s + a[1:])) for s in "LR")
        if left and right and abs(left - right) > SIDES_APART * (left + right) / 2:
            unequal.append(f"{a[1:]}-{b[1:]} {left:.0f} and {right:.0f} mm")
    if unequal:
        yield Remark(f"{poses.path}: left and right differ ({', '.join(unequal)}); check the joints' names")

    if torn := int(poses.are_torn.sum()):
        yield Remark(
            f"{poses.path}: {torn} of {len(poses.time_s)} poses are no labels, because a bone has another length than"
            " in the others; mend the markers there"
        )


def _still_remarks(poses: OwnPoses) -> Iterator[Remark]:
    """A capture that stands still repeats its last pose; a person who stands still does not."""
    is_known = np.isfinite(poses.pose_world).any(axis=(1, 2))
    repeats = (np.nan_to_num(np.diff(poses.pose_world, axis=0)) == 0).all(axis=(1, 2)) & is_known[1:]
    ends = np.flatnonzero(np.diff(np.concatenate([[False], repeats, [False]]).astype(int)))
    if (count := int(np.diff(ends)[::2].max(initial=0))) >= LEAST_REPEATED:
        yield Remark(f"{poses.path}: one pose is repeated {count} times; the capture stood still there", is_fault=False)


def _mirror_remarks(poses: OwnPoses) -> Iterator[Remark]:
    """Knees tell whether left and right belong to the sides that the axes say: no person's bend backwards."""
    joint = {name: poses.pose_world[:, JOINTS.index(name)] for name in JOINTS}
    forward = np.cross(joint["LHip"] - joint["RHip"], joint["Thorax"] - joint["Pelvis"])
    bends = []
    for side in "LR":
        hip, knee, ankle = (joint[side + name] for name in ("Hip", "Knee", "Ankle"))
        leg = (ankle - hip) / np.maximum(np.linalg.norm(ankle - hip, axis=1, keepdims=True), 1e-9)
        off_line = knee - hip - ((knee - hip) * leg).sum(axis=1, keepdims=True) * leg
        bends.append((off_line * forward).sum(axis=1)[np.linalg.norm(off_line, axis=1) > BENT_MM])
    bent = np.concatenate(bends)
    bent = bent[np.isfinite(bent)]
    backward = int((bent < 0).sum())
    if len(bent) >= LEAST_BENT and backward > MOST_BACKWARD * len(bent):
        yield Remark(
            f"{poses.path}: knees bend backwards in {backward} of {len(bent)} legs that are bent: left and right are"
            " exchanged in the names, or one axis points the other way"
        )
