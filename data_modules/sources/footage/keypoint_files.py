"""2D keypoints of one person in one video, as other tools write them.

A CSV file of DeepLabCut or Lightning Pose; a COCO keypoints JSON file (CVAT, Label Studio); a folder of JSON files, one
a frame, in OpenPose's form (also Pose2Sim, rtmlib).
"""

import csv
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from data_modules.sources.footage.tables import read_table
from mcss.errors import InputError
from mcss.skeleton import JOINTS

LEAST_CONFIDENCE = 0.3
"""Keypoints that a tool is less sure of are missing."""
MAPS = Path(__file__).parent / "markers"
"""Tables of the joints of h36m17 and the names that well-known sets have for them; a joint is the mean of its names."""
HALPE26 = (
    "Nose", "LEye", "REye", "LEar", "REar", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist",
    "LHip", "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle", "Head", "Neck", "Hip", "LBigToe", "RBigToe",
    "LSmallToe", "RSmallToe", "LHeel", "RHeel",
)  # fmt: skip
COCO17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
    "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
OPENPOSE25 = (
    "Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "MidHip", "RHip",
    "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar", "LBigToe", "LSmallToe",
    "LHeel", "RBigToe", "RSmallToe", "RHeel",
)  # fmt: skip
WHOLE_BODY = (*COCO17, *(f"whole_body_{number}" for number in range(17, 133)))
NAMES_BY_COUNT = {len(names): names for names in (COCO17, OPENPOSE25, HALPE26, WHOLE_BODY)}
"""Names of the keypoints of JSON files in OpenPose's form, which have none, by their number."""


@dataclass(frozen=True, eq=False)
class Keypoints:
    """Keypoints of one person; pixels of upright frames."""

    names: tuple[str, ...]
    frames: Int64[np.ndarray, " frames"]
    """Index of each frame in its video, ascending."""
    points_px: Float64[np.ndarray, "frames names 2"]
    """Not a number where a keypoint is missing."""
    crowded: int = 0
    """Frames with several people, of whom the largest was taken."""


def read_keypoints(path: Path) -> Keypoints:
    """Read a file or folder of keypoints.

    Raises:
        InputError: it has none of the known forms, is damaged, or holds no keypoint.
    """
    try:
        if path.is_dir():
            found = _read_openpose(path)
        else:
            found = _read_coco(path) if path.suffix.lower() == ".json" else _read_deeplabcut(path)
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, csv.Error) as error:
        known = "a CSV file of DeepLabCut or Lightning Pose, a COCO keypoints JSON, or a folder of OpenPose JSON files"
        raise InputError(f"{path}: not {known} ({type(error).__name__}: {error})") from None
    if not np.isfinite(found.points_px).any():
        raise InputError(f"{path}: has no keypoint with a confidence of {LEAST_CONFIDENCE} or more")
    return found


def as_joints(found: Keypoints, names_of: dict[str, list[str]]) -> Float64[np.ndarray, "frames 17 2"]:
    """Joints h36m17 as means of the keypoints that ``names_of`` each joint says; joints without are missing."""
    joints = np.full((len(found.frames), len(JOINTS), 2), np.nan)
    for joint, names in names_of.items():
        joints[:, JOINTS.index(joint)] = found.points_px[:, [found.names.index(name) for name in names]].mean(axis=1)
    return joints


def names_of_joints(names: Sequence[str], table: Path | None) -> dict[str, list[str]]:
    """Which of the keypoints ``names`` each joint is the mean of: by ``table``, or by a known set that has all of them.

    Raises:
        InputError: the table names what is not there, or none is given and no known set fits.
    """
    for known in [table] if table else sorted(MAPS.glob("*.csv")):
        found = _read_map(known)
        unknown = {name for own in found.values() for name in own} - set(names)
        if not unknown:
            return found
        if table:
            raise InputError(f"{table}: there is no keypoint {min(unknown)!r}; there are {', '.join(names)}")
    if own := [name for name in names if name in JOINTS]:
        return {name: [name] for name in own}
    raise InputError(
        f"the keypoints {', '.join(names)} are of no known set; name those of each joint in a table with the columns "
        "joint and marker, and give it as --map"
    )


