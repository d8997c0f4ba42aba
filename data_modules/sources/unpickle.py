"""Pickled arrays from elsewhere, read without running anything that they might contain.

Data sets are passed on as pickles (``cameras.pkl``, object arrays in npy and npz files). A pickle can call any function
while it is read, and numpy trusts the state that a pickle gives to an array. Here a pickle may consist of numbers,
text, lists, tuples, dictionaries and arrays; every array is made of the bytes in the file, after their number has been
compared with its shape and type.
"""

import io
import math
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

DTYPE = re.compile(r"[biufcSUV][1-9]\d{0,8}")
"""Kind and size of a type without objects, as numpy pickles it."""
KEYS = (str, bytes, int, float, type(None))
"""Types of a dictionary's keys, alone or in a tuple; hashing tuples in tuples has no limit of depth."""
OPCODES_REFUSED = (
    pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.PERSID, pickle.BINPERSID, pickle.EXT1,
    pickle.EXT2, pickle.EXT4, pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET, pickle.NEXT_BUFFER,
    pickle.READONLY_BUFFER,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Maker:
    """What a pickle may call."""

    make: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Pending:
    """A type or an array whose state has not been read yet."""

    finish: Callable[[tuple], Any]


class _ArrayUnpickler(pickle._Unpickler):
    """The unpickler in Python: the one in C sizes its memory by what the file claims."""

    stack: list[Any]
    memo: dict[int, Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]

    def find_class(self, module: str, name: str) -> Any:
        """Look up what the pickle refers to, if it may."""
        if re.fullmatch(r"numpy\._?core\.(multiarray|numeric)", module):
            module = "numpy.core"
        if (module, name) not in MAKERS:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}")
        return _Maker(MAKERS[module, name])

    def load_reduce(self) -> None:
        """Make what one of the known names makes; nothing else can be called."""
        arguments = self.stack.pop()
        maker = self.stack[-1]
        if not isinstance(maker, _Maker):
            raise pickle.UnpicklingError("it calls what makes no array")
        self.stack[-1] = maker.make(*arguments)

    def load_build(self) -> None:
        """Finish a type or an array; nothing else has a state."""
        state = self.stack.pop()
        pending = self.stack[-1]
        if not isinstance(pending, _Pending):
            raise pickle.UnpicklingError("it gives a state to what has none")
        self.stack[-1] = finished = pending.finish(state)
        for key in [key for key, value in self.memo.items() if value is pending]:
            self.memo[key] = finished

    def load_setitem(self) -> None:
        """Set one item of a dictionary."""
        value, key = self.stack.pop(), self.stack.pop()
        _set_items(self.stack[-1], [key, value])

    def load_setitems(self) -> None:
        """Set several items of a dictionary."""
        items = self.pop_mark()
        _set_items(self.stack[-1], items)

    def load_dict(self) -> None:
        """Make a dictionary of its items."""
        items = self.pop_mark()
        self.append(_set_items({}, items))

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **{code: load for code, load in pickle._Unpickler.dispatch.items() if bytes([code]) not in OPCODES_REFUSED},
        pickle.BYTEARRAY8[0]: pickle._Unpickler.dispatch[pickle.BINBYTES8[0]],  # it allots what the file claims
        pickle.REDUCE[0]: load_reduce,
        pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.DICT[0]: load_dict,
    }


def _set_items(target: Any, items: list) -> dict:
    if type(target) is not dict:
        raise pickle.UnpicklingError("it sets items of what is no dictionary")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not all(isinstance(part, KEYS) for part in (key if isinstance(key, tuple) else (key,))):
            raise pickle.UnpicklingError(f"a key of a dictionary is a {type(key).__name__} of other things than text")
        target[key] = value
    return target


def _pending_dtype(code: str, *_: Any) -> _Pending:
    def finish(state: tuple) -> np.dtype:
        version, order, subarray, names, fields, itemsize, _alignment, _flags = state
        if code == "O8":
            return np.dtype(object)
        if version != 3 or order not in ("<", ">", "|", "=") or not DTYPE.fullmatch(code):
            raise pickle.UnpicklingError(f"an array's type {code!r} is no number or text")
        if subarray is not None:
            base, shape = subarray
            _count(shape)
            return np.dtype((_plain(base), shape))
        if names is None:
            return np.dtype(code).newbyteorder(order)
        if not all(isinstance(name, str) for name in names):
            raise pickle.UnpicklingError("a field of an array's type is named otherwise than by text")
        formats, offsets = zip(*(fields[name] for name in names), strict=True)
        plain = [_plain(dtype) for dtype in formats]
        return np.dtype({"names": list(names), "formats": plain, "offsets": list(offsets), "itemsize": itemsize})

    return _Pending(finish)


def _plain(dtype: Any) -> np.dtype:
    """Refuse objects, and fields within fields, whose depth numpy does not limit."""
    if not isinstance(dtype, np.dtype) or dtype.hasobject or dtype.names or not dtype.itemsize:
        raise pickle.UnpicklingError("an array's type is made of other things than numbers and text")
    return dtype


def _pending_array(*_: Any) -> _Pending:
    def finish(state: tuple) -> np.ndarray:
        _, shape, dtype, is_fortran, content = state
        if isinstance(dtype, np.dtype) and dtype.hasobject:
            return _array_of_objects(shape, content, "F" if is_fortran else "C")
        return _array(content, dtype, shape, "F" if is_fortran else "C")

    return _Pending(finish)


def _array(content: bytes | str, dtype: Any, shape: Any, order: str) -> np.ndarray:
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        raise pickle.UnpicklingError("an array's type is not one of numbers or text")
    buffer = content.encode("latin1") if isinstance(content, str) else content  # by Python 2
    expected = _count(shape) * dtype.itemsize
    if not isinstance(buffer, bytes) or len(buffer) != expected:
        raise pickle.UnpicklingError(f"an array of shape {shape} is not {expected} bytes long")
    return np.ndarray(shape, dtype, buffer, order="F" if order == "F" else "C")


def _array_of_objects(shape: Any, content: Any, order: Any) -> np.ndarray:
    if type(content) is not list or len(content) != _count(shape):
        raise pickle.UnpicklingError(f"an array of shape {shape} is no list of as many values")
    array = np.empty(len(content), dtype=object)
    for index, value in enumerate(content):  # at once, numpy would unpack lists
        array[index] = value
    return array.reshape(shape, order=order)


def _count(shape: Any) -> int:
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise pickle.UnpicklingError("an array's shape is no tuple of counts")
    return math.prod(shape)


def _scalar(dtype: np.dtype, content: bytes | str) -> Any:
    return _array(content, dtype, (), "C").item()


def _encoded(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text in {encoding!r} for bytes")
    return text.encode("latin1")


MAKERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "dtype"): _pending_dtype,
    ("numpy.core", "_reconstruct"): _pending_array,
    ("numpy.core", "scalar"): _scalar,
    ("numpy.core", "_frombuffer"): _array,
    ("_codecs", "encode"): _encoded,  # how Python 3 reads the bytes of Python 2
    ("numpy", "ndarray"): _pending_array,  # named by _reconstruct
}
"""What makes the things that a pickle may refer to, by module and name; numpy's module has changed its name."""


def unpickled(content: bytes) -> Any:
    """Arrays, numbers, text and containers of a pickle, written by Python 2 or 3.

    Raises:
        Exception: of any kind; the pickle is damaged or refers to anything else.
    """
    return _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()
