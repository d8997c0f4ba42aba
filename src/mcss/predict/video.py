"""An overlay video: the crop of every view beside the skeleton, seen from the front and from the side.

The skeleton also lies over the crops where the network predicts in which direction the person faces.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from data_modules.crop import resize
from mcss.predict.facing import in_crop_px
from mcss.predict.motion import Motion
from mcss.predict.scenes import Scene
from mcss.skeleton import BONES, JOINTS

PANEL_PX = 320
MM_PER_PANEL = 2200.0
RIGHT, LEFT, MIDDLE = (220, 60, 50), (50, 90, 220), (70, 70, 70)
DIRECTIONS = {
    "from the front": np.array([[1.0, 0, 0], [0, 0, -1]]),
    "from the left": np.array([[0.0, 1, 0], [0, 0, -1]]),
}
"""Image axes (right, down) in the canonical frame, where the person faces -Y with the left hip on +X."""


def write_video(
    scene: Scene,
    motion: Motion,
    path: Path,
    rot_canonical_to_view: Float32[np.ndarray, "views frames 3 3"] | None = None,
) -> list[Path]:
    """Write H.264, one picture a frame: views in a row, then the skeleton; a frame without a pose says so.

    Raises:
        InputError: a picture cannot be read again.
    """
    views = [scene.crops(view, 0, PANEL_PX) for view in range(len(scene.cameras))]
    width = PANEL_PX * (len(views) + len(DIRECTIONS))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(motion.fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, PANEL_PX, "yuv420p"
        is_known = motion.is_known
        for number, crops in enumerate(zip(*views, strict=True)):
            panels = [_crop_panel(crop, name) for crop, name in zip(crops, scene.cameras, strict=True)]
            if rot_canonical_to_view is not None and is_known[number]:
                for panel, rotation in zip(panels, rot_canonical_to_view[:, number], strict=True):
                    if np.isfinite(rotation).all():
                        draw_skeleton(panel, in_crop_px(motion.pose_mm[number], rotation, PANEL_PX), 2)
            panels += _skeleton_panels(motion, number, bool(is_known[number]))
            frame = av.VideoFrame.from_ndarray(np.concatenate(panels, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return [path]


def _crop_panel(crop: tuple[np.ndarray, float] | None, camera: str) -> UInt8[np.ndarray, "rows columns 3"]:
    if crop is None:
        return _text(np.full((PANEL_PX, PANEL_PX, 3), 40, np.uint8), f"{camera}: nobody seen", (255, 255, 255))
    return _text(resize(crop[0], PANEL_PX), camera, (255, 255, 255))


def _skeleton_panels(motion: Motion, number: int, is_known: bool) -> Iterator[UInt8[np.ndarray, "rows columns 3"]]:
    for name, axes in DIRECTIONS.items():
        panel = np.full((PANEL_PX, PANEL_PX, 3), 255, np.uint8)
        if is_known:
            name += ", bridged" if motion.is_bridged[number] else ""
            points_mm = motion.pose_mm[number] @ axes.T
            draw_skeleton(panel, points_mm * (PANEL_PX / MM_PER_PANEL) + PANEL_PX / 2, 4)
        else:
            name = "no pose"
        yield _text(panel, f"{name}  {motion.time_s[number]:.2f} s", (60, 60, 60))


def draw_skeleton(
    panel: UInt8[np.ndarray, "rows columns 3"], points_px: Float[np.ndarray, "17 2"], width_px: int
) -> None:
    """Draw bones into a panel, in place; points are right and down."""
    places = np.rint(points_px).astype(int).tolist()
    for parent, joint in BONES:
        colour = {"R": RIGHT, "L": LEFT}.get(JOINTS[joint][0], MIDDLE)
        cv2.line(panel, places[parent], places[joint], colour, width_px, cv2.LINE_AA)


def _text(
    panel: UInt8[np.ndarray, "rows columns 3"], text: str, colour: tuple[int, int, int]
) -> UInt8[np.ndarray, "rows columns 3"]:
    panel = np.ascontiguousarray(panel)
    cv2.putText(panel, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
    return panel
