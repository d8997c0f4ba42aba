"""Embeddings of a store's test images: computed once by a checkpoint, kept beside it in ``embeddings.npz``."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int
from tqdm import tqdm

from data_modules.datamodule import MultiviewPoseDataModule
from data_modules.store import Store
from mcss.errors import InputError
from mcss.models.module import MCSSModule
from mcss.run_folder import RUN_FILE

EMBEDDINGS_FILE = "embeddings.npz"


class Embedded(NamedTuple):
    """Test images of a store as one network sees them."""

    name: str
    """The run's folder."""
    facts: dict[str, Any]
    """Where the network comes from: method, supervision, seed, commit, hashes."""
    row: Int[np.ndarray, " images"]
    embedding: Float32[np.ndarray, "images dim"]
    """Unit length."""

    @property
    def label(self) -> str:
        """Short name for legends."""
        if "method" not in self.facts:
            return self.name
        return f"{self.facts['method']}, {self.facts['supervision']}, seed {self.facts['seed']}"


def embed_test_images(checkpoint: Path, store: Store) -> Embedded:
    """Embeddings of the test subjects' images that have a pose; read from the run's folder if they are there already.

    They are computed again where the checkpoint or the data have changed.

    Raises:
        InputError: there is no such checkpoint, or it is none of this project; the store has no test image with a pose.
    """
    if not checkpoint.is_file():
        raise InputError(f"{checkpoint}: no such checkpoint; train first (make train), or name another one")
    folder = checkpoint.parent.parent
    facts = json.loads(path.read_text(encoding="utf-8")) if (path := folder / RUN_FILE).is_file() else {}
    origin = {"checkpoint_hash": _file_hash(checkpoint), "data_hash": store.content_hash}
    kept = _read(folder / EMBEDDINGS_FILE, origin)
    row, embedding = kept if kept else _compute(checkpoint, store)
    if not kept:
        np.savez_compressed(folder / EMBEDDINGS_FILE, allow_pickle=False, row=row, embedding=embedding, **origin)
    facts = {name: facts[name] for name in ("method", "supervision", "seed", "config_hash", "commit") if name in facts}
    return Embedded(folder.name, facts | {"checkpoint_hash": origin["checkpoint_hash"]}, row, embedding)


def load_network(checkpoint: Path) -> MCSSModule:
    """The network of a checkpoint, ready to be evaluated.

    Raises:
        InputError: the file is no checkpoint of this project.
    """
    try:
        network = MCSSModule.load_from_checkpoint(checkpoint, map_location="cpu", weights="none", weights_only=True)
    except Exception as error:  # torch.load raises half a dozen types on a file that is not its own
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{checkpoint}: not a checkpoint of this project ({reason})") from None
    return network.eval()


def _compute(checkpoint: Path, store: Store) -> tuple[Int[np.ndarray, " images"], Float32[np.ndarray, "images dim"]]:
    network = load_network(checkpoint)
    data = MultiviewPoseDataModule(str(store.path), supervision="none", image_size_px=network.image_size_px)
    data.setup("test")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    rows, embeddings = [], []
    with torch.inference_mode():
        for batch in tqdm(data.test_dataloader(), desc=f"embedding {store.meta.name}", unit="batch"):
            images = data.augment.normalise(batch.images.to(device))
            rows.append(batch.row.numpy())
            embeddings.append(network.embed(images).cpu().numpy())
    return np.concatenate(rows), np.concatenate(embeddings)


def _read(
    path: Path, origin: dict[str, str]
) -> tuple[Int[np.ndarray, " images"], Float32[np.ndarray, "images dim"]] | None:
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as file:
        if any(str(file[name]) != value for name, value in origin.items()):
            return None
        return file["row"], file["embedding"]


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
