"""Where the person faces in each view: its table, and the skeleton in the places of the picture's joints."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from data_modules.crop import BOX_MARGIN
from mcss.geometry.direction import angle_deg, standard_deviation_deg
from mcss.predict.chunks import Predictions
from mcss.predict.files.table import write_table
from mcss.predict.scenes import Scene

BODY_PER_JOINTS = 1.09
"""Length of a body over that of its joints: somebody of 1,819 mm has the ankles at 73 and HeadTop at 1,748 mm."""
FACTS = {
    "yaw_deg": "0 facing the camera, 90 facing what is on the right of the picture; counter-clockwise seen from above",
    "yaw_std_deg": "circular standard deviation that the network predicts",
    "unit": "degrees",
}


def facing_arrays(predictions: Predictions) -> dict[str, Float[np.ndarray, "views frames *values"]]:
    """``yaw_deg``, ``yaw_std_deg`` and ``rot_canonical_to_view`` of each view and frame; empty without such a head."""
    if predictions.facing is None or predictions.rot_canonical_to_view is None:
        return {}
    return {
        "yaw_deg": angle_deg(predictions.facing),
        "yaw_std_deg": standard_deviation_deg(predictions.facing),
        "rot_canonical_to_view": predictions.rot_canonical_to_view,
    }


def write_facing(scene: Scene, predictions: Predictions, path: Path) -> list[Path]:
    """Write a CSV with columns frame, time_s, camera, yaw_deg, yaw_std_deg; nothing where yaw is not predicted."""
    arrays = facing_arrays(predictions)
    if not arrays:
        return []
    frames, views = len(scene.time_s), len(scene.cameras)
    table = pd.DataFrame(
        {
            "frame": np.repeat(np.arange(frames), views),
            "time_s": np.repeat(scene.time_s, views),
            "camera": list(scene.cameras) * frames,
            **{name: arrays[name].T.ravel() for name in ("yaw_deg", "yaw_std_deg")},
        }
    )
    write_table(table, path, FACTS)
    return [path]


def in_crop_px(
    pose_mm: Float[np.ndarray, "17 3"], rot_canonical_to_view: Float[np.ndarray, "3 3"], size_px: int
) -> Float[np.ndarray, "17 2"]:
    """Places of a canonical pose's joints in a crop that is ``size_px`` wide, pixels right and down.

    By weak perspective: the pose is turned into the view, its depth left out, and scaled and moved so that its extent
    lies in the crop as that of a person does around whom the crop was cut.
    """
    flat_mm = (pose_mm @ rot_canonical_to_view.T)[:, :2]
    low, high = flat_mm.min(axis=0), flat_mm.max(axis=0)
    scale = size_px / ((1 + BOX_MARGIN) * BODY_PER_JOINTS * max(float((high - low).max()), 1.0))
    return (flat_mm - (low + high) / 2) * scale + size_px / 2
