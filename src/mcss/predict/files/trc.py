"""Motion as a TRC file, which OpenSim and Pose2Sim read: a marker a joint, mm, Y up."""

from pathlib import Path

import numpy as np

from mcss.predict.motion import JOINT_SET, Y_UP_FROM_Z_UP, Motion
from mcss.skeleton import JOINTS


def write_trc(motion: Motion, path: Path) -> None:
    """Write tab-separated frame, time and coordinates; cells of a gap are empty.

    Beside the format's own entries, the header says PoseFrame, JointSet and GlobalPosition.
    """
    rate, count = f"{motion.fps:.6g}", str(len(motion))
    header = {
        "DataRate": rate, "CameraRate": rate, "NumFrames": count, "NumMarkers": str(len(JOINTS)), "Units": "mm",
        "OrigDataRate": rate, "OrigDataStartFrame": "1", "OrigNumFrames": count,
        "PoseFrame": motion.frame, "JointSet": JOINT_SET, "GlobalPosition": "none",
    }  # fmt: skip
    axes = (f"{axis}{number}" for number in range(1, len(JOINTS) + 1) for axis in "XYZ")
    points = (motion.pose_mm @ Y_UP_FROM_Z_UP.T).reshape(len(motion), -1)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"PathFileType\t4\t(X/Y/Z)\t{path.name}\n")
        file.write("\t".join(header) + "\n" + "\t".join(header.values()) + "\n")
        file.write("Frame#\tTime\t" + "".join(f"{joint}\t\t\t" for joint in JOINTS).rstrip("\t") + "\n")
        file.write("\t\t" + "\t".join(axes) + "\n\n")
        for number, (time_s, row) in enumerate(zip(motion.time_s.tolist(), points, strict=True), start=1):
            cells = ["" if np.isnan(value) else f"{value:.4f}" for value in row.tolist()]
            file.write("\t".join([str(number), f"{time_s:.6f}", *cells]) + "\n")
