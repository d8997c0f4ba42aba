import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from data_modules import build
from data_modules.sources.studio.cast import draw_person
from data_modules.sources.studio.clips import Studio
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.fingerprints import _person as people
from data_modules.sources.studio.fingerprints import clip_fingerprint
from data_modules.sources.studio.garments import GARMENTS
from data_modules.sources.studio.poses import KEY_POSES, SCRIPTS
from data_modules.sources.studio.source import build_studio
from data_modules.store import open_store
from data_modules.store.masks import decode_mask
from mcss.errors import InputError

pytestmark = pytest.mark.slow

TINY = PRESETS["tiny"]


def _images(path):
    tiny = open_store(path)
    return [(bytes(tiny.jpeg(row)), bytes(tiny.row(row)["mask"])) for row in range(len(tiny))]


def test_the_store_has_every_view(tiny_store_path):
    tiny = open_store(tiny_store_path)
    assert len(tiny) == len(TINY.clips) * TINY.instants * 4 == 3 * 3 * 2 * 6 * 4
    assert tiny.meta.subjects_train == ("S1", "S5")
    assert tiny.meta.crop_size_px == 96
    assert tiny.has_pose.all()
    first = tiny.row(0)
    assert (first["subject"], first["action"], first["subaction"], first["frame"]) == ("S1", "Directions", 1, 0)
    assert tiny.meta.source.endswith("everything in it is drawn from seed 0")
    assert all(first_mask.any() for first_mask in (decode_mask(tiny.row(row)["mask"], 96) for row in (0, 100, 431)))
    times = np.unique(tiny.time_s)
    np.testing.assert_allclose(np.diff(times), TINY.instant_gap_s)


BUILD_TINY = """
import sys
from pathlib import Path
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.fingerprints import _person as people
from data_modules.sources.studio.fingerprints import clip_fingerprint
from data_modules.sources.studio.garments import GARMENTS
from data_modules.sources.studio.poses import KEY_POSES, SCRIPTS
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
    with pytest.raises(InputError, match=r"holds other data \(it differs in seed\); remove it or choose"):
        build_studio(replace(TINY, seed=1), tiny_store_path, progress=False)


def test_other_people_in_another_place():
    one, other = PRESETS["studio"], PRESETS["studio-b"]
    assert not set(one.subjects) & set(other.subjects)
    assert not set(one.cameras) & set(other.cameras)
    assert one.seed != other.seed


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"crop_size_px": 64}, {"instants": 7}, {"cameras": ("a", "b")}, {"minutes": 3.0}]
)
def test_settings_of_all_clips_change_every_fingerprint(change):
    before, after = fingerprints(TINY), fingerprints(replace(TINY, **change))
    train = [clip for clip in before if clip[0] != "S9"]
    assert not any(before[clip] == after[clip] for clip in train)


def fingerprints(config):
    return {clip: clip_fingerprint(config, clip) for clip in config.clips}


def test_more_people_actions_and_repetitions_change_no_clip_that_was_there():
    more = replace(TINY.with_people(3), actions=(*TINY.actions, "Posing"), subactions=3, name="more")
    assert fingerprints(TINY).items() <= fingerprints(more).items()


def test_a_new_garment_or_action_changes_only_clips_that_use_it(monkeypatch):
    """The tables grow; the presets that do not list what is new keep every clip, and those that do change few."""
    before = fingerprints(TINY)
    monkeypatch.setitem(GARMENTS, "cape", GARMENTS["t-shirt"])
    monkeypatch.setitem(SCRIPTS, "Dancing", SCRIPTS["Posing"])
    monkeypatch.setitem(KEY_POSES, "spin", KEY_POSES["stand"])
    people.cache_clear()
    assert fingerprints(TINY) == before
    wider = PRESETS["studio"].with_people(12)
    listed = replace(wider, garments=(*wider.garments, "cape"), actions=(*wider.actions, "Dancing"))
    old, new = fingerprints(wider), fingerprints(listed)
    looks = [{subject: draw_person(c, subject).look for subject in wider.subjects} for c in (wider, listed)]
    dressed_anew = {subject for subject in wider.subjects if looks[0][subject] != looks[1][subject]}
    changed = {clip[0] for clip in old if old[clip] != new[clip]}
    assert changed == dressed_anew
    assert 0 < len(changed) < 6


def test_a_changed_key_pose_changes_the_clips_that_play_it(monkeypatch):
    before = fingerprints(TINY)
    monkeypatch.setitem(KEY_POSES, "point_up", KEY_POSES["stand"])
    after = fingerprints(TINY)
    assert {clip[1] for clip in before if before[clip] != after[clip]} == {"Directions"}


def test_minutes_are_spread_over_the_clips_of_training_people():
    config = replace(PRESETS["studio"], minutes=2.0)  # 120 s over 30 clips, an instant every 0.4 s
    assert [config.instants_of(subject) for subject in ("S1", "S9")] == [10, 40]
    with pytest.raises(InputError, match="--minutes counts the written actions; leave it out beside --motion"):
        replace(config, motion="somewhere")


def test_clocks_of_cameras_are_off_by_whole_frames():
    with pytest.raises(InputError, match="--sync-error 50: choose 0 or a multiple of 40 ms"):
        replace(TINY, sync_error_ms=50.0)


def test_unsynchronised_cameras_see_other_moments_under_the_same_label():
    """With instants 40 ms apart and clocks half of 80 ms off, each view is a neighbouring instant's."""
    config = replace(TINY, frame_step=2, instants=5, crop_jitter=0.0)
    clip = ("S1", "Walking", 1)
    exact = list(Studio(config, ["S1"]).instants(*clip))
    off = list(Studio(replace(config, sync_error_ms=80.0), ["S1"]).instants(*clip))
    shifts = []
    for number in (1, 2, 3):
        np.testing.assert_allclose(off[number].pose_world, exact[number].pose_world, atol=1e-6)
        for view in range(4):
            squares = np.array([instant.views[view].image.square for instant in exact])
            shift = np.abs(squares - off[number].views[view].image.square).max(axis=1).argmin() - number
            assert off[number].views[view].image.mask == exact[number + shift].views[view].image.mask
            shifts.append(shift)
    assert set(shifts) == {-1, 1}
    assert shifts[:4] == shifts[4:8] == shifts[8:]
    assert replace(config, sync_error_ms=80.0).sync_error_of("S9") == 0
