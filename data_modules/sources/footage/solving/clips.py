"""Solve the clips of own videos and write what was found beside them."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data_modules.sources.array_files import read_npz_arrays
from data_modules.sources.base import Clip
from data_modules.sources.footage.clip_clicks import (
    PEOPLE_FILE,
    ClipClicks,
    JointsByFrame,
    bring_together,
    clicked_joints,
    heights_mm,
    keypoint_joints,
)
from data_modules.sources.footage.poses import POSES_FILES
from data_modules.sources.footage.solving.clicks import Clicks, Solution
from data_modules.sources.footage.solving.page import write_page
from data_modules.sources.footage.solving.solve import solve
from data_modules.sources.footage.videos import SOLVED_FILES, Videos
from mcss.errors import InputError
from mcss.skeleton import JOINTS

POSES_FILE = "poses.npz"
CAMERAS_FILE, PAGE_FILE = SOLVED_FILES
MADE_BY = "mcss-data solve"
PAUSE_S = 1000.0
"""Between clips that are solved as one: far more than instants that are near in time."""


@dataclass(frozen=True)
class Outcome:
    """What became of one clip, in one line."""

    line: str
    failed: bool = False


def joints_of_clips(
    views: Path, keypoints: Path | None, table: Path | None
) -> tuple[dict[Clip, dict[str, JointsByFrame]], list[str]]:
    """2D joints of every clip that has some, and remarks on how they were read.

    Raises:
        InputError: there are none, or they cannot be read.
    """
    source = Videos(views)
    clips = source.clips()
    if keypoints is None:
        by_name = clicked_joints(views)
        if unknown := sorted(set(by_name) - {clip[:2] for clip in clips}):
            raise InputError(f"{views}: clicks.csv names a clip {'/'.join(unknown[0])} that has no videos")
        return {clip: by_name[clip[:2]] for clip in clips if clip[:2] in by_name}, []
    found, remarks = {}, []
    for clip in clips:
        joints, own_remarks = keypoint_joints(source, clip, keypoints, table)
        remarks += own_remarks
        if joints:
            found[clip] = joints
    if not found:
        raise InputError(
            f"{keypoints}: no <subject>/<clip>/<camera>.csv, .json or folder in it belongs to a clip of {views}"
        )
    return found, remarks


def solve_clips(views: Path, joints: dict[Clip, dict[str, JointsByFrame]], as_one: bool) -> Iterator[Outcome]:
    """Solve clips, or with ``as_one`` each subject's together; write poses.npz, cameras.json and a page for each.

    Raises:
        InputError: people.csv cannot be read.
    """
    source, heights = Videos(views), heights_mm(views)
    groups: dict[object, list[Clip]] = defaultdict(list)
    for clip in joints:
        groups[clip[0] if as_one else clip].append(clip)
    for clips in groups.values():
        names = ", ".join(f"{clip[0]}/{clip[1]}" for clip in clips)
        try:
            subject = clips[0][0]
            if subject not in heights:
                raise InputError(f"{views / PEOPLE_FILE} has no height of {subject}; add a row")
            parts = [bring_together(source, clip, joints[clip]) for clip in clips]
            for clip in clips:
                _require_own(source.annotation(clip))
            solution = solve(_joined(parts), heights[subject])
        except InputError as error:
            yield Outcome(f"{names}: not solved: {error}", failed=True)
            continue
        for clip, part, own in zip(clips, parts, _split(solution, parts), strict=True):
            _write(source.annotation(clip), part, own)
            yield Outcome(f"{clip[0]}/{clip[1]}: {summary(own)}; see {source.annotation(clip) / PAGE_FILE}")


def summary(solution: Solution) -> str:
    """What was solved, in a line."""
    is_known = np.isfinite(solution.pose_world[..., 0])
    return (
        f"{is_known.any(axis=1).sum()} instants in {len(solution.cameras)} views, "
        f"{100 * (1 - is_known.mean()):.0f} % of the joints missing, clicks off by {solution.click_noise_px:.1f} px, "
        f"joints uncertain by {np.median(solution.uncertainty_mm[is_known]):.0f} mm"
    )


def _require_own(folder: Path) -> None:
    """Refuse to replace poses that this command did not write."""
    for path in (folder / name for name in POSES_FILES):
        if path.exists() and not (path.suffix == ".npz" and _made_here(path)):
            raise InputError(f"{path} was not made by {MADE_BY}; move it away to solve the clip")


def _made_here(path: Path) -> bool:
    try:
        return str(read_npz_arrays(path, ("made_by",), "solve the clip again")["made_by"]) == MADE_BY
    except InputError:
        return False


def _joined(parts: list[ClipClicks]) -> Clicks:
    clicks = [part.clicks for part in parts]
    if len({(one.cameras, one.size_px) for one in clicks}) > 1:
        raise InputError("the clips have other cameras or other frame sizes; solve them without --fixed-cameras")
    starts = np.cumsum([0.0, *(float(np.ptp(one.time_s)) + PAUSE_S for one in clicks[:-1])])
    time_s = np.concatenate([one.time_s - one.time_s[0] + start for one, start in zip(clicks, starts, strict=True)])
    return replace(clicks[0], time_s=time_s, points_px=np.concatenate([one.points_px for one in clicks], axis=1))


def _split(solution: Solution, parts: list[ClipClicks]) -> Iterator[Solution]:
    first = 0
    for part in parts:
        own = slice(first, first := first + len(part.clicks.time_s))
        yield replace(
            solution,
            time_s=part.clicks.time_s,
            pose_world=solution.pose_world[own],
            residual_px=solution.residual_px[:, own],
            uncertainty_mm=solution.uncertainty_mm[own],
        )


def _write(folder: Path, part: ClipClicks, solution: Solution) -> None:
    """Write the page, then the cameras, then the poses: each file whole, the one that is imported last."""
    write_page(folder / PAGE_FILE, part, solution)
    cameras = {name: camera.to_dict() for name, camera in solution.cameras.items()}
    (folder / CAMERAS_FILE).write_text(json.dumps(cameras, indent=2) + "\n", encoding="utf-8")
    temporary = folder / f".{POSES_FILE}.{os.getpid()}"
    with temporary.open("wb") as file:
        np.savez(
            file,
            points=solution.pose_world,
            joints=np.array(JOINTS),
            unit="mm",
            up="z",
            time_s=solution.time_s,
            residual_px=np.nanmax(np.nan_to_num(solution.residual_px), axis=0),
            uncertainty_mm=solution.uncertainty_mm,
            made_by=MADE_BY,
        )
    os.replace(temporary, folder / POSES_FILE)
