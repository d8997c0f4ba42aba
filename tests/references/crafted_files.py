"""Files that are made to crash or to exhaust their reader: pickles, npy, npz, MATLAB v5 and HDF5 files."""

import io
import os
import pickle
import struct
import zipfile

import h5py
import numpy as np

RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
"""An array without a state, in protocol 0."""


def dtype(code, state):
    """A type of numpy whose state is given as protocol 0."""
    return b"cnumpy\ndtype\n(S'" + code + b"'\nI0\nI1\ntR" + state + b"b"


PLAIN = b"(I3\nS'<'\nNNNI-1\nI-1\nI0\nt"
FLOAT = dtype(b"f8", PLAIN)
OBJECT = dtype(b"O8", b"(I3\nS'|'\nNNNI-1\nI-1\nI63\nt")


def array(shape, dtype, content):
    """An array by its shape, type and content, each in protocol 0."""
    return RECONSTRUCT + b"(I1\n" + shape + dtype + b"I00\n" + content + b"tb."


POINTERS = b"S'" + b"A" * 16 + b"'\n"
OBJECT_FIELD = dtype(b"V8", b"(I3\nS'|'\nN(S'a'\nt(dS'a'\n(" + OBJECT + b"I0\ntsI8\nI1\nI0\nt")
NOT_MARKED_AS_OBJECT = dtype(b"O8", b"(I3\nS'|'\nNNNI8\nI1\nI0\nt")
TUPLES = b"N" + b"\x85" * 300_000


class Shell:
    def __reduce__(self):
        return os.system, ("touch pwned",)


PICKLES = {
    "objects of bytes": array(b"(I2\nt", OBJECT, POINTERS),
    "objects that the type's state hides": array(b"(I2\nt", NOT_MARKED_AS_OBJECT, POINTERS),
    "objects in a field": array(b"(I2\nt", OBJECT_FIELD, POINTERS),
    "type named otherwise than its state": array(b"(I2\nt", dtype(b"O8,f8", PLAIN), POINTERS),
    "more than its bytes": array(b"(L1000000000000L\nt", FLOAT, POINTERS),
    "negative shape": array(b"(I-2\nt", FLOAT, POINTERS),
    "overflowing shape": array(b"(L4294967296L\nL4294967296L\nt", FLOAT, b"S''\n"),
    "more objects than values": array(b"(L100000000000L\nt", OBJECT, b"(l"),
    "scalar of an object": b"cnumpy.core.multiarray\nscalar\n(" + OBJECT + b"S'AAAAAAAA'\ntR.",
    "buffer of objects": b"cnumpy.core.numeric\n_frombuffer\n(" + POINTERS + OBJECT + b"(I2\ntS'C'\ntR.",
    "state of a list": b"(l(I1\ntb.",
    "state of a finished array": array(b"(I2\nt", FLOAT, POINTERS)[:-1] + b"(I1\n(I9\nt" + OBJECT + b"I0\n(ltb.",
    "type with metadata": array(b"(I2\nt", dtype(b"f8", PLAIN[:-1] + b"(dt"), POINTERS),
    "state of a function": b"cnumpy.core.multiarray\nscalar\n(dS'__call__'\nNsb.",
    "shell": pickle.dumps(Shell()),
    "shell by another way": b"(S'touch pwned'\nios\nsystem\n.",
    "new object": pickle.dumps(Shell(), 2)[:2] + b"cnumpy\nndarray\n(I9\nt\x81.",
    "truncated": pickle.dumps({"R": np.eye(9)})[:-30],
    "tuples in tuples as a key": b"\x80\x02}" + TUPLES + b"K\x01s.",
    "tuples in tuples in a set": b"\x80\x04\x8f(" + TUPLES + b"\x90.",
    "tuples in tuples as a function": b"\x80\x02" + TUPLES + b")R.",
    "tuples in tuples as a field's name": array(
        b"(I2\nt", dtype(b"V8", b"(I3\nS'|'\nN(" + TUPLES + b"t}I8\nI1\nI0\nt"), POINTERS
    ),
    "far memo": b"\x80\x02Nr\xff\xff\xff\x7f(.",
    "long bytes": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x.",
    "long frame": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"N",
    "type in a type": array(b"(I2\nt", dtype(b"V8", b"(I3\nS'|'\n(" + OBJECT + b"(I1\nttNNI8\nI1\nI0\nt"), POINTERS),
    "nothing": b"",
}  # fmt: skip


