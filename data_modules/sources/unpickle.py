"""Pickled arrays from elsewhere, read without running anything that they might contain.

Data sets are passed on as pickles (`cameras.pkl`, object arrays in npy and npz files), and a pickle can call any
function while it is read. Here it may build numpy arrays and Python's own containers and nothing else.
"""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from mcss.errors import InputError

ALLOWED = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("_codecs", "encode"),  # how Python 3 reads the bytes of Python 2
    *(
        (f"numpy.{core}.{module}", name)
        for core in ("core", "_core")
        for module, name in (("multiarray", "_reconstruct"), ("multiarray", "scalar"), ("numeric", "_frombuffer"))
    ),
    *(("builtins", name) for name in ("set", "frozenset", "complex", "slice", "range", "bytearray")),
}
"""(module, name) of everything that a pickle may refer to."""


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Look up what the pickle refers to, if it may."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}")
        return super().find_class(module, name)


def read_pickle(path: Path) -> Any:
    """Read a pickle of numpy arrays and builtins, written by Python 2 or 3.

    Raises:
        InputError: the file is missing or damaged, or refers to anything else.
    """
    with _open(path) as file:
        return _load(file, path)


def read_npy_object(path: Path) -> Any:
    """Read the one object of a ``.npy`` file that ``numpy.save`` pickled.

    Raises:
        InputError: the file is missing or damaged, or refers to anything but arrays and builtins.
    """
    with _open(path) as file:
        return _load_array(file, path).item()


def read_npz_object(path: Path, key: str) -> Any:
    """Read the one object under ``key`` of an ``.npz`` file that ``numpy.savez`` pickled.

    Raises:
        InputError: the file is missing or damaged, lacks the key, or refers to anything but arrays and builtins.
    """
    with _open(path) as file:
        try:
            with zipfile.ZipFile(file) as archive, archive.open(f"{key}.npy") as member:
                return _load_array(member, path).item()
        except (zipfile.BadZipFile, KeyError) as error:
            raise InputError(f"{path}: not an npz file with {key} ({error}); download it again") from None


def _open(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; download it or put it there") from None


def _load_array(file: Any, path: Path) -> np.ndarray:
    try:
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read_header[version](file)
    except (ValueError, KeyError) as error:
        raise InputError(f"{path}: not a file of numpy.save ({error}); download it again") from None
    if not dtype.hasobject or shape != ():
        raise InputError(f"{path}: holds a plain array, expected a pickled dictionary; is it another file?")
    return np.asarray(_load(file, path), dtype=object)


def _load(file: Any, path: Path) -> Any:
    try:
        return _ArrayUnpickler(file, encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises anything
        raise InputError(
            f"{path}: not read, because it is damaged or more than arrays ({error}); get it from its official source"
        ) from None
