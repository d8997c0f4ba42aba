"""Embeddings of a store's test images: computed once by a checkpoint, kept beside it in ``embeddings.npz``."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int
from tqdm import tqdm

from data_modules.store import Store
from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss.models.checkpoint import check_exists
from mcss.models.module import load_network
from mcss.run.folder import RUN_FILE

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

    They are computed again where the checkpoint or the data have changed, or the file is damaged.

    Raises:
        InputError: there is no such checkpoint, or it is none of this project; the store has no test image with a pose.
    """
    check_exists(checkpoint)
    folder = checkpoint.parent.parent
    facts = json.loads(path.read_text(encoding="utf-8")) if (path := folder / RUN_FILE).is_file() else {}
    origin = {"checkpoint_hash": _file_hash(checkpoint), "data_hash": store.content_hash}
    kept = _read(folder / EMBEDDINGS_FILE, origin)
    row, embedding = kept if kept else _compute(checkpoint, store)
    if not kept:
        _write(folder / EMBEDDINGS_FILE, row, embedding, origin)
    facts = {name: facts[name] for name in ("method", "supervision", "seed", "config_hash", "commit") if name in facts}
    return Embedded(folder.name, facts | {"checkpoint_hash": origin["checkpoint_hash"]}, row, embedding)


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
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if any(str(file[name]) != value for name, value in origin.items()):
                return None
            return file["row"], file["embedding"]
    except Exception:  # numpy, zipfile and zlib have an error each for a damaged file
        return None


def _write(
    path: Path,
    row: Int[np.ndarray, " images"],
    embedding: Float32[np.ndarray, "images dim"],
    origin: dict[str, str],
) -> None:
    """Write beside the place and move there: a kill leaves no half of a file."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, row=row, embedding=embedding, **origin)
    os.replace(partial, path)


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
