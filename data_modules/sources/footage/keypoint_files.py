"""2D keypoints of one person in one video, as other tools write them.

A CSV file of DeepLabCut or Lightning Pose; a COCO keypoints JSON file (CVAT, Label Studio); a folder of JSON files, one
a frame, in OpenPose's form (also Pose2Sim, rtmlib).
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from data_modules.sources.footage.keypoint_names import NAMES_BY_COUNT
from data_modules.sources.footage.tables import read_text
from mcss.errors import InputError
from mcss.skeleton import JOINTS

LEAST_CONFIDENCE = 0.3
"""Keypoints that a tool is less sure of are missing."""
LARGEST_SHARE = 1.5
"""Coordinates that are all smaller than this are no pixels."""
HEADER_ROWS = ("scorer", "individuals", "bodyparts", "coords")


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
    size_px: tuple[int, int] | None = None
    """Width and height of the frames, where the file says them."""


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
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise InputError(f"{path}: not {_form(path)}: {reason}") from None
    if not np.isfinite(found.points_px).any():
        raise InputError(f"{path}: has no keypoint with a confidence of {LEAST_CONFIDENCE} or more")
    if np.nanmax(np.abs(found.points_px)) <= LARGEST_SHARE:
        raise InputError(f"{path}: its keypoints are shares of the frame; write pixels")
    return found


def _form(path: Path) -> str:
    if path.is_dir():
        return "a folder of JSON files in OpenPose's form, one a frame"
    return "a COCO keypoints JSON" if path.suffix.lower() == ".json" else "a CSV file of DeepLabCut or Lightning Pose"


def as_joints(found: Keypoints, names_of: dict[str, list[str]]) -> Float64[np.ndarray, "frames 17 2"]:
    """Joints h36m17 as means of the keypoints that ``names_of`` each joint says; joints without are missing."""
    joints = np.full((len(found.frames), len(JOINTS), 2), np.nan)
    for joint, names in names_of.items():
        joints[:, JOINTS.index(joint)] = found.points_px[:, [found.names.index(name) for name in names]].mean(axis=1)
    return joints


def _read_deeplabcut(path: Path) -> Keypoints:
    """Header rows named in the first column, then rows of the frame's number or image and x, y, likelihood."""
    rows = [row for row in csv.reader(io.StringIO(read_text(path))) if any(cell.strip() for cell in row)]
    header = {row[0].strip(): [cell.strip() for cell in row] for row in rows[:5] if row[0].strip() in HEADER_ROWS}
    if missing := {"bodyparts", "coords"} - header.keys():
        raise ValueError(f"it has no header row {' and '.join(sorted(missing))}")
    body = rows[len(header) :]
    if not body:
        raise ValueError("it has no rows below the header")
    # Of images, labelled ones, the first three columns may name folder, folder and image.
    first = next((number for number, cell in enumerate(header["coords"]) if cell == "x"), 0)
    header = {name: row[first:] for name, row in header.items()}
    if len(individuals := sorted(set(header.get("individuals", [])))) > 1:
        raise ValueError(f"it has several individuals, {', '.join(individuals)}; keep the columns of one person")
    columns = list(zip(header["bodyparts"], header["coords"], strict=True))
    if twice := [column for column, count in Counter(columns).items() if count > 1]:
        raise ValueError(f"it has two columns {' '.join(twice[0])}; keep one of them")
    names = tuple(dict.fromkeys(header["bodyparts"]))
    cells = np.array([_numbers(row[first:], len(columns), row[0]) for row in body])
    points = np.stack([cells[:, [columns.index((name, axis)) for axis in "xy"]] for name in names], axis=1)
    for number, name in enumerate(names):
        if (name, "likelihood") in columns:
            sure = cells[:, columns.index((name, "likelihood"))] >= LEAST_CONFIDENCE
            points[~sure, number] = np.nan
    frames = [_frame_number("/".join(filter(None, row[:first]))) for row in body]
    return _sorted(names, frames, points)


def _numbers(cells: Sequence[str], count: int, row: str) -> list[float]:
    if len(cells) != count:
        raise ValueError(f"its row {row} has {len(cells)} values below {count} columns")
    return [float(cell) if cell.strip() else np.nan for cell in cells]


