"""One self-contained page about a scene: pictures and turning skeleton in step, and curves with a cursor."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64
from jinja2 import Environment, PackageLoader

from mcss.predict.angles import joint_angles_deg
from mcss.predict.chunks import picture_frames, picture_path
from mcss.predict.motion import Motion, description
from mcss.predict.scenes import Scene
from mcss.skeleton import BONES, JOINTS


def write_page(
    scene: Scene, motion: Motion, spread_mm: Float64[np.ndarray, "frames 17"], work: Path, path: Path
) -> None:
    """Write an HTML file that needs nothing else and no network.

    ``work`` holds the pictures. Of a long recording every so many frames are shown, and the page says so. The band is
    the 90 % interval, or without a calibration the spread of the views.
    """
    frames = list(picture_frames(scene))
    band_mm = motion.interval_mm if np.isfinite(motion.interval_mm).any() else spread_mm
    data = {
        "frames": frames,
        "time_s": _rounded(motion.time_s[frames], 3),
        "cameras": scene.cameras,
        "pictures": [
            [_picture(picture_path(work, view, frame)) for frame in frames] for view in range(len(scene.cameras))
        ],
        "pose_mm": _rounded(motion.pose_mm[frames], 0),
        "band_mm": _rounded(band_mm[frames], 1),
        "bridged": motion.is_bridged[frames].tolist(),
        "angles_deg": {name: _rounded(values[frames], 1) for name, values in joint_angles_deg(motion.pose_mm).items()},
        "joints": JOINTS,
        "bones": BONES,
    }
    page = _template().render(
        name=scene.name,
        facts=description(motion.frame),
        step=picture_frames(scene).step,
        count=len(motion),
        band=_band_name(motion, spread_mm),
        # A name may hold what would end the script.
        data=json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
    )
    path.write_text(page, encoding="utf-8")


@cache
def _template() -> Any:
    environment = Environment(loader=PackageLoader("mcss.predict", "."), autoescape=True)
    return environment.get_template("page.html")


def _band_name(motion: Motion, spread_mm: Float64[np.ndarray, "frames 17"]) -> str:
    if np.isfinite(motion.interval_mm).any():
        return "band: holds the true joint with a probability of 90 %"
    if np.isfinite(spread_mm).any():
        return "band: spread of the views, not calibrated"
    return "no band: one view, no calibration"


def _picture(path: Path) -> str | None:
    """A JPEG as a data URL."""
    return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode() if path.exists() else None


def _rounded(values: Float64[np.ndarray, "..."], digits: int) -> Any:
    """Nested lists with None for NaN, as JSON knows no NaN."""
    rounded = np.round(values, digits)
    cells = rounded.astype(object)
    cells[~np.isfinite(rounded)] = None
    return cells.tolist()
