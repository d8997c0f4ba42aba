"""What is doubtful about the poses of a clip: joints without labels, times that do not fit, bones that change."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from data_modules.sources.base import Remark
from data_modules.sources.footage.poses import OwnPoses
from data_modules.sources.footage.recordings import nearest_index
from mcss.skeleton import BONES, JOINTS

LEAST_USED = 0.5
"""Share of the poses, or of the instants where these are fewer, that has to come together."""
LENGTH_SPREAD = 0.15
"""Mean deviation of a bone's length over the clip, as a share of its median: markers on skin stay far below."""
SIDES_APART = 0.25
"""Difference of a left bone's length and the right one's, as a share of their mean."""
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
    missing = zip(JOINTS, (~known).sum(axis=0).tolist(), strict=True)
    seldom = [f"{name} in {count} of {len(known)}" for name, count in missing if count]
    if seldom:
        yield Remark(f"{poses.path}: joints without a label: {', '.join(seldom)} poses", is_fault=False)
    yield from _join_remarks(poses, instants_s, tolerance_s)
    yield from _bone_remarks(poses)


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
    if 0.2 < span_s / 1000 / max(film_s, 1e-9) < 5 and span_s > 20 * film_s:
        guess = "they look like milliseconds: write seconds"
    elif span_s > 2 * film_s and 0.2 < span_s / rate / max(film_s, 1e-9) < 5:
        guess = f"they look like numbers of frames: divide by their rate ({rate:.3g} a second in the videos)"
    yield Remark(
        f"{poses.path}: {used} of {count} poses used: their times go from {poses.time_s[0]:.3f} to"
        f" {poses.time_s[-1]:.3f} s, those of the videos from {instants_s[0]:.3f} to {instants_s[-1]:.3f} s; {guess}"
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
        yield Remark(
            f"{poses.path}: bones change their length over the clip ({', '.join(changing)} on average); markers were"
            " swapped or lost, or coordinates are in another order"
        )
    unequal = []
    for a, b in LONG_BONES:
        left, right = (middle.get((s + a[1:], s + b[1:])) or middle.get((s + b[1:], s + a[1:])) for s in "LR")
        if left and right and abs(left - right) > SIDES_APART * (left + right) / 2:
            unequal.append(f"{a[1:]}-{b[1:]} {left:.0f} and {right:.0f} mm")
    if unequal:
        yield Remark(f"{poses.path}: left and right differ ({', '.join(unequal)}); check the joints' names")
