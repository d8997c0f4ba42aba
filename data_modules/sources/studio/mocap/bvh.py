"""BVH files."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from data_modules.sources.studio.mocap.capture import Capture
from data_modules.sources.studio.mocap.names import naming_of
from mcss.errors import InputError

END = "'s end"
"""After the name of a joint: the end of its bone."""


def read_bvh(path: Path) -> Capture:
    """Read a BVH file with one skeleton; any unit, any order of channels, any axis up.

    Raises:
        InputError: it is missing, damaged or cut off, has no frame time, or its skeleton is no person's.
    """
    try:
        import pybvh
    except ModuleNotFoundError:
        raise InputError(f"{path} needs pybvh: pip install -e '.[importers]' in the project's folder") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file without frames, which is then an error
            file = pybvh.read_bvh_file(path, world_up="+y")
    except Exception as error:  # a damaged file raises anything
        told = " ".join(str(error).replace(f" in file {path}", "").replace(f" in {path}", "").split())
        raise InputError(f"{path}: not a whole BVH file ({told[:200]}); export it again") from None
    if not (0 < file.frame_time < np.inf and np.isfinite(file.root_pos).all() and np.isfinite(file.joint_angles).all()):
        raise InputError(f"{path}: its frame time or a value of its frames is no number; export it again")
    return _capture(path, file)


def _capture(path: Path, file: Any) -> Capture:
    nodes = file.nodes
    index = {id(node): number for number, node in enumerate(nodes)}
    joints = tuple(f"{node.parent.name}{END}" if node.is_end_site() else node.name for node in nodes)
    parents = tuple(-1 if node.parent is None else index[id(node.parent)] for node in nodes)
    naming = naming_of(joints, path)
    turns = np.empty((file.frame_count, len(nodes), 3, 3))
    angles = iter(file.joint_angles.transpose(1, 0, 2))
    for number, node in enumerate(nodes):
        above = turns[:, parents[number]] if parents[number] >= 0 else np.eye(3)
        # Channels are turns about axes that turn along, in the order in which they are listed.
        order = "" if node.is_end_site() else "".join(node.rot_channels).upper()
        own = Rotation.from_euler(order, next(angles)).as_matrix() if order else np.eye(3)
        turns[:, number] = above @ own
    offsets = np.stack([node.offset for node in nodes])
    capture = Capture(joints, parents, offsets, turns, file.root_pos, float(file.frame_time))
    return capture.upright((naming.left["ankle"], naming.right["ankle"]), naming.head)
