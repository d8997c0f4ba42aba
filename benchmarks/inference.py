"""Prediction: ResNet-18 against ResNet-50, and ONNX Runtime against eager PyTorch, at the paper's image size."""

import tempfile
import warnings
from functools import partial
from pathlib import Path

import torch

from benchmarks.timing import Comparison, compare
from mcss.export import ExportedNetwork, write_onnx
from mcss.models.module import MCSSModule

SIDE_PX = 224
BATCHES = {1: 15, 64: 3}
"""Images a batch, and rounds that it is timed."""


def measure() -> list[Comparison]:
    """Comparisons in float32 with the threads that PyTorch takes by default."""
    torch.manual_seed(0)
    small, large = (
        ExportedNetwork(MCSSModule(name, weights="none", image_size_px=SIDE_PX)).eval()
        for name in ("resnet18", "resnet50")
    )
    results = []
    with torch.inference_mode():
        for batch, rounds in BATCHES.items():
            images = _images(batch)
            name = f"ResNet-18, {SIDE_PX} px, batch {batch}"
            results.append(compare(name, partial(small, images), partial(large, images), "ResNet-50", rounds=rounds))
    return [*results, _onnx(small)]


def _images(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, SIDE_PX, SIDE_PX), dtype=torch.uint8)


def _onnx(network: ExportedNetwork) -> Comparison:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        path = Path(folder) / "network.onnx"
        write_onnx(network, _images(3), path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    one = _images(1)
    with torch.inference_mode():
        return compare(
            f"ONNX Runtime, ResNet-18, {SIDE_PX} px, batch 1",
            lambda: session.run(None, {"images": one.numpy()}),
            lambda: network(one),
            "eager PyTorch",
            rounds=15,
        )
