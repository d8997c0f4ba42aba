"""What the keypoints of other tools are called, and which joints of h36m17 they are."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_modules.sources.footage.tables import read_table
from mcss.errors import InputError
from mcss.skeleton import JOINTS

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


def names_of_joints(names: Sequence[str], table: Path | None) -> dict[str, list[str]]:
    """Which of the keypoints ``names`` each joint is the mean of: by ``table``, or by a known set that has all of them.

    Names of known sets and of joints may differ in case, spaces, hyphens and underscores.

    Raises:
        InputError: the table names what is not there, or none is given and no known set fits.
    """
    if table:
        wanted = _read_map(table)
        if unknown := sorted({name for own in wanted.values() for name in own} - set(names)):
            raise InputError(f"{table}: there is no keypoint {unknown[0]!r}; there are {', '.join(names)}")
        return wanted
    own_name = {_plain(name): name for name in names}
    known_sets = [*map(_read_map, sorted(MAPS.glob("*.csv"))), {joint: [joint] for joint in JOINTS}]
    for known in known_sets:
        if all(_plain(name) in own_name for own in known.values() for name in own):
            return {joint: [own_name[_plain(name)] for name in own] for joint, own in known.items()}
    if joints := {joint: [own_name[_plain(joint)]] for joint in JOINTS if _plain(joint) in own_name}:
        return joints
    raise InputError(
        f"the keypoints {', '.join(names)} are of no known set; name those of each joint in a table with the columns "
        "joint and marker, and give it as --map"
    )


def unknown_names(names: Sequence[str], names_of: Mapping[str, Sequence[str]]) -> list[str]:
    """Names of which no joint is made, and that are in no known set."""
    usual = {_plain(name) for known in NAMES_BY_COUNT.values() for name in known}
    used = {name for own in names_of.values() for name in own}
    return [name for name in names if name not in used and _plain(name) not in usual]


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _read_map(table: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in read_table(table, ("joint", "marker")):
        found.setdefault(row["joint"], []).append(row["marker"])
    if unknown := [joint for joint in found if joint not in JOINTS]:
        raise InputError(f"{table}: there is no joint {unknown[0]!r}; write one of {', '.join(JOINTS)}")
    return found
