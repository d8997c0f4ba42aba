import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from data_modules import store
from data_modules.sources.studio import build
from data_modules.sources.studio.build import clip_path
from data_modules.sources.studio.cameras import studio_cameras
from data_modules.sources.studio.config import PRESETS
from data_modules.store import open_store
from data_modules.store.writer import work_folder

TINY = PRESETS["tiny"]


def _images(path):
    tiny = open_store(path)
    return [bytes(tiny.jpeg(row)) for row in range(len(tiny))]


def test_the_store_has_every_view(tiny_store_path):
    tiny = open_store(tiny_store_path)
    assert len(tiny) == len(TINY.clips) * TINY.instants * 4 == 3 * 3 * 2 * 6 * 4
    assert tiny.meta.subjects_train == ("S1", "S5")
    assert tiny.meta.crop_size_px == 96
    assert tiny.has_pose.all()
    first = tiny.row(0)
    assert (first["subject"], first["action"], first["subaction"], first["frame"]) == ("S1", "Directions", 1, 0)
    times = np.unique(tiny.time_s)
    np.testing.assert_allclose(np.diff(times), TINY.instant_gap_s)


BUILD_TINY = """
import sys
from pathlib import Path
from data_modules.sources.studio.build import build_studio
from data_modules.sources.studio.config import PRESETS
from data_modules.store.writer import work_folder
build_studio(PRESETS["tiny"], Path(sys.argv[1]), workers=1, progress=False)
"""


def _kill_after(clips, path, folder):
    """Start a build in a process group of its own and kill it when ``clips`` are done; modification time of each."""
    process = subprocess.Popen([sys.executable, "-c", BUILD_TINY, str(path)], start_new_session=True)
    while len(list(folder.glob("*.npz"))) < clips:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return _modified(folder)


def _modified(folder):
    return {file.name: file.stat().st_mtime_ns for file in folder.glob("*.npz")}


def test_a_killed_build_goes_on_and_ends_with_the_same_bytes(tiny_store_path, tmp_path, monkeypatch):
    """Killed after some clips, then finished by two processes; the store to compare with was made by one at a time."""
    path, folder = tmp_path / "tiny", tmp_path / "tiny.partial"
    kept = _kill_after(3, path, folder)
    assert 3 <= len(kept) < len(TINY.clips)
    at_the_end = {}

    def write_store(*args):
        at_the_end.update(_modified(folder))
        store.write_store(*args)

    monkeypatch.setattr(build, "write_store", write_store)
    build.build_studio(TINY, path, workers=2, progress=False)
    assert kept.items() <= at_the_end.items()
    assert len(at_the_end) == len(TINY.clips)
    assert not folder.exists()
    assert _images(path) == _images(tiny_store_path)
    assert open_store(path).content_hash == open_store(tiny_store_path).content_hash


def test_a_whole_store_is_left_alone(tiny_store_path):
    before = (tiny_store_path / "store.json").stat().st_mtime_ns
    build.build_studio(TINY, tiny_store_path, progress=False)
    assert (tiny_store_path / "store.json").stat().st_mtime_ns == before


def test_clips_of_another_configuration_are_not_used(tmp_path):
    folder = work_folder(tmp_path / "store", TINY.fingerprint())
    clip_path(folder, TINY.clips[0]).write_bytes(b"of another configuration")
    assert work_folder(tmp_path / "store", TINY.fingerprint()) == folder
    assert clip_path(folder, TINY.clips[0]).exists()
    work_folder(tmp_path / "store", replace(TINY, seed=1).fingerprint())
    assert not clip_path(folder, TINY.clips[0]).exists()


def test_stores_older_than_the_second_site_are_still_what_they_were():
    assert PRESETS["studio"].fingerprint() == "7a6e460f337f7ae7"
    assert "site" not in PRESETS["studio"].recorded()
    assert PRESETS["studio-b"].recorded()["site"] == "b"


def test_the_sites_share_neither_people_nor_cameras():
    one, other = PRESETS["studio"], PRESETS["studio-b"]
    assert not set(one.subjects) & set(other.subjects)
    assert not set(studio_cameras(one)) & set(studio_cameras(other))


@pytest.mark.parametrize("change", [{"seed": 1}, {"crop_size_px": 64}, {"style_rad": 0.1}, {"site": "b"}])
def test_every_number_changes_the_fingerprint(change):
    assert replace(TINY, **change).fingerprint() != TINY.fingerprint()
