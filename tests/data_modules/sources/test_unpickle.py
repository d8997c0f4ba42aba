"""Pickles build arrays and containers, and nothing else."""

import collections
import os
import pickle

import numpy as np
import pytest

from data_modules.sources.unpickle import read_npy_object, read_npz_object, read_pickle
from mcss.errors import InputError

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
    for read, message in (
        (lambda: read_pickle(tmp_path / "cameras.pkl"), "damaged"),
        (lambda: read_pickle(tmp_path / "gone.pkl"), "no such file"),
        (lambda: read_npy_object(tmp_path / "labels.npy"), "not a file of numpy.save"),
        (lambda: read_npy_object(tmp_path / "plain.npy"), "plain array"),
        (lambda: read_npz_object(tmp_path / "data.npz", "positions_3d"), "not an npz file"),
        (lambda: read_npz_object(tmp_path / "other.npz", "positions_3d"), "not an npz file with positions_3d"),
    ):
        with pytest.raises(InputError, match=message):
            read()
