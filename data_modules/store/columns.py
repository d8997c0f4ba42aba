"""Columns of a mapped Arrow file as numpy arrays and as views of their cells."""

import bisect
import itertools

import numpy as np
import pyarrow as pa
from jaxtyping import Shaped


class BinaryColumn:
    """The cells of a chunked binary column as views of the mapped file; nothing is copied.

    Arrow's own buffers are sliced: a cell as one of its scalars costs six times as much, 8 us an image.
    """

    def __init__(self, column: pa.ChunkedArray) -> None:
        chunks = [chunk for chunk in column.chunks if len(chunk)]
        self._starts = list(itertools.accumulate((len(chunk) for chunk in chunks), initial=0))
        self._parts = [_offsets_and_data(chunk) for chunk in chunks]

    def __getitem__(self, row: int) -> memoryview:
        chunk = bisect.bisect_right(self._starts, row) - 1
        (offsets, data), cell = self._parts[chunk], row - self._starts[chunk]
        return data[offsets[cell] : offsets[cell + 1]]


def _offsets_and_data(chunk: pa.LargeBinaryArray) -> tuple[memoryview, memoryview]:
    _, offsets, data = chunk.buffers()
    return memoryview(offsets).cast("b").cast("q")[chunk.offset :], memoryview(data).cast("B").toreadonly()


def strings(column: pa.ChunkedArray) -> Shaped[np.ndarray, " rows"]:
    """Fixed-width strings, without a Python object a row."""
    encoded = column.dictionary_encode().combine_chunks()
    return np.array(encoded.dictionary.to_pylist())[encoded.indices.to_numpy()]


def vectors(column: pa.ChunkedArray) -> Shaped[np.ndarray, " values"]:
    """Values of all fixed-size lists one after the other; NaN where the list is null."""
    lists = column.type
    values = np.empty((len(column), lists.list_size), dtype=lists.value_type.to_pandas_dtype())
    start = 0
    for chunk in column.chunks:
        part = values[start : start + len(chunk)]
        part[:] = chunk.values.to_numpy(zero_copy_only=False).reshape(part.shape)
        part[chunk.is_null().to_numpy(zero_copy_only=False)] = np.nan
        start += len(chunk)
    return values.reshape(-1)
