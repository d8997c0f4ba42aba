"""Pickles build arrays and containers, and nothing else."""

import collections
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from data_modules.sources.array_files import read_npy_object, read_npz_object, read_pickle
from mcss.errors import InputError
from tests.references.crafted_files import FLOAT, array

REFUSED = """
import resource
import sys
from pathlib import Path

from data_modules.sources.h36m.fetch_cameras import read_annotation
from data_modules.sources.mpi_inf_3dhp.raw import read_world_poses
from data_modules.sources.array_files import read_npy_object, read_npz_arrays, read_npz_object, read_pickle
from mcss.errors import InputError
from tests.references.crafted_files import ARRAYS, H5S, MATS, PICKLES, npz, objects

resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
CASES = [("pickle", name, content, read_pickle) for name, content in PICKLES.items()]
CASES += [("npy", name, objects(content), read_npy_object) for name, content in PICKLES.items()]
CASES += [("npy", name, content, read_npy_object) for name, content in ARRAYS.items()]
one_object = lambda path: read_npz_object(path, "positions_3d")
CASES += [("npz", name, npz(positions_3d=objects(content)), one_object) for name, content in PICKLES.items()]
CASES += [("npz", name, npz(positions_3d=content), one_object) for name, content in ARRAYS.items()]
plain = lambda path: read_npz_arrays(path, ("S",), "make it again")
CASES += [("npz", f"plain {name}", npz(S=content), plain) for name, content in ARRAYS.items()]
poses = lambda path: read_world_poses(path, {"0": None}, "0")
CASES += [("mat", name, content, poses) for name, content in MATS.items()]
CASES += [("h5", name, content, read_annotation) for name, content in H5S.items()]
for kind, name, content, read in CASES:
    path = Path(f"crafted.{kind}")
    path.write_bytes(content)
    try:
        read(path)
        print(f"READ {kind} {name}")
    except InputError as error:
        line, *others = str(error).splitlines()
        is_refused = line.startswith(str(path)) and not others and "emory" not in line and "allocate" not in line
        print("refused" if is_refused else f"{kind} {name}: {error}")
"""
"""Reads every crafted file and prints a line for each."""

CAMERAS = {("S1", "54138969"): {"R": np.eye(3), "f": np.array([[1145.0], [1144.0]]), "w": 1000, "id": np.str_("5")}}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_come_back(tmp_path, protocol):
    (tmp_path / "cameras.pkl").write_bytes(pickle.dumps(CAMERAS, protocol))
    (camera,) = read_pickle(tmp_path / "cameras.pkl").values()
    np.testing.assert_array_equal(camera["R"], np.eye(3))
    assert camera["id"] == "5"


def test_object_arrays_of_numpy_files_come_back(tmp_path):
    table = np.zeros(2, dtype=[("frame", "i2"), ("pose", "f4", (17, 3))])
    np.save(tmp_path / "labels.npy", {"table": table, "names": ["a"]})
    np.savez_compressed(tmp_path / "data.npz", positions_3d={"S1": {"Directions 1": np.ones((2, 32, 3))}})
    np.testing.assert_array_equal(read_npy_object(tmp_path / "labels.npy")["table"], table)
    assert read_npz_object(tmp_path / "data.npz", "positions_3d")["S1"]["Directions 1"].shape == (2, 32, 3)


class Shell:
    def __reduce__(self):
        return os.system, ("touch pwned",)


@pytest.mark.parametrize("content", [Shell(), collections.OrderedDict(), [np.ones(1), Shell()], print, getattr])
def test_anything_else_is_refused_and_not_run(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cameras.pkl").write_bytes(pickle.dumps(content))
    np.save(tmp_path / "labels.npy", {"table": content})
    np.savez(tmp_path / "data.npz", positions_3d={"table": content})
    for read in (
        lambda: read_pickle(tmp_path / "cameras.pkl"),
        lambda: read_npy_object(tmp_path / "labels.npy"),
        lambda: read_npz_object(tmp_path / "data.npz", "positions_3d"),
    ):
        with pytest.raises(InputError, match="it refers to"):
            read()
    assert not (tmp_path / "pwned").exists()


def test_damaged_files_are_refused(tmp_path):
    for name in ("cameras.pkl", "labels.npy", "data.npz"):
        (tmp_path / name).write_bytes(b"\x80\x04\x95 nothing")
    np.save(tmp_path / "plain.npy", np.ones(3))
    np.savez(tmp_path / "other.npz", other={"a": 1})
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    with (tmp_path / "two.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(np.array([{}, {}]), file)
    for read, message in (
        (lambda: read_pickle(tmp_path / "cameras.pkl"), "damaged"),
        (lambda: read_pickle(tmp_path / "gone.pkl"), "no such file"),
        (lambda: read_npy_object(tmp_path / "labels.npy"), "not a file of numpy.save"),
        (lambda: read_npy_object(tmp_path / "plain.npy"), "plain array"),
        (lambda: read_npy_object(tmp_path / "two.npy"), "several objects"),
        (lambda: read_npz_object(tmp_path / "data.npz", "positions_3d"), "not an npz file"),
        (lambda: read_npz_object(tmp_path / "other.npz", "positions_3d"), "not an npz file with positions_3d"),
    ):
        with pytest.raises(InputError, match=message):
            read()


def test_crafted_files_end_in_one_line_each(tmp_path):
    """In a process of its own, because what is prevented is its death."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", REFUSED], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.splitlines()) == {"refused"}
    assert not (tmp_path / "pwned").exists()


def test_bytes_of_python_2_and_arrays_of_values_come_back(tmp_path):
    """Array of two floats as Python 2 pickled it: its bytes are text."""
    by_python_2 = array(b"(I2\nt", FLOAT, b"S'" + b"\\x00" * 6 + b"\\xf0?" + b"\\x00" * 7 + b"@" + b"'\n")
    (tmp_path / "old.pkl").write_bytes(by_python_2)
    np.testing.assert_array_equal(read_pickle(tmp_path / "old.pkl"), [1.0, 2.0])
    values = np.empty((2, 1), dtype=object)
    values[:, 0] = [{"f": np.ones(2, dtype=">f4")}, ["a", 5]]
    (tmp_path / "values.pkl").write_bytes(pickle.dumps({"values": values, "turned": np.arange(6).reshape(2, 3).T}))
    read = read_pickle(tmp_path / "values.pkl")
    assert read["values"].shape == (2, 1)
    assert read["values"][0, 0]["f"].tolist() == [1, 1]
    assert read["values"][1, 0] == ["a", 5]
    assert read["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
