"""A page about a store on which a person sees whether the import is right: one HTML file, and one PNG."""

import base64
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import jinja2
import numpy as np
import simplejpeg
from jaxtyping import Int64, UInt8

from data_modules.store import Store, open_store
from data_modules.store.pictures import BACKGROUND, crop_picture, frame_path, skeleton_pictures

TILE_PX = 140
PAGE_FILE, PICTURE_FILE = "show.html", "show.png"
SHOWN_CLIPS = 24
"""Clips with pictures, spread evenly; the table has all of them."""
PNG_CLIPS = 8
LABEL_PX = 22


@dataclass(frozen=True, eq=False)
class ShownInstant:
    """One instant of a clip: whole frames, crops, crops with the skeleton, the skeleton itself."""

    frame: int
    time_s: float
    cameras: tuple[str, ...]
    strips: dict[str, UInt8[np.ndarray, "rows columns 3"]]
    """Pictures of all cameras side by side, by what they show."""


def write_page(store_path: Path, page: Path | None = None) -> tuple[Path, Path]:
    """Write the page of the store at ``store_path``, by default into it, and the PNG beside the page; return both.

    Raises:
        StoreError: there is no store, or it is damaged.
    """
    store = open_store(store_path)
    page = page or store_path / PAGE_FILE
    picture = page.with_suffix(".png")
    shown = {
        number: [show_instant(store, rows) for rows in _sampled(store, number)]
        for number in _evenly(store, SHOWN_CLIPS)
    }
    page.parent.mkdir(parents=True, exist_ok=True)
    template = jinja2.Template(resources.files("data_modules").joinpath("show.html").read_text(), autoescape=True)
    page.write_text(
        template.render(
            store=store, clips=_clip_cards(store), excluded=_by_sequence(store), shown=_named(store, shown)
        ),
        encoding="utf-8",
    )
    chosen = list(shown)[:: -(-len(shown) // PNG_CLIPS)]
    picture.write_bytes(_png([(store.clip_names[number], instant) for number in chosen for instant in shown[number]]))
    return page, picture


def show_instant(store: Store, rows: Int64[np.ndarray, " views"]) -> ShownInstant:
    """Pictures of the instant with the views ``rows``."""
    numbers = rows.tolist()
    first = numbers[0]
    name = store.clip_names[store.clip[first]]
    frame = int(store.frame[first])
    paths = [frame_path(store.path, name, frame, str(store.camera[row])) for row in numbers]
    strips = {}
    if all(path.exists() for path in paths):
        strips["whole frames, with the square of the crop"] = _side_by_side([_read(path) for path in paths])
    strips["crops"] = _side_by_side([crop_picture(store, row, TILE_PX, with_skeleton=False) for row in numbers])
    if store.has_pose[first]:
        if store.meta.calibration:
            crops = [crop_picture(store, row, TILE_PX, with_skeleton=True) for row in numbers]
            strips["the pose, projected by the cameras' calibration"] = _side_by_side(crops)
        sides = skeleton_pictures(store.pose_world[first], TILE_PX)
        strips["the pose from the front and from the left, up is up"] = _side_by_side(list(sides))
    return ShownInstant(frame, float(store.time_s[first]), tuple(store.camera[rows].tolist()), strips)


def _sampled(store: Store, clip: int) -> list[Int64[np.ndarray, " views"]]:
    """Rows of two instants of a clip: those whose whole frames are kept, or the first and one of the second half."""
    rows = np.flatnonzero(store.clip == clip)
    frames = np.unique(store.frame[rows])
    kept = [frame for frame in frames.tolist() if _has_picture(store, int(rows[0]), frame)]
    chosen = kept or np.unique(frames[[0, 2 * len(frames) // 3]]).tolist()
    return [rows[store.frame[rows] == frame] for frame in chosen]


def _has_picture(store: Store, row: int, frame: int) -> bool:
    return frame_path(store.path, store.clip_names[store.clip[row]], frame, str(store.camera[row])).exists()


def _evenly(store: Store, count: int) -> list[int]:
    clips = len(store.clip_names)
    return np.unique(np.linspace(0, clips - 1, min(count, clips)).round().astype(int)).tolist()


def _clip_cards(store: Store) -> list[dict]:
    """A line of the table about each clip."""
    first = np.unique(store.instant, return_index=True)[1]
    cards = []
    for number, name in enumerate(store.clip_names):
        rows = store.clip == number
        instants = first[store.clip[first] == number]
        gaps_s = np.diff(store.time_s[instants])
        cards.append(
            {
                "name": name,
                "split": "train" if name.split("/", 1)[0] in store.meta.subjects_train else "test",
                "instants": len(instants),
                "images": int(rows.sum()),
                "cameras": ", ".join(np.unique(store.camera[rows]).tolist()),
                "poses": int(store.has_pose[instants].sum()),
                "span_s": float(np.ptp(store.time_s[instants])),
                "gap_s": float(np.median(gaps_s)) if len(gaps_s) else None,
                "box_px": f"{store.box[rows, 2].min():.0f} to {store.box[rows, 2].max():.0f}",
            }
        )
    return cards


def _by_sequence(store: Store) -> dict[str, list[str]]:
    """Reasons why something was left out, by what it is about."""
    found: dict[str, list[str]] = {}
    for item in store.meta.excluded:
        found.setdefault(item["sequence"], []).append(item["reason"])
    return found


def _named(store: Store, shown: dict[int, list[ShownInstant]]) -> dict[str, list[dict]]:
    """What the template shows: pictures as data URLs."""
    return {
        store.clip_names[number]: [
            {
                "title": f"frame {instant.frame}, {instant.time_s:.2f} s: {', '.join(instant.cameras)}",
                "strips": {what: _data_url(strip) for what, strip in instant.strips.items()},
            }
            for instant in instants
        ]
        for number, instants in shown.items()
    }


def _data_url(image: UInt8[np.ndarray, "rows columns 3"]) -> str:
    jpeg = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _read(path: Path) -> UInt8[np.ndarray, "rows columns 3"]:
    image = simplejpeg.decode_jpeg(path.read_bytes(), colorspace="RGB")
    width = max(1, round(image.shape[1] * TILE_PX / image.shape[0]))
    return cv2.resize(image, (width, TILE_PX), interpolation=cv2.INTER_AREA)


def _side_by_side(pictures: list[UInt8[np.ndarray, "_ _ 3"]]) -> UInt8[np.ndarray, "_ _ 3"]:
    return np.concatenate(pictures, axis=1)


def _png(instants: list[tuple[str, ShownInstant]]) -> bytes:
    """All strips of each instant in a row, under its name."""
    lines = []
    for name, instant in instants:
        row = np.concatenate(list(instant.strips.values()), axis=1)
        label = np.full((LABEL_PX, row.shape[1], 3), BACKGROUND, dtype=np.uint8)
        # The font of OpenCV has no letters beyond ASCII.
        text = f"{name} frame {instant.frame}".encode("ascii", "replace").decode()
        cv2.putText(label, text, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
        lines += [label, row]
    width = max(line.shape[1] for line in lines)
    padded = [np.pad(line, ((0, 0), (0, width - line.shape[1]), (0, 0)), constant_values=BACKGROUND) for line in lines]
    return cv2.imencode(".png", cv2.cvtColor(np.concatenate(padded), cv2.COLOR_RGB2BGR))[1].tobytes()
