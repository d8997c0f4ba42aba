"""``mcss export``: writes the network of a run as one file, for programs without a training framework."""

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from data_modules.commands.arguments import OneLineParser
from data_modules.training.augment import Augment, AugmentSettings
from mcss.errors import InputError
from mcss.models.facing import rotation_to_view
from mcss.models.network import MCSSNetwork, load_network
from mcss.predict import reference_script
from mcss.predict.network_output import NetworkOutput
from mcss.skeleton import JOINTS

REFERENCE_SCRIPT = "video_to_csv.py"
"""Script written beside an ONNX file; it uses the network without this project."""
FACING_OUTPUTS = {
    "facing": "(cos, sin) of the yaw from the camera's level right to the canonical X axis, times the concentration",
    "rot_canonical_to_view": "rotation from the canonical frame into x right, y down in the image, z away",
}
TOLERANCE_MM = 1e-3
"""Largest difference between the poses of the written file and of the network; a larger one is an error."""


class ExportedNetwork(nn.Module):
    """A network that includes the normalisation of images."""

    def __init__(self, network: MCSSNetwork) -> None:
        super().__init__()
        self.network = network
        self.normalise = Augment(AugmentSettings(), network.image_size_px, seed=0).normalise

    def forward(self, images: UInt8[Tensor, "batch 3 side side"]) -> tuple[Tensor, ...]:
        """Embedding (unit length) and pose (mm, h36m17, the pelvis at 0, in the network's frame) of RGB images.

        And where the network predicts it, (cos, sin) of yaw times their concentration, and the rotation from the
        canonical frame into the axes of the view (``mcss.models.facing``).
        """
        prediction = self.network(self.normalise(images))
        if prediction.facing is None:
            return prediction.embedding, prediction.pose
        rotation = rotation_to_view(*prediction.facing)
        return prediction.embedding, prediction.pose, prediction.facing.concentrated, rotation


def export(checkpoint: Path, into: Path) -> float:
    """Write the network of ``checkpoint`` to ``into`` and read it back; return the largest difference in mm.

    ``.onnx`` is ONNX (input ``images``, outputs ``embedding`` and ``pose_mm``), ``.pt2`` a ``torch.export`` program.
    The batch may have any size. What a reader needs to know stands in ``into`` with ``.json`` appended,
    and beside ONNX a script that goes from a video to CSV.

    Raises:
        InputError: no checkpoint, another suffix, the packages of the ``onnx`` extra are missing, or the written file
            predicts other poses than the network.
    """
    if into.suffix not in WRITERS:
        raise InputError(f"{into}: the suffix says what is written, {' or '.join(WRITERS)}")
    network = ExportedNetwork(load_network(checkpoint)).eval()
    side = network.network.image_size_px
    # Exported with two images and checked with three; a batch of one would fix the size of the batch.
    images = torch.randint(0, 256, (3, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    into.parent.mkdir(parents=True, exist_ok=True)
    partial = into.with_name(f"partial-{into.name}")
    try:
        pose_mm = WRITERS[into.suffix](network, images, partial)
        with torch.inference_mode():
            difference_mm = float(np.abs(pose_mm - network(images)[1].numpy()).max())
        if not difference_mm <= TOLERANCE_MM:
            raise InputError(f"{into}: not written, its poses differ by {difference_mm:.2g} mm from the network's")
        os.replace(partial, into)
    finally:
        partial.unlink(missing_ok=True)
    into.with_name(f"{into.name}.json").write_text(
        json.dumps(_description(network.network, checkpoint), indent=2) + "\n", encoding="utf-8"
    )
    if into.suffix == ".onnx":
        shutil.copyfile(reference_script.__file__, into.with_name(REFERENCE_SCRIPT))
    return difference_mm


def _description(network: MCSSNetwork, checkpoint: Path) -> dict[str, object]:
    """What a reader of the file needs to know."""
    side, has_facing = network.image_size_px, network.facing_head is not None
    return {
        "images": f"uint8 RGB, any number x 3 x {side} x {side}, one person in the middle of each",
        "embedding": "unit length",
        "pose_mm": f"joints h36m17 in mm, pelvis at 0, {network.pose_frame} frame",
        **(FACING_OUTPUTS if has_facing else {}),
        "joints": list(JOINTS),
        "joint_set": "h36m17",
        "frame": network.pose_frame,
        "image_size_px": side,
        "checkpoint": str(checkpoint),
    }


def write_torch(
    network: ExportedNetwork, images: UInt8[Tensor, "batch 3 side side"], path: Path
) -> Float[np.ndarray, "batch 17 3"]:
    """Write a ``torch.export`` program; return the poses that it predicts."""
    program = torch.export.export(network, (images[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},))
    with path.open("wb") as file:
        torch.export.save(program, file)
    with torch.inference_mode():
        return torch.export.load(str(path)).module()(images)[1].numpy()


def write_onnx(
    network: ExportedNetwork, images: UInt8[Tensor, "batch 3 side side"], path: Path
) -> Float[np.ndarray, "batch 17 3"]:
    """Write ONNX; return the poses that it predicts.

    Raises:
        InputError: the packages of the ``onnx`` extra are missing.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - torch.onnx needs it, and would say so in several lines
    except ImportError as error:
        raise InputError(f"ONNX needs {error.name}: pip install -e '.[onnx]' in the project's folder") from None
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its passes
        torch.onnx.export(
            network,
            (images[:2],),
            path,
            input_names=["images"],
            output_names=list(NetworkOutput._fields[: 2 if network.network.facing_head is None else 4]),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            dynamo=True,
        )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["pose_mm"], {"images": images.numpy()})[0]


WRITERS = {".onnx": write_onnx, ".pt2": write_torch}
"""Writers by suffix of the file."""


def make_parser() -> argparse.ArgumentParser:
    """Arguments of the program."""
    parser = OneLineParser(prog="mcss export", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="RUN/checkpoints/last.ckpt")
    parser.add_argument("--out", type=Path, required=True, help="NAME.onnx (ONNX) or NAME.pt2 (torch.export)")
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the program; exit with code 2 after one line on stderr if the input is invalid."""
    options = make_parser().parse_args(args)
    try:
        with warnings.catch_warnings(action="ignore"):  # from the exporters, not about the input
            difference_mm = export(options.checkpoint, options.out)
    except InputError as error:
        print(f"mcss: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print(f"written: {options.out} (poses within {difference_mm:.1g} mm of the network's)")
