"""Human3.6M's ``metadata.xml``: which file is which take, and the cameras; shipped with its official code.

A copy lies in https://github.com/anibali/h36m-fetch. The suffix number of a file name is not the subaction and file
names differ between subjects, so the table in this file is the only way from one to the other.
"""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from data_modules.sources.base import Clip
from data_modules.sources.h36m import names as h36m_names
from mcss.errors import InputError
from mcss.geometry.camera import Camera

SUBJECTS, CAMERAS = 11, 4
EXTRINSICS, INTRINSICS = 6, 9
"""Numbers of each camera in ``w0``: first those of all (camera, subject), then those of all cameras."""


METADATA_FILE = "metadata.xml"


@dataclass(frozen=True, eq=False)
class Metadata:
    """File name without camera of each clip, and all cameras by (subject, name); world with Z up, mm."""

    file_names: dict[Clip, str]
    cameras: dict[tuple[str, str], Camera]


@lru_cache(maxsize=1)
def read_metadata(path: Path) -> Metadata:
    """Read ``metadata.xml``.

    Raises:
        InputError: the file is missing or is another one.
    """
    try:
        root = ElementTree.parse(path).getroot()
        names = _file_names([[cell.text or "" for cell in row] for row in _child(root, "mapping")])
        serials = [element.text or "" for element in _child(root, "dbcameras/index2id")]
        numbers = np.array((_child(root, "w0").text or "").strip(" []").split(), dtype=np.float64)
        return Metadata(names, _cameras(serials, numbers))
    except FileNotFoundError:
        raise InputError(f"{path}: missing; copy it there from Human3.6M's code or from h36m-fetch") from None
    except (ElementTree.ParseError, ValueError, IndexError) as error:
        raise InputError(f"{path}: not Human3.6M's metadata ({error}); copy it from h36m-fetch again") from None


def _child(root: ElementTree.Element, path: str) -> ElementTree.Element:
    child = root.find(path)
    if child is None:
        raise ValueError(f"no element {path}")
    return child


def _file_names(table: list[list[str]]) -> dict[Clip, str]:
    """From the rows of ``mapping``: a header that names the subjects, then action, subaction and a name a subject.

    There are 16 x 2 of them; what follows is not of this kind. A subject without a name there has no such take.
    """
    subjects = table[0][2:]
    return {
        (subject, h36m_names.ACTIONS[int(row[0])], int(row[1])): name
        for row in table[1:33]
        if row[0].isdigit() and int(row[0]) in h36m_names.ACTIONS
        for subject, name in zip(subjects, row[2:], strict=False)
        if name
    }


def _cameras(serials: list[str], w0: Float64[np.ndarray, " numbers"]) -> dict[tuple[str, str], Camera]:
    """Three Euler angles and the centre in mm for each (camera, subject); f, c, k1 k2 k3, p1 p2 for each camera."""
    split = CAMERAS * SUBJECTS * EXTRINSICS
    if len(w0) != split + CAMERAS * INTRINSICS or sorted(serials) != sorted(h36m_names.CAMERAS):
        raise ValueError(f"{len(w0)} camera numbers for {', '.join(serials)}")
    extrinsics = w0[:split].reshape(CAMERAS, SUBJECTS, EXTRINSICS)
    intrinsics = w0[split:].reshape(CAMERAS, INTRINSICS)
    cameras = {}
    for serial, places, (fx, fy, cx, cy, k1, k2, k3, p1, p2) in zip(serials, extrinsics, intrinsics, strict=True):
        matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
        distortion = np.array([k1, k2, p1, p2, k3])
        for subject, place in enumerate(places, start=1):
            rot_world_to_cam = Rotation.from_euler("XYZ", place[:3]).as_matrix()
            trans_mm = -rot_world_to_cam @ place[3:]
            cameras[f"S{subject}", serial] = Camera(rot_world_to_cam, trans_mm, matrix, distortion, (0, 0))
    return cameras
