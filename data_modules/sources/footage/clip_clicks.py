"""2D joints of the clips of own videos: from clicks.csv or from files of other tools, brought together by instants.

VIEWS/clicks.csv                                 video, frame, joint, x, y: what was clicked, pixels of upright frames
KEYPOINTS/<subject>/<clip>/<camera>.csv          or <camera>.json, or a folder <camera> or <camera>_json
VIEWS/people.csv                                 subject, height_mm: from sole to the top of the head
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from data_modules.frames import ImageReader
from data_modules.sources.base import Clip
from data_modules.sources.footage.keypoint_files import as_joints, names_of_joints, read_keypoints
from data_modules.sources.footage.recordings import Recording, frame_numbers, pictures_together
from data_modules.sources.footage.solving.clicks import Clicks
from data_modules.sources.footage.tables import read_table
from data_modules.sources.footage.videos import CLICKS_FILE, PEOPLE_FILE, Videos
from mcss.errors import InputError
from mcss.skeleton import JOINTS

CLICK_COLUMNS = ("video", "frame", "joint", "x", "y")
SHORTEST_MM, TALLEST_MM = 500, 2500

JointsByFrame = dict[int, Float64[np.ndarray, "17 2"]]
"""Joints h36m17 in frames of one video; not a number where missing."""


@dataclass(frozen=True, eq=False)
class ClipClicks:
    """Clicks of a clip, and in which frames they are."""

    clicks: Clicks
    recordings: tuple[Recording, ...]
    """One for each camera of the clicks."""
    frames: Int64[np.ndarray, "instants cameras"]
    """Pictures of the recordings (``Recording.image``); -1 where a camera has none of the instant."""


def bring_together(source: Videos, clip: Clip, joints: dict[str, JointsByFrame]) -> ClipClicks:
    """Clicks of one clip at the instants at which two cameras or more have some.

    Args:
        source: the videos.
        clip: which of its clips.
        joints: of each camera that has any.

    Raises:
        InputError: there is no such camera, or no two cameras have joints at the same instant.
    """
    name = f"{clip[0]}/{clip[1]}"
    if unknown := sorted(set(joints) - set(source.cameras(clip))):
        raise InputError(f"{name}: there is no camera {unknown[0]}; there are {', '.join(source.cameras(clip))}")
    recordings = tuple(source.recordings(clip, tuple(sorted(joints))))
    slowest, pictures = pictures_together(recordings)
    frames = frame_numbers(recordings, pictures)
    none = np.full((len(JOINTS), 2), np.nan)
    points = np.array(
        [
            [joints[r.camera].get(frame, none) for frame in own.tolist()]
            for r, own in zip(recordings, frames.T, strict=True)
        ]
    )
    shared = np.isfinite(points).all(axis=-1).any(axis=-1).sum(axis=0) >= 2
    if not shared.any():
        raise InputError(
            f"{name}: no two cameras have joints at the same instant; label the same instants, check sync.csv"
        )
    with ImageReader() as reader:
        shapes = [reader.read(recording.image(0)).shape for recording in recordings]
    sizes = tuple((width, height) for height, width, _ in shapes)
    times = recordings[slowest].time_s[shared]
    cameras = tuple(recording.camera for recording in recordings)
    return ClipClicks(Clicks(cameras, sizes, times, points[:, shared]), recordings, pictures[shared])


def clicked_joints(views: Path) -> dict[tuple[str, str], dict[str, JointsByFrame]]:
    """Joints of clicks.csv by subject and clip, then camera, then frame.

    Raises:
        InputError: the table is missing or damaged, or names a joint that is none.
    """
    path = views / CLICKS_FILE
    if not path.exists():
        raise InputError(f"{path}: there is no such file; label with mcss-data label {views}, or give --keypoints")
    found: dict[tuple[str, str], dict[str, JointsByFrame]] = {}
    for row in read_table(path, CLICK_COLUMNS):
        try:
            subject, clip, camera = row["video"].split("/")
            joint, frame, place = JOINTS.index(row["joint"]), int(row["frame"]), [float(row["x"]), float(row["y"])]
        except ValueError as error:
            raise InputError(
                f"{path}: {', '.join(row.values())} is no click ({error}); mend or remove the row"
            ) from None
        frames = found.setdefault((subject, clip), {}).setdefault(camera, {})
        frames.setdefault(frame, np.full((len(JOINTS), 2), np.nan))[joint] = place
    return found


def keypoint_joints(keypoints: Path, clip: Clip, table: Path | None) -> tuple[dict[str, JointsByFrame], list[str]]:
    """Joints of other tools' files for one clip, by camera, and remarks on how they were read.

    Raises:
        InputError: a file cannot be read, or names joints that no table knows.
    """
    found, remarks = {}, []
    folder = keypoints / clip[0] / clip[1]
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not (path.is_dir() or path.suffix.lower() in (".csv", ".json")):
            continue
        camera = path.name.removesuffix("_json") if path.is_dir() else path.stem
        if camera in found:
            raise InputError(f"{folder}: has two files of camera {camera}; keep one of them")
        read = read_keypoints(path)
        try:
            joints = as_joints(read, names_of_joints(read.names, table))
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        found[camera] = dict(zip(read.frames.tolist(), joints, strict=True))
        if read.crowded:
            remarks.append(f"{path}: {read.crowded} frames show several people, of whom the largest was taken")
    return found, remarks


def heights_mm(views: Path) -> dict[str, float]:
    """Height of each subject from people.csv.

    Raises:
        InputError: it is missing, or a height is no number of millimetres.
    """
    path = views / PEOPLE_FILE
    if not path.exists():
        raise InputError(f"{path}: there is no such file; write subject,height_mm: a person's height gives the scale")
    found = {}
    for row in read_table(path, ("subject", "height_mm")):
        try:
            found[row["subject"]] = float(row["height_mm"])
        except (TypeError, ValueError):
            raise InputError(f"{path}: {row['height_mm']!r} of {row['subject']} is no number") from None
        if not SHORTEST_MM <= found[row["subject"]] <= TALLEST_MM:
            raise InputError(f"{path}: {row['subject']} is {row['height_mm']} mm tall; write millimetres")
    return found