def npy(header, content=b"", major=1):
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY" + bytes([major, 0]) + struct.pack("<H" if major == 1 else "<I", len(text)) + text + content


def objects(content):
    """``content`` as numpy would store one pickled object."""
    return npy("{'descr': '|O', 'fortran_order': False, 'shape': ()}", content)


ARRAYS = {
    "objects": npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", POINTERS),
    "more than its bytes": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", b"abc"),
    "negative shape": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", b"abcdefgh"),
    "objects in a field": npy("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}", POINTERS),
    "brackets": npy("(" * 8000),
    "truncated": b"\x93NUMPY\x01\x00\xff",
    "another version": npy("{}", major=9),
}
"""Content of npy files, or of the members of npz files, that are to hold plain arrays."""


def npz(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def element(kind, content):
    padded = content + b"\0" * (-len(content) % 8)
    return struct.pack("<II", kind, len(content)) + padded


def matrix_head(matrix_class, shape=(1, 1)):
    flags = element(6, struct.pack("<II", matrix_class, 0))
    return flags + element(5, struct.pack("<ii", *shape)) + element(1, b"annot3")


def mat(content):
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + content


def nested_cells(depth):
    head = matrix_head(1)
    sizes = [(depth - level) * (len(head) + 8) - 8 for level in range(depth)]
    return b"".join(struct.pack("<II", 14, size) + head for size in sizes)


def cell(*children, shape=(14, 1)):
    return element(14, matrix_head(1, shape) + b"".join(children))


MATS = {
    "cells in cells": mat(nested_cells(100_000)),
    "no cells": mat(element(14, matrix_head(6) + element(9, bytes(8)))),
    "objects": mat(cell(*[element(14, matrix_head(3) + element(9, bytes(8)))] * 14)),
    "negative shape": mat(cell(*[element(14, matrix_head(6, (-1, 84)) + element(9, bytes(672)))] * 14)),
    "more than its bytes": mat(cell(*[element(14, matrix_head(6, (2**31 - 1, 84)) + element(9, bytes(8)))] * 14)),
    "long element": mat(struct.pack("<II", 14, 2**32 - 1) + matrix_head(1)),
    "damaged compression": mat(element(15, b"x\x9c annot3 nothing of the kind")),
    "empty cells": mat(cell()),
    "truncated": mat(b"")[:60],
}


def _more_than_it_holds(file):
    file.create_dataset("camera", shape=(10**12,), chunks=(1024,), dtype="f8", fillvalue=1.0)


def _objects(file):
    file.create_dataset("camera", data=["a"] * 3, dtype=h5py.string_dtype())


def _references(file):
    file["frame"] = np.ones(3)
    file.create_dataset("camera", data=[file["frame"].ref] * 3, dtype=h5py.ref_dtype)


def _lies_elsewhere(file):
    file.create_dataset("camera", shape=(8,), dtype="u1", external=[("/etc/hostname", 0, 8)])


def _link_to_another_file(file):
    file["camera"] = h5py.ExternalLink("/etc/hostname", "/camera")


def _link_to_itself(file):
    file["camera"] = h5py.SoftLink("/camera")


def _virtual(file):
    layout = h5py.VirtualLayout(shape=(8,), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/hostname", "camera", shape=(8,))
    file.create_virtual_dataset("camera", layout)


def _folder_instead(file):
    file.create_group("camera")


def h5(write):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    return buffer.getvalue()


H5S = {
    write.__name__.strip("_").replace("_", " "): h5(write)
    for write in (
        _more_than_it_holds, _objects, _references, _lies_elsewhere, _link_to_another_file, _link_to_itself, _virtual,
        _folder_instead,
    )
}  # fmt: skip
H5S["truncated"] = H5S["objects"][:600]
H5S["damaged"] = H5S["objects"][:200] + b"\xff" * 400 + H5S["objects"][600:]
H5S["something else"] = b"Dear colleague,\n" * 99
