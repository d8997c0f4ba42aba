"""Predictions of a scene in chunks that are kept on disk: a run that was killed goes on after the last whole one."""

import hashlib
import itertools
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from jaxtyping import Float32
from tqdm import tqdm

from data_modules.crop import CROP_PX, resize
from mcss.hashing import file_hash
from mcss.predict.networks import Network
from mcss.predict.scenes import Scene, SeenCrop

CHUNK = 256
"""Frames a chunk."""
BATCH = 64
PICTURE_PX, PICTURE_QUALITY = 192, 75
PICTURES = 1200
"""Pictures that are kept for the page, of all views together; of a long recording every so many frames."""
Chunk = dict[str, Float32[np.ndarray, "..."]]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Of each view and frame; a frame without a person is NaN, with confidence 0."""

    pose_mm: Float32[np.ndarray, "views frames 17 3"]
    embedding: Float32[np.ndarray, "views frames dim"]
    confidence: Float32[np.ndarray, "views frames"]
    """Share of the crop that lies within the camera's picture."""
    facing: Float32[np.ndarray, "views frames 2"] | None = None
    """See ``NetworkOutput``; None where the network does not predict it."""
    rot_canonical_to_view: Float32[np.ndarray, "views frames 3 3"] | None = None


def work_folder(out: Path, scene: Scene, network: Network) -> Path:
    """Folder of the chunks of this scene by this network; those of other scenes and networks are removed."""
    identity = json.dumps([scene.identity(), scene.name, scene.cameras, len(scene.time_s), file_hash(network.path)])
    folder = out / f".partial-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    for other in out.glob(".partial-*"):
        if other != folder:
            shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def predict_scene(scene: Scene, network: Network, work: Path, progress: bool = True) -> Predictions:
    """Predict all views, one after another: memory does not grow with the pictures.

    Raises:
        InputError: a picture cannot be read.
    """
    total = len(scene.time_s) * len(scene.cameras)
    with tqdm(total=total, unit="frame", desc=scene.name, disable=not progress) as bar:
        views = [_predict_view(scene, view, network, work, bar) for view in range(len(scene.cameras))]
    return Predictions(**{name: np.stack([view[name] for view in views]) for name in views[0]})


def picture_frames(scene: Scene) -> range:
    """Frames of which the page has a picture."""
    return range(0, len(scene.time_s), -(-len(scene.time_s) * len(scene.cameras) // PICTURES))


def picture_path(work: Path, view: int, frame: int) -> Path:
    """JPEG of a crop for the page; there is none where nobody was seen."""
    return work / f"view{view}" / f"{frame:08d}.jpg"


def _predict_view(scene: Scene, view: int, network: Network, work: Path, bar: tqdm) -> Chunk:
    folder, count = work / f"view{view}", len(scene.time_s)
    folder.mkdir(exist_ok=True)
    paths = {start: folder / f"{start:08d}.npz" for start in range(0, count, CHUNK)}
    chunks = list(itertools.takewhile(lambda chunk: chunk is not None, map(_read_chunk, paths.values())))
    start = min(len(chunks) * CHUNK, count)
    bar.update(start)
    crops = scene.crops(view, start, max(CROP_PX, network.image_size_px))
    for start in list(paths)[len(chunks) :]:
        seen = _with_pictures(itertools.islice(crops, CHUNK), scene, view, start, work)
        chunk = _predict_chunk(seen, min(CHUNK, count - start), network)
        temporary = paths[start].with_suffix(".tmp.npz")
        np.savez(temporary, allow_pickle=False, **chunk)
        os.replace(temporary, paths[start])
        chunks.append(chunk)
        bar.update(len(chunk["confidence"]))
    return {name: np.concatenate([chunk[name] for chunk in chunks if chunk]) for name in chunks[0] or ()}


def _predict_chunk(crops: Iterator[SeenCrop | None], count: int, network: Network) -> Chunk:
    side = network.image_size_px
    images, confidence = np.zeros((count, side, side, 3), np.uint8), np.zeros(count, np.float32)
    for number, crop in enumerate(crops):
        if crop is not None:
            images[number], confidence[number] = resize(crop[0], side), crop[1]
    shapes: dict[str, tuple[int, ...]] = {"embedding": (network.embedding_dim,), "pose_mm": (17, 3)}
    if network.has_facing:
        shapes |= {"facing": (2,), "rot_canonical_to_view": (3, 3)}
    chunk = {name: np.full((count, *shape), np.nan, np.float32) for name, shape in shapes.items()}
    seen = np.flatnonzero(confidence > 0)
    for batch in np.split(seen, range(BATCH, len(seen), BATCH)) if len(seen) else ():
        output = network.predict(images[batch])
        for name, values in chunk.items():
            values[batch] = getattr(output, name)
    return {**chunk, "confidence": confidence}


def _with_pictures(
    crops: Iterator[SeenCrop | None], scene: Scene, view: int, start: int, work: Path
) -> Iterator[SeenCrop | None]:
    """The same crops; those that the page shows are written on the way."""
    wanted = picture_frames(scene)
    for frame, crop in enumerate(crops, start):
        if crop is not None and frame in wanted:
            small = resize(crop[0], PICTURE_PX)
            picture_path(work, view, frame).write_bytes(simplejpeg.encode_jpeg(small, quality=PICTURE_QUALITY))
        yield crop


def _read_chunk(path: Path) -> Chunk | None:
    """Content of a chunk; None where there is none, or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
