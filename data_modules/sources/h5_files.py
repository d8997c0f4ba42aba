"""Numbers from HDF5 files that somebody else wrote; nothing in them is trusted.

A file may announce more than it holds, point to other files, or hold objects instead of numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from data_modules.sources.array_files import MAX_BYTES
from mcss.errors import InputError

DENSEST = 2000
"""Bytes of numbers for a byte of the file, at most: deflate reaches about 1000."""
SMALL_BYTES = 2**20


@contextmanager
def open_h5(path: Path, remedy: str) -> Iterator[h5py.File]:
    """Open a file, and say in one line what is wrong with it while it is read.

    Raises:
        InputError: it is missing, damaged, or not as the reader asks for.
    """
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {remedy}") from None
    except InputError:
        raise
    except Exception as error:  # a damaged or crafted file raises anything
        reason = " ".join(str(error.args[0] if error.args else error).split())[:200]
        raise InputError(f"{path}: not a whole file of its kind ({reason}); {remedy}") from None


def numbers(file: Any, name: Any) -> np.ndarray:
    """Read the dataset ``name``, or the one that a reference points to.

    Raises:
        KeyError: there is none.
        ValueError: it holds no numbers, more than a file of this size can, or lies in another file.
    """
    if isinstance(name, str) and not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise KeyError(f"has no {name}")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "biuf":
        raise ValueError(f"{name} holds no numbers")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{name} lies in another file")
    if dataset.nbytes > min(MAX_BYTES, SMALL_BYTES + DENSEST * dataset.id.get_storage_size()):
        raise ValueError(f"{name} announces more than the file holds, shape {dataset.shape}")
    return np.asarray(dataset)
