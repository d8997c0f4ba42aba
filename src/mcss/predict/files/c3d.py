"""Motion as a C3D file: a point a joint, mm, Z up."""

from pathlib import Path

import numpy as np

from mcss.errors import InputError
from mcss.predict.motion import Motion, description
from mcss.skeleton import JOINTS


def write_c3d(motion: Motion, path: Path) -> None:
    """Write points at the motion's median frame rate; in a gap they are marked as not seen.

    Parameter group MCSS holds joint set, frame, unit and global position as texts.

    Raises:
        InputError: the library is missing.
    """
    try:
        import ezc3d
    except ModuleNotFoundError:
        raise InputError(f"{path} needs ezc3d: pip install -e '.[importers]' in the project's folder") from None
    file = ezc3d.c3d()
    file["header"]["points"]["first_frame"] = round(motion.time_s[0] * motion.fps)
    point = file["parameters"]["POINT"]
    point["RATE"]["value"] = [motion.fps]
    point["LABELS"]["value"] = list(JOINTS)
    point["UNITS"]["value"] = ["mm"]
    file.add_parameter("POINT", "X_SCREEN", "+X")
    file.add_parameter("POINT", "Y_SCREEN", "+Z")
    for name, text in description(motion.frame).items():
        file.add_parameter("MCSS", name.upper(), text)
    points = np.ones((4, len(JOINTS), len(motion)))
    points[:3] = motion.pose_mm.transpose(2, 1, 0)
    file["data"]["points"] = points
    file.write(str(path))
