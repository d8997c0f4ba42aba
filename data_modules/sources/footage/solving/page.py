"""A page that shows a solution over the frames: what was clicked, where the solved joints are seen, how far apart."""

import base64
from pathlib import Path

import cv2
import jinja2
import numpy as np
import simplejpeg
from jaxtyping import Float64, UInt8

from data_modules.frames import ImageReader
from data_modules.sources.footage.clip_clicks import ClipClicks
from data_modules.sources.footage.solving.clicks import Solution
from mcss.skeleton import BONES, JOINTS

INSTANTS, WIDTH_PX = 6, 480
"""How many instants are shown, spread over the clip, and how wide a frame is drawn."""
LEFT, RIGHT, MIDDLE, CLICK = (66, 135, 245), (230, 70, 60), (60, 180, 75), (255, 220, 0)
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
)


def write_page(path: Path, part: ClipClicks, solution: Solution) -> None:
    """Write one self-contained HTML file."""
    count = len(solution.time_s)
    chosen = np.unique(np.linspace(0, count - 1, min(INSTANTS, count)).round().astype(int))
    pictures: dict[int, list[str]] = {int(instant): [] for instant in chosen}
    for view, recording in enumerate(part.recordings):
        camera = list(solution.cameras.values())[view]
        with ImageReader() as reader:
            for instant in chosen.tolist():
                frame = int(part.frames[instant, view])
                if frame < 0:
                    continue
                shown = camera.project(solution.pose_world[instant])
                image = drawn(reader.read(recording.image(frame)), part.clicks.points_px[view, instant], shown)
                jpeg = simplejpeg.encode_jpeg(image, quality=80)
                pictures[instant].append(base64.b64encode(jpeg).decode())
    means = [
        [
            name,
            *(_mean(solution.residual_px[view, :, joint]) for view in range(len(part.recordings))),
            _mean(solution.uncertainty_mm[:, joint]),
        ]
        for joint, name in enumerate(JOINTS)
    ]
    worst = [
        {
            "camera": list(solution.cameras)[view],
            "joint": JOINTS[joint],
            "frame": int(part.frames[instant, view]),
            "px": float(solution.residual_px[view, instant, joint]),
        }
        for view, instant, joint in _largest(solution.residual_px, 10)
    ]
    page = TEMPLATES.get_template("page.html").render(
        clip=f"{path.parent.parent.name}/{path.parent.name}",
        cameras=list(solution.cameras),
        focals=[float(camera.intrinsics_px[0, 0]) for camera in solution.cameras.values()],
        noise_px=solution.click_noise_px,
        times=[float(solution.time_s[instant]) for instant in chosen],
        pictures=list(pictures.values()),
        means=means,
        worst=worst,
    )
    path.write_text(page, encoding="utf-8")


def drawn(
    image: UInt8[np.ndarray, "rows columns 3"],
    clicked: Float64[np.ndarray, "17 2"],
    shown: Float64[np.ndarray, "17 2"],
) -> UInt8[np.ndarray, "_ _ 3"]:
    """The frame, ``WIDTH_PX`` wide, with the solved skeleton as lines and the clicks as rings."""
    scale = WIDTH_PX / image.shape[1]
    small = cv2.resize(image, (WIDTH_PX, round(image.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    for parent, child in BONES:
        ends = shown[[parent, child]] * scale
        if np.isfinite(ends).all():
            side = JOINTS[child][0] if JOINTS[child][1].isupper() else ""
            color = {"L": LEFT, "R": RIGHT}.get(side, MIDDLE)
            start, end = ends.round().astype(int).tolist()
            cv2.line(small, start, end, color, 2, cv2.LINE_AA)
    for x, y in clicked[np.isfinite(clicked[:, 0])] * scale:
        cv2.circle(small, (round(x), round(y)), 4, CLICK, 1, cv2.LINE_AA)
    return small


def _mean(values: Float64[np.ndarray, " _"]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _largest(values: Float64[np.ndarray, "_ _ _"], count: int) -> list[tuple[int, ...]]:
    flat = np.nan_to_num(values, nan=-1.0).ravel()
    order = [index for index in np.argsort(-flat)[:count] if flat[index] > 0]
    return [tuple(int(i) for i in np.unravel_index(index, values.shape)) for index in order]
