"""Reading images: the training loader against decoders in a tight loop, and decoders against each other."""

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from benchmarks.timing import Comparison, Figure, compare, seconds
from data_modules.samplers import LabelledSampler
from data_modules.store import Store, open_store
from data_modules.streams import DecodedImages, LabelledStream, StepLoader, StepSampler

STORE = Path("data/studio")
IMAGES, BATCH = 1408, 44
LARGE_PX = 256
GPU_IMAGES_S, GPUS = 4000, 8
"""What a GPU is taken to train on a second, and how many a node has."""
DECODERS: dict[str, Callable[[bytes], object]] = {
    "OpenCV": lambda jpeg: cv2.cvtColor(
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    ),
    "Pillow": lambda jpeg: np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")),
}


def measure() -> list[Comparison | Figure]:
    """One process, as each worker of a loader is."""
    cv2.setNumThreads(1)
    store = open_store(STORE)
    rows = np.random.default_rng(0).choice(np.flatnonzero(store.has_pose), IMAGES, replace=False)
    jpegs = [bytes(store.jpeg(row)) for row in rows]
    large = [_enlarged(jpeg) for jpeg in jpegs]
    loader = _loader(store, rows)

    def load() -> None:
        for _ in loader:  # each batch is dropped, as training drops it: keeping all would measure page faults
            pass

    def tight_loop() -> None:
        for jpeg in jpegs:
            simplejpeg.decode_jpeg(jpeg, colorspace="RGB")

    def tight_loop_large() -> None:
        for jpeg in large:
            simplejpeg.decode_jpeg(jpeg, colorspace="RGB")

    side = store.meta.crop_size_px
    results: list[Comparison | Figure] = [
        compare(f"loader, {side} px", load, tight_loop, "simplejpeg in a tight loop", wanted=0.85)
    ]
    results += [_decoder(name, decode, large, tight_loop_large) for name, decode in DECODERS.items()]
    rate = IMAGES / min(seconds(tight_loop_large) for _ in range(5))
    results.append(Figure(f"images of {LARGE_PX} px that one worker decodes a second", rate, "images/s", None))
    workers = GPUS * GPU_IMAGES_S / (0.85 * rate)
    results.append(Figure(f"workers for {GPUS} GPUs at {GPU_IMAGES_S:,} images/s each", workers, "processes", None))
    return results


def _loader(store: Store, rows: np.ndarray) -> StepLoader:
    """The labelled stream, in the side that the store has: no resizing, as in the tight loop."""
    stream = LabelledStream(
        DecodedImages(store, store.meta.crop_size_px), LabelledSampler(rows, BATCH, seed=0), store.pose_world
    )
    return StepLoader(stream, StepSampler(lambda: 0, IMAGES // BATCH), {}, num_workers=0)


def _enlarged(jpeg: bytes) -> bytes:
    image = cv2.resize(simplejpeg.decode_jpeg(jpeg), (LARGE_PX, LARGE_PX), interpolation=cv2.INTER_CUBIC)
    return simplejpeg.encode_jpeg(image, quality=92)


def _decoder(name: str, decode: Callable[[bytes], object], jpegs: list[bytes], ours: Callable[[], None]) -> Comparison:
    return compare(f"simplejpeg, {LARGE_PX} px", ours, lambda: [decode(jpeg) for jpeg in jpegs], name)
