"""Embeddings of a store's test images, computed once for a checkpoint and cached in ``embeddings.npz``."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int
from tqdm import tqdm

from data_modules.store import Store
from data_modules.training.datamodule import MultiviewPoseDataModule
from mcss.errors import InputError
from mcss.models.network import load_network
from mcss.run.record import checkpoint_record

EMBEDDINGS_FILE = "embeddings.npz"
_FACTS = ("method", "supervision", "seed", "steps", "settings_hash", "commit", "dirty", "checkpoint_hash")


class RunEmbeddings(NamedTuple):
    """Embeddings of a store's test images by one network."""

    name: str
    """The run's folder."""
    facts: dict[str, Any]
    """Origin of the network: method, supervision, seed, commit, hashes."""
    row: Int[np.ndarray, " images"]
    embedding: Float32[np.ndarray, "images dim"]
    """Unit length."""

    @property
    def label(self) -> str:
        """Short name for legends."""
        if self.facts.get("method") is None:
            return self.name
        return f"{self.facts['method']}, {self.facts['supervision']}, seed {self.facts['seed']}"


def embed_test_images(checkpoint: Path, store: Store) -> RunEmbeddings:
    """Embeddings of the test subjects' images that have a pose; read from the run's folder if they are there already.

    They are computed again where the checkpoint or the data have changed, or the file is damaged.

    Raises:
        InputError: there is no such checkpoint, or it is none of this project; the store has no test image with a pose.
    """
    record = checkpoint_record(checkpoint)
    folder = checkpoint.parent.parent
    origin = {"checkpoint_hash": record["checkpoint_hash"], "data_hash": store.content_hash}
    kept = _read(folder / EMBEDDINGS_FILE, origin)
    row, embedding = kept if kept else _compute(checkpoint, store)
    if not kept:
        _write(folder / EMBEDDINGS_FILE, row, embedding, origin)
    facts = {name: record.get(name) for name in _FACTS}
    return RunEmbeddings(folder.name, facts, row, embedding)


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
    row, embedding = np.concatenate(rows), np.concatenate(embeddings)
    has_pose = store.has_pose[row]
    if not has_pose.any():
        raise InputError(f"{store.path}: no test subject has poses, by which retrieval is measured")
    return row[has_pose], embedding[has_pose]


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
    except Exception:  # numpy, zipfile and zlib raise different types for a damaged file
        return None


def _write(
    path: Path,
    row: Int[np.ndarray, " images"],
    embedding: Float32[np.ndarray, "images dim"],
    origin: dict[str, str],
) -> None:
    """Write atomically, so that a killed program leaves no incomplete file."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, row=row, embedding=embedding, **origin)
    os.replace(partial, path)
