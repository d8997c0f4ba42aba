"""Cells of numbers in MATLAB's v5 files, read without trusting the file.

scipy's reader calls itself once for every cell within a cell and overflows the stack of a crafted file. The data set
needs a column of matrices of real numbers and nothing else. Format: MathWorks, "MAT-File Format", level 5.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_modules.sources.array_files import MAX_BYTES

HEADER_BYTES, TAG_BYTES = 128, 8
MATRIX, COMPRESSED = 14, 15
NUMBERS = {1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
"""numpy's type by the type of an element."""
CELL, NUMERIC = 1, range(6, 16)
"""Classes of a matrix."""
NAME_WITHIN = 256
"""Bytes of a variable that its name lies within."""


def read_mat_cells(path: Path, name: str) -> list[np.ndarray]:
    """Matrices of the cell array ``name``, in the order of the file.

    Raises:
        ValueError: the file is damaged, or ``name`` is missing or no cell array of real matrices.
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    if content[124:128] != b"\x00\x01IM":
        raise ValueError("not a MATLAB v5 file")
    for kind, payload in _elements(content[HEADER_BYTES:]):
        head = zlib.decompressobj().decompress(payload, NAME_WITHIN) if kind == COMPRESSED else b""
        if kind == COMPRESSED and name.encode() in head:
            kind, payload = next(_elements(zlib.decompressobj().decompress(payload, MAX_BYTES)))
        if kind == MATRIX and name.encode() in payload[:NAME_WITHIN]:
            matrix_class, _, found, *cells = _matrix(payload)
            if found == name.encode() and matrix_class == CELL:
                return [_numbers(cell) for cell in cells]
    raise ValueError(f"has no cell array {name}")


def _matrix(payload: bytes) -> tuple:
    """Class, shape and name of a matrix, and what its elements hold."""
    (_, flags), (_, shape), (_, name), *rest = _elements(payload)
    return (flags[0], tuple(np.frombuffer(shape, "<i4").tolist()), name, *rest)


def _numbers(element: tuple[int, bytes]) -> np.ndarray:
    kind, payload = element
    if kind != MATRIX:
        raise ValueError("a cell is no matrix")
    matrix_class, shape, _, *parts = _matrix(payload)
    if matrix_class not in NUMERIC or len(parts) != 1 or parts[0][0] not in NUMBERS or min(shape) < 0:
        raise ValueError("a cell holds other things than real numbers")
    return np.frombuffer(parts[0][1], NUMBERS[parts[0][0]]).reshape(shape, order="F")


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each element."""
    view, offset = memoryview(content), 0
    while offset + TAG_BYTES <= len(view):
        kind, size = struct.unpack_from("<II", view, offset)
        start = offset + TAG_BYTES
        if kind >> 16:  # up to four bytes lie in the tag itself
            kind, size, start = kind & 0xFFFF, kind >> 16, offset + 4
        end = start + size
        if end > len(view):
            raise ValueError("an element ends behind the end of the file")
        yield kind, bytes(view[start:end])
        offset = end if kind == COMPRESSED else (end + 7) // 8 * 8
