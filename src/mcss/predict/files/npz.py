"""Motion as a NumPy archive."""

from pathlib import Path

import numpy as np

from mcss.predict.motion import Motion, description
from mcss.skeleton import JOINTS


def write_npz(motion: Motion, path: Path) -> None:
    """Write time_s, pose_mm (NaN in gaps), interval90_mm, bridged, joints, and what ``description`` says, as texts."""
    np.savez_compressed(
        path,
        allow_pickle=False,
        time_s=motion.time_s,
        pose_mm=motion.pose_mm,
        interval90_mm=motion.interval_mm,
        bridged=motion.is_bridged,
        joints=np.array(JOINTS),
        **{name: np.array(text) for name, text in description(motion.frame).items()},
    )
