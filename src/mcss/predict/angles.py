"""Joint angles in degrees from joint positions, after the recommendations of the ISB as far as 17 joints admit.

Axes of pelvis and thorax: x forward, y up, z to the person's right (Wu et al., J. Biomech. 2002 and 2005). The pelvis
has z from the left to the right hip, and y towards the spine; the thorax z from the left to the right shoulder, and y
from the spine to the neck; x is across both, then y across z and x. Turns about a segment's own length, and the ankle,
cannot be seen in these joints and are not given.

- hip flexion (thigh forward) and abduction (thigh outward): first two angles of the order z, x of thigh in pelvis.
- knee, elbow flexion: between the two bones; 0 is straight.
- shoulder elevation: between upper arm and the thorax's downward axis. shoulder plane: of elevation; 0 sideways,
  90 forward (ISB's order y, x, y); not given where the arm hangs or points up, within ``NO_PLANE_DEG``.
- trunk flexion (forward), bending (to the right), rotation (to the left): thorax in pelvis, order z, x, y.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from mcss.predict.files.table import write_table
from mcss.predict.motion import Motion
from mcss.skeleton import JOINTS

NO_PLANE_DEG = 10.0
Vectors = Float64[np.ndarray, "frames 3"]


def joint_angles_deg(pose_mm: Float64[np.ndarray, "frames 17 3"]) -> dict[str, Float64[np.ndarray, " frames"]]:
    """Every angle by its name, degrees; NaN in gaps and where a pose does not define it."""
    at = {joint: pose_mm[:, number] for number, joint in enumerate(JOINTS)}
    pelvis = _segment(at["RHip"] - at["LHip"], at["Spine"] - at["Pelvis"])
    thorax = _segment(at["RShoulder"] - at["LShoulder"], at["Neck"] - at["Spine"])
    angles = {}
    for side, name, outward in (("R", "right", 1.0), ("L", "left", -1.0)):
        thigh, shank = at[f"{side}Knee"] - at[f"{side}Hip"], at[f"{side}Ankle"] - at[f"{side}Knee"]
        upper, lower = at[f"{side}Elbow"] - at[f"{side}Shoulder"], at[f"{side}Wrist"] - at[f"{side}Elbow"]
        x, y, z = _unit(_in(pelvis, thigh)).T
        angles[f"hip_flexion_{name}"] = np.degrees(np.arctan2(x, -y))
        angles[f"hip_abduction_{name}"] = np.degrees(np.arcsin(np.clip(outward * z, -1, 1)))
        angles[f"knee_flexion_{name}"] = _between(thigh, shank)
        x, y, z = _unit(_in(thorax, upper)).T
        elevation = np.degrees(np.arccos(np.clip(-y, -1, 1)))
        has_plane = (elevation > NO_PLANE_DEG) & (elevation < 180 - NO_PLANE_DEG)
        angles[f"shoulder_elevation_{name}"] = elevation
        angles[f"shoulder_plane_{name}"] = np.where(has_plane, np.degrees(np.arctan2(x, outward * z)), np.nan)
        angles[f"elbow_flexion_{name}"] = _between(upper, lower)
    turn = pelvis.swapaxes(1, 2) @ thorax
    flexion, bending, rotation = _cardan_zxy(turn).T
    return angles | {"trunk_flexion": -flexion, "trunk_bending_right": bending, "trunk_rotation_left": rotation}


def write_angles(motion: Motion, path: Path) -> None:
    """Write a CSV with columns frame, time_s, bridged and one of each angle, degrees; cells of a gap are empty."""
    table = pd.DataFrame(
        {"frame": range(len(motion)), "time_s": motion.time_s, "bridged": motion.is_bridged.astype(int)}
    )
    table = table.assign(**{f"{name}_deg": values for name, values in joint_angles_deg(motion.pose_mm).items()})
    write_table(table, path, {"unit": "degrees", "definitions": "docs/prediction.md"})


def _segment(right: Vectors, up: Vectors) -> Float64[np.ndarray, "frames 3 3"]:
    """Axes x, y, z of a segment as the columns of a rotation."""
    z = _unit(right)
    x = _unit(np.cross(up, z))
    return np.stack([x, np.cross(z, x), z], axis=-1)


def _in(segment: Float64[np.ndarray, "frames 3 3"], vectors: Vectors) -> Vectors:
    return (segment.swapaxes(1, 2) @ vectors[..., None])[..., 0]


def _unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, np.nan)


def _between(first: Vectors, second: Vectors) -> Float64[np.ndarray, " frames"]:
    cosine = (_unit(first) * _unit(second)).sum(axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def _cardan_zxy(rotation: Float64[np.ndarray, "frames 3 3"]) -> Float64[np.ndarray, "frames 3"]:
    """Angles of turns about z, then the turned x, then the turned y, degrees."""
    known = np.isfinite(rotation).all(axis=(1, 2))
    angles = np.full((len(rotation), 3), np.nan)
    if known.any():
        angles[known] = Rotation.from_matrix(rotation[known]).as_euler("ZXY", degrees=True)
    return angles
