import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from data_modules import build
from data_modules.sources.studio.cameras import studio_cameras
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.source import build_studio
from data_modules.store import open_store
from mcss.errors import InputError

pytestmark = pytest.mark.slow

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
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.source import build_studio
build_studio(PRESETS["tiny"], Path(sys.argv[1]), workers=1, progress=False)
"""


def _kill_after(clips, path, folder):
    """Start a build in a process group of its own and kill it when ``clips`` are done; modification time of each."""
    process = subprocess.Popen([sys.executable, "-c", BUILD_TINY, str(path)], start_new_session=True)
    while len(list(folder.rglob("*.json"))) < clips:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return _modified(folder)


def _modified(folder):
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*.json")}


def test_a_killed_build_goes_on_and_ends_with_the_same_bytes(tiny_store_path, tmp_path, monkeypatch):
    """Killed after some clips, then finished; the store to compare with was made in one go."""
    path, folder = tmp_path / "tiny", tmp_path / "tiny.partial"
    kept = _kill_after(3, path, folder)
    assert 3 <= len(kept) < len(TINY.clips)
    at_the_end = {}

    write_store = build.write_store

    def watched(*args):
        at_the_end.update(_modified(folder))
        write_store(*args)

    monkeypatch.setattr(build, "write_store", watched)
    build_studio(TINY, path, workers=1, progress=False)
    assert kept.items() <= at_the_end.items()
    assert len(at_the_end) == len(TINY.clips)
    assert not folder.exists()
    assert _images(path) == _images(tiny_store_path)
    assert open_store(path).content_hash == open_store(tiny_store_path).content_hash


def test_a_whole_store_is_left_alone(tiny_store_path):
    before = (tiny_store_path / "store.json").stat().st_mtime_ns
    changes = build_studio(TINY, tiny_store_path, progress=False)
    assert not changes.is_new
    assert (tiny_store_path / "store.json").stat().st_mtime_ns == before


def test_a_store_of_another_configuration_is_not_replaced_unasked(tiny_store_path):
    with pytest.raises(InputError, match=r"holds other data \(it differs in fingerprint, seed\); remove it or choose"):
        build_studio(replace(TINY, seed=1), tiny_store_path, progress=False)


def test_stores_older_than_the_second_site_are_still_what_they_were():
    assert "site" not in PRESETS["studio"].recorded()
    assert PRESETS["studio-b"].recorded()["site"] == "b"


def test_the_sites_share_neither_people_nor_cameras():
    one, other = PRESETS["studio"], PRESETS["studio-b"]
    assert not set(one.subjects) & set(other.subjects)
    assert not set(studio_cameras(one)) & set(studio_cameras(other))


@pytest.mark.parametrize("change", [{"seed": 1}, {"crop_size_px": 64}, {"style_rad": 0.1}, {"site": "b"}])
def test_every_number_changes_the_fingerprint(change):
    assert replace(TINY, **change).fingerprint() != TINY.fingerprint()