def _read_coco(path: Path) -> Keypoints:
    values = _json_with(path, "images", "annotations", "categories")
    names_in = {
        item["id"]: tuple(map(str, item["keypoints"])) for item in values["categories"] if item.get("keypoints")
    }
    items = [item for item in values["annotations"] if item.get("keypoints")]
    if not items:
        raise ValueError("it has no annotation with keypoints")
    if unknown := {item["category_id"] for item in items} - names_in.keys():
        raise ValueError(f"it has keypoints of category {min(unknown)}, which names no keypoints")
    if len(used := {names_in[item["category_id"]] for item in items}) > 1:
        raise ValueError(f"it has keypoints of several kinds: {'; '.join(', '.join(names) for names in sorted(used))}")
    (names,) = used
    images = {image["id"]: image for image in values["images"]}
    people: dict[int, list[np.ndarray]] = {}
    for item in items:
        if item["image_id"] not in images:
            raise ValueError(f"it has keypoints in an image {item['image_id']} that it does not list")
        frame = _frame_number(images[item["image_id"]]["file_name"])
        people.setdefault(frame, []).append(_seen(_triples(item["keypoints"], len(names))))
    numbers = Counter(_frame_number(images[key]["file_name"]) for key in {item["image_id"] for item in items})
    if twice := [number for number, count in numbers.items() if count > 1]:
        raise ValueError(f"two of its images are of frame {twice[0]}")
    sizes = {(image["width"], image["height"]) for image in images.values() if image.get("width")}
    if len(sizes) > 1:
        raise ValueError(f"its images have several sizes, such as {' and '.join(map(_as_size, sorted(sizes)[:2]))}")
    return replace(_of_largest(names, people), size_px=next(iter(sizes), None))


def _read_openpose(path: Path) -> Keypoints:
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".json" and file.name[0] != ".")
    if not files:
        raise ValueError("it has no JSON file")
    people: dict[int, list[np.ndarray]] = {}
    for file in files:
        found = [person["pose_keypoints_2d"] for person in _json_with(file, "people")["people"]]
        if (frame := _frame_number(file.name)) in people:
            raise ValueError(f"two of its files are of frame {frame}")
        people[frame] = [_seen(_triples(values, len(values) // 3)) for values in found if values]
    counts = {len(person) for persons in people.values() for person in persons}
    if not counts:
        raise ValueError("nobody is in its files")
    if len(counts) > 1 or not counts <= NAMES_BY_COUNT.keys():
        there, known = (", ".join(map(str, sorted(numbers))) for numbers in (counts, NAMES_BY_COUNT))
        raise ValueError(f"its people have {there} keypoints; known are {known}")
    return _of_largest(NAMES_BY_COUNT[counts.pop()], people)


def _json_with(path: Path, *keys: str) -> dict[str, Any]:
    try:
        values = json.loads(read_text(path))
    except ValueError as error:
        raise ValueError(f"{path.name} is no JSON file ({error})") from None
    if not isinstance(values, dict) or (missing := [key for key in keys if key not in values]):
        raise ValueError(f"{path.name} has no {(keys if not isinstance(values, dict) else missing)[0]!r}")
    return values


def _triples(values: list[Any], names: int) -> Float64[np.ndarray, "names 3"]:
    if len(values) != 3 * names:
        raise ValueError(f"it has {len(values)} numbers where {names} keypoints have {3 * names}")
    return np.array(values, dtype=np.float64).reshape(names, 3)


def _seen(triples: Float64[np.ndarray, "names 3"]) -> Float64[np.ndarray, "names 2"]:
    """Points less those that are not sure; COCO's third number is 0 (not labelled), 1 (hidden) or 2."""
    return np.where(triples[:, 2:] >= LEAST_CONFIDENCE, triples[:, :2], np.nan)


def _as_size(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]}x{size_px[1]}"


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
    if re.fullmatch(r"\d+(\.0*)?", name.strip()):
        return int(float(name))
    if not (numbers := re.findall(r"\d+", Path(name).stem)):
        raise ValueError(f"the name {name!r} has no number of a frame")
    return int(numbers[-1])
