"""The network that predicts: of a checkpoint by PyTorch, or an exported ONNX file by ONNX Runtime alone."""

import json
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mcss.errors import InputError
from mcss.predict.motion import FRAMES, JOINT_SET
from mcss.predict.network_output import NetworkOutput


class Network(ABC):
    """Square RGB crops to embeddings and poses."""

    image_size_px: int
    """Side of the crops."""
    frame: str
    """Of the poses, one of ``FRAMES``."""
    embedding_dim: int
    has_facing: bool
    """Whether it predicts where the person faces."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def predict(self, images: UInt8[np.ndarray, "batch side side 3"]) -> NetworkOutput:
        """Predict crops."""


class TorchNetwork(Network):
    """Network of a run's checkpoint, on the GPU where there is one.

    Raises:
        InputError: the file is no checkpoint, or its network predicts another joint set.
    """

    def __init__(self, path: Path) -> None:
        import torch  # here, so that an exported network is used without it

        from mcss.export import ExportedNetwork
        from mcss.models.network import load_network

        super().__init__(path)
        network = load_network(path)
        self.image_size_px, self.frame = network.image_size_px, str(network.pose_frame)
        _check_output(path, JOINT_SET, self.frame)
        self.embedding_dim, self.has_facing = network.embedding_dim, network.facing_head is not None
        self._torch = torch
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = ExportedNetwork(network).eval().to(self._device)

    def predict(self, images: UInt8[np.ndarray, "batch side side 3"]) -> NetworkOutput:
        """See ``Network``."""
        with self._torch.inference_mode():
            batch = self._torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2)
            return NetworkOutput(*(values.float().cpu().numpy() for values in self._network(batch)))


class OnnxNetwork(Network):
    """Network that ``mcss export`` wrote as ONNX, with the description beside it.

    Raises:
        InputError: ONNX Runtime or one of the two files is missing or damaged, or the joint set is another one.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            import onnxruntime
        except ModuleNotFoundError:
            raise InputError(f"{path} needs onnxruntime: pip install -e '.[onnx]' in the project's folder") from None
        described = path.with_name(f"{path.name}.json")
        try:
            description = json.loads(described.read_text(encoding="utf-8"))
            joint_set, self.frame = description["joint_set"], description["frame"]
            self.image_size_px = int(description["image_size_px"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{described}: not a description by mcss export ({error!r}); export it again") from None
        _check_output(path, joint_set, self.frame)
        try:
            self._session = onnxruntime.InferenceSession(path, providers=onnxruntime.get_available_providers())
        except Exception as error:  # ONNX Runtime raises several types of its own on a file that is not one
            reason = str(error).splitlines()[0]
            raise InputError(f"{path}: not a whole ONNX file ({reason}); export it again") from None
        outputs = {output.name: output for output in self._session.get_outputs()}
        self.embedding_dim, self.has_facing = int(outputs["embedding"].shape[1]), "facing" in outputs
        self._names = [name for name in NetworkOutput._fields if name in outputs]

    def predict(self, images: UInt8[np.ndarray, "batch side side 3"]) -> NetworkOutput:
        """See ``Network``."""
        batch = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        return NetworkOutput(*self._session.run(self._names, {"images": batch}))


def _check_output(path: Path, joint_set: str, frame: str) -> None:
    """See that a network's poses can be fused over views, and written.

    Raises:
        InputError: they cannot.
    """
    if joint_set != JOINT_SET or frame not in FRAMES:
        raise InputError(
            f"{path}: predicts {joint_set} in the frame {frame}; views are fused and motions written of {JOINT_SET} in"
            f" the frame {' or '.join(FRAMES)}: train with such a model.pose_frame"
        )