def _read_map(table: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in read_table(table, ("joint", "marker")):
        found.setdefault(row["joint"], []).append(row["marker"])
    if unknown := [joint for joint in found if joint not in JOINTS]:
        raise InputError(f"{table}: there is no joint {unknown[0]!r}; write one of {', '.join(JOINTS)}")
    return found


def _read_deeplabcut(path: Path) -> Keypoints:
    """Header rows named in the first column, then rows of the frame's number or image and x, y, likelihood."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    header = {
        row[0].strip(): row[1:]
        for row in rows[:5]
        if row[0].strip() in ("scorer", "individuals", "bodyparts", "coords")
    }
    body = rows[len(header) :]
    coords, parts = header["coords"], header["bodyparts"]
    if len(set(header.get("individuals", []))) > 1:
        raise ValueError(f"has several individuals: {', '.join(sorted(set(header['individuals'])))}")
    names = tuple(dict.fromkeys(parts))
    column = {(part, coord): number for number, (part, coord) in enumerate(zip(parts, coords, strict=True))}
    # Of images, labelled ones, the first three columns may name folder, folder and image.
    first = len(body[0]) - len(coords)
    cells = np.array([[float(cell) if cell.strip() else np.nan for cell in row[first:]] for row in body])
    points = np.stack([cells[:, [column[name, "x"], column[name, "y"]]] for name in names], axis=1)
    for number, name in enumerate(names):
        if (name, "likelihood") in column:
            points[~(cells[:, column[name, "likelihood"]] >= LEAST_CONFIDENCE), number] = np.nan
    return _sorted(names, [_frame_number(row[first - 1]) for row in body], points)


def _read_coco(path: Path) -> Keypoints:
    values = json.loads(path.read_text(encoding="utf-8"))
    (category,) = [item for item in values["categories"] if item.get("keypoints")]
    names = tuple(str(name) for name in category["keypoints"])
    images = {image["id"]: _frame_number(image["file_name"]) for image in values["images"]}
    people: dict[int, list[np.ndarray]] = {}
    for item in values["annotations"]:
        if item.get("keypoints") and item["category_id"] == category["id"]:
            triples = np.array(item["keypoints"], dtype=np.float64).reshape(len(names), 3)
            people.setdefault(images[item["image_id"]], []).append(_seen(triples, lambda visible: visible > 0))
    return _of_largest(names, people)


def _read_openpose(path: Path) -> Keypoints:
    people = {}
    for file in sorted(path.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))["people"]
        triples = [np.array(person["pose_keypoints_2d"], dtype=np.float64).reshape(-1, 3) for person in found]
        people[_frame_number(file.name)] = [_seen(one, lambda sure: sure >= LEAST_CONFIDENCE) for one in triples]
    counts = {len(person) for persons in people.values() for person in persons}
    if len(counts) != 1 or not counts <= NAMES_BY_COUNT.keys():
        raise ValueError(f"people have {sorted(counts)} keypoints; known are {sorted(NAMES_BY_COUNT)}")
    return _of_largest(NAMES_BY_COUNT[counts.pop()], people)


def _seen(triples: Float64[np.ndarray, "names 3"], is_seen: Callable[[Any], Any]) -> Float64[np.ndarray, "names 2"]:
    return np.where(is_seen(triples[:, 2:]), triples[:, :2], np.nan)


def _of_largest(names: tuple[str, ...], people: dict[int, list[np.ndarray]]) -> Keypoints:
    """Of each frame's people the one with the largest box."""
    frames = [frame for frame, persons in people.items() if any(np.isfinite(person).any() for person in persons)]

    def size(person: np.ndarray) -> float:
        known = person[np.isfinite(person).all(axis=1)]
        return float(np.ptp(known, axis=0).sum()) if len(known) else -1.0

    points = np.array([max(people[frame], key=size) for frame in frames]).reshape(len(frames), len(names), 2)
    return _sorted(names, frames, points, sum(len(people[frame]) > 1 for frame in frames))


def _sorted(names: tuple[str, ...], frames: list[int], points: np.ndarray, crowded: int = 0) -> Keypoints:
    if len(set(frames)) < len(frames):
        raise ValueError("two of its rows are of the same frame")
    order = np.argsort(frames)
    return Keypoints(names, np.array(frames, dtype=np.int64)[order], points[order], crowded)


def _frame_number(name: str) -> int:
    """Last number in the name of an image or a file: img0012.png, clip_000000000012_keypoints.json."""
    return int(float(name)) if re.fullmatch(r"[\d.]+", name.strip()) else int(re.findall(r"\d+", Path(name).stem)[-1])
