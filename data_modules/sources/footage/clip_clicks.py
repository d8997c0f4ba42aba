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
from data_modules.sources.footage.keypoint_files import Keypoints, as_joints, read_keypoints
from data_modules.sources.footage.keypoint_names import names_of_joints, unknown_names
from data_modules.sources.footage.recordings import Recording, frame_numbers, pictures_together
from data_modules.sources.footage.solving.clicks import Clicks
from data_modules.sources.footage.tables import finite, read_table, video_name
from data_modules.sources.footage.videos import CLICKS_FILE, PEOPLE_FILE, Videos
from mcss.errors import InputError
from mcss.skeleton import JOINTS

CLICK_COLUMNS = ("video", "frame", "joint", "x", "y")
SHORTEST_MM, TALLEST_MM = 500, 2500
MOST_OUTSIDE = 0.3
"""Share of a camera's joints that may lie outside its frames: trackers follow people a little beyond the edge."""

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
        InputError: there is no such camera, no two cameras have joints at the same instant, or the joints of one lie
            outside its frames.
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
    sizes = tuple(map(_frame_size_px, recordings))
    for recording, size_px, own in zip(recordings, sizes, points, strict=True):
        _require_in_frame(f"{name}/{recording.camera}", own, size_px)
    times = recordings[slowest].time_s[shared]
    cameras = tuple(recording.camera for recording in recordings)
    return ClipClicks(Clicks(cameras, sizes, times, points[:, shared]), recordings, pictures[shared])


def _frame_size_px(recording: Recording) -> tuple[int, int]:
    with ImageReader() as reader:
        height, width, _ = reader.read(recording.image(0)).shape
    return width, height


def _require_in_frame(name: str, points_px: Float64[np.ndarray, "instants 17 2"], size_px: tuple[int, int]) -> None:
    known = points_px[np.isfinite(points_px).all(axis=-1)]
    outside = float(((known < 0) | (known > size_px)).any(axis=-1).mean())
    if outside > MOST_OUTSIDE:
        raise InputError(
            f"{name}: {100 * outside:.0f} % of the joints lie outside its frames of {size_px[0]}x{size_px[1]} pixels; "
            "were they made on frames of another size, or turned ones?"
        )


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
            subject, clip, camera = video_name(row["video"]).split("/")
            joint, frame, place = JOINTS.index(row["joint"]), int(row["frame"]), [finite(row["x"]), finite(row["y"])]
        except (ValueError, AttributeError) as error:  # a row may end before its last cell
            cells = ", ".join(cell or "" for cell in row.values())
            raise InputError(f"{path}: {cells} is no click ({error}); mend or remove the row") from None
        frames = found.setdefault((subject, clip), {}).setdefault(camera, {})
        frames.setdefault(frame, np.full((len(JOINTS), 2), np.nan))[joint] = place
    return found


def keypoint_joints(
    source: Videos, clip: Clip, keypoints: Path, table: Path | None
) -> tuple[dict[str, JointsByFrame], list[str]]:
    """Joints of other tools' files for one clip of the videos, by camera, and remarks on how they were read.

    Raises:
        InputError: a file cannot be read, names joints that no table knows, or does not fit its video.
    """
    found, remarks = {}, []
    folder = keypoints / clip[0] / clip[1]
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or not (path.is_dir() or path.suffix.lower() in (".csv", ".json")):
            continue
        camera = path.name.removesuffix("_json") if path.is_dir() else path.stem
        if camera in found:
            raise InputError(f"{folder}: has two files of camera {camera}; keep one of them")
        read = read_keypoints(path)
        try:
            names_of = names_of_joints(read.names, table)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        if unused := unknown_names(read.names, names_of):
            remarks.append(f"{path}: no joint is made of {', '.join(unused)}; a table given as --map could name it")
        if read.crowded:
            remarks.append(f"{path}: {read.crowded} frames show several people, of whom the largest was taken")
        frames = read.frames
        for recording in source.recordings(clip, (camera,)):
            frames, more = _fitted(path, read, recording)
            remarks += more
        found[camera] = dict(zip(frames.tolist(), as_joints(read, names_of), strict=True))
    return found, remarks


def _fitted(path: Path, read: Keypoints, recording: Recording) -> tuple[Int64[np.ndarray, " frames"], list[str]]:
    """Frames of keypoints as those of their video, which count from 0, and remarks."""
    size_px = _frame_size_px(recording)
    if read.size_px not in (None, size_px):
        raise InputError(
            f"{path}: is of frames of {read.size_px[0]}x{read.size_px[1]} pixels, {recording.path.name} has "
            f"{size_px[0]}x{size_px[1]}; label frames of that size"
        )
    unused, end = np.setdiff1d(read.frames, recording.frames), recording.frames[-1] + 1
    if not len(unused):
        return read.frames, []
    if 0 not in read.frames and unused.tolist() == [end]:
        return read.frames - 1, [f"{path}: its frames count from 1 to {end}, which are taken as 0 to {end - 1}"]
    line = f"{path}: {recording.path.name} has no frame {unused[0]}, its frames are 0 to {end - 1}"
    if len(unused) == len(read.frames):
        raise InputError(f"{line}; none of the file's {len(unused)} frames is there")
    return read.frames, [f"{line}; {len(unused)} of the file's {len(read.frames)} frames are not used"]


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
