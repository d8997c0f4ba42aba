"""Files of arrays that somebody else wrote: pickles, and npy and npz files; nothing in them is trusted.

What a file says about itself is compared with the bytes that it has, so that none exhausts the memory.
"""

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.sources.unpickle import unpickled
from mcss.errors import InputError

MAX_BYTES = 4 * 2**30
"""Of an unpacked file; no file of the data sets has a quarter of it."""


def read_pickle(path: Path) -> Any:
    """Read a pickle of arrays, numbers, text and containers, written by Python 2 or 3.

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
            with zipfile.ZipFile(file) as archive, archive.open(_member(archive, key)) as member:
                return _load_array(member, path).item()
        except InputError:
            raise
        except Exception as error:  # a damaged archive raises anything
            raise InputError(f"{path}: not an npz file with {key} ({_told(error)}); download it again") from None


def read_npz_arrays(path: Path, keys: tuple[str, ...], remedy: str) -> dict[str, np.ndarray]:
    """Read plain arrays of an ``.npz`` file.

    Raises:
        InputError: the file is missing or damaged, lacks a key, or an array is of objects or longer than its bytes.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            return {key: _read_plain(archive, key) for key in keys}
    except FileNotFoundError:
        raise InputError(f"{path}: missing; {remedy}") from None
    except Exception as error:  # a damaged archive raises anything
        raise InputError(f"{path}: not a whole annotation ({_told(error)}); {remedy}") from None


def _read_plain(archive: zipfile.ZipFile, key: str) -> np.ndarray:
    info = _member(archive, key)
    with archive.open(info) as member:
        shape, _, dtype = _header(member)
    if dtype.hasobject or min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > info.file_size:
        raise ValueError(f"{key} is of objects, or has fewer bytes than its shape {shape} says")
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _member(archive: zipfile.ZipFile, key: str) -> zipfile.ZipInfo:
    if f"{key}.npy" not in archive.namelist():
        raise ValueError(f"it has no {key}")
    info = archive.getinfo(f"{key}.npy")
    if info.file_size > MAX_BYTES:
        raise ValueError(f"{key} is unpacked {info.file_size / 2**30:.0f} GiB long")
    return info


def _open(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; download it or put it there") from None


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    return read[version](file)


def _load_array(file: Any, path: Path) -> np.ndarray:
    try:
        shape, _, dtype = _header(file)
    except Exception as error:  # a damaged header raises anything
        raise InputError(f"{path}: not a file of numpy.save ({_told(error)}); download it again") from None
    loaded = _load(file, path) if dtype.hasobject and shape == () else None
    if not isinstance(loaded, np.ndarray) or loaded.shape != ():
        raise InputError(
            f"{path}: holds a plain array or several objects, expected a pickled dictionary; is it another file?"
        )
    return loaded


def _load(file: Any, path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is longer than {MAX_BYTES / 2**30:.0f} GiB")
        return unpickled(file.read())
    except Exception as error:  # a damaged pickle raises anything
        raise InputError(
            f"{path}: not read, because it is damaged or more than arrays ({_told(error)}); "
            "get it from its official source"
        ) from None


def _told(error: Exception) -> str:
    """What an error says, in one short line."""
    return " ".join(str(error).split())[:200] or type(error).__name__
