"""Reading images: the training loader against decoders in a loop, and decoders against each other.

Everything runs in one process, like each worker of a loader. The loader makes batches of the store's own image size, so
nothing is resized. Two loops are compared with it: one decodes into the same batches, which is what any loader has to
do; the other drops each image, which then never leaves the cache.
"""

import dataclasses
import importlib
import io
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
import torch
from PIL import Image

from benchmarks.timing import Comparison, Figure, Missing, compare, seconds
from data_modules.store import Row, Store, open_store, write_store
from data_modules.training.images import DecodedImages
from data_modules.training.loaders import StepLoader, StepSampler
from data_modules.training.samplers import LabelledSampler
from data_modules.training.streams import LabelledStream

STORE = Path("data/studio")
IMAGES, BATCH = 704, 44
LARGE_PX = 256
WANTED = 0.95
GPU_IMAGES_S, GPUS = 4000, 8
"""Assumed number of images that a GPU trains on in a second, and of GPUs of a node."""
Decoder = Callable[[bytes], object]
DECODERS: dict[str, Decoder] = {
    "simplejpeg": partial(simplejpeg.decode_jpeg, colorspace="RGB"),
    "OpenCV": lambda jpeg: cv2.cvtColor(
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    ),
    "Pillow": lambda jpeg: np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")),
}


def measure() -> list[Comparison | Figure | Missing]:
    """Loader and decoders at the store's own side and at that of real data; what the latter means for a node."""
    cv2.setNumThreads(1)
    store = open_store(STORE)
    rows = np.random.default_rng(0).choice(np.flatnonzero(store.has_pose), IMAGES, replace=False)
    decoders, missing = DECODERS, []
    try:
        decoders = {**DECODERS, "torchcodec": torchcodec_decoder()}
    except (ImportError, OSError, RuntimeError) as error:
        missing.append(Missing("torchcodec", " ".join(str(error).split())[:200]))
    results: list[Comparison | Figure] = _compared(store, rows, decoders)
    with tempfile.TemporaryDirectory() as folder:
        large = _enlarged(store, np.sort(rows), Path(folder) / "large")
        of_large = _compared(large, np.arange(IMAGES), decoders)
    images_s = IMAGES / of_large[0].ours_s
    workers = GPUS * GPU_IMAGES_S / images_s
    return [
        *results,
        *of_large,
        Figure(f"images of {LARGE_PX} px that one worker loads a second", images_s, "images/s", None),
        Figure(f"workers for {GPUS} GPUs at {GPU_IMAGES_S:,} images/s each", workers, "processes", None),
        *missing,
    ]


def torchcodec_decoder() -> Decoder:
    """PyTorch's own decoder, no dependency of the project.

    Raises:
        ImportError: it is not installed, or does not fit the installed PyTorch.
    """
    decode_jpeg = importlib.import_module("torchcodec.decoders").decode_jpeg
    return lambda jpeg: decode_jpeg(torch.frombuffer(bytearray(jpeg), dtype=torch.uint8))


def _compared(store: Store, rows: np.ndarray, decoders: dict[str, Decoder]) -> list[Comparison]:
    """The loader against the fastest decoder, then simplejpeg, which the loader uses, against the others."""
    side, jpegs = store.meta.crop_size_px, [bytes(store.jpeg(row)) for row in rows]
    loops = {name: partial(_loop, decode, jpegs) for name, decode in decoders.items()}
    times_s = {name: min(seconds(loop) for _ in range(3)) for name, loop in loops.items()}
    fastest = min(times_s, key=times_s.__getitem__)
    load = partial(_exhaust, _loader(store, rows))
    name = f"loader, {side} px"
    return [
        compare(name, load, loops[fastest], f"{fastest}, the fastest, in a tight loop, images dropped"),
        compare(name, load, partial(_batches, jpegs, side), "simplejpeg in a loop, into batches", wanted=WANTED),
        *(
            compare(f"simplejpeg, {side} px", loops["simplejpeg"], loops[other], other)
            for other in decoders
            if other != "simplejpeg"
        ),
    ]


def _loop(decode: Decoder, jpegs: list[bytes]) -> None:
    for jpeg in jpegs:
        decode(jpeg)


def _batches(jpegs: list[bytes], side: int) -> None:
    for start in range(0, len(jpegs), BATCH):
        batch = np.empty((BATCH, side, side, 3), np.uint8)
        for image, jpeg in zip(batch, jpegs[start : start + BATCH], strict=True):
            simplejpeg.decode_jpeg(jpeg, colorspace="RGB", buffer=image)


def _exhaust(loader: StepLoader) -> None:
    for _ in loader:  # each batch is dropped, as training drops it: keeping all would measure page faults
        pass


def _loader(store: Store, rows: np.ndarray) -> StepLoader:
    """The labelled stream, in the side that the store has."""
    stream = LabelledStream(
        DecodedImages(store, store.meta.crop_size_px), LabelledSampler(rows, BATCH, seed=0), store.pose_world
    )
    return StepLoader(stream, StepSampler(lambda: 0, IMAGES // BATCH), {}, num_workers=0)


def _enlarged(store: Store, rows: np.ndarray, path: Path) -> Store:
    """``rows`` of a store as a store of ``LARGE_PX``, without masks, which the loader does not read here."""

    def enlarged() -> Iterator[Row]:
        for row in rows.tolist():
            crop = simplejpeg.decode_jpeg(store.jpeg(row))
            image = cv2.resize(crop, (LARGE_PX, LARGE_PX), interpolation=cv2.INTER_CUBIC)
            yield {**store.row(row), "image": simplejpeg.encode_jpeg(image, quality=92), "mask": None}

    write_store(path, enlarged(), dataclasses.replace(store.meta, crop_size_px=LARGE_PX))
    return open_store(path)
