"""Lags between clocks: sound and light made here, with the lag put in."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from data_modules.cli import main
from data_modules.sources.footage.recordings import on_shared_clock
from data_modules.sources.footage.sync import Lag, flash_lag, sound_lag
from data_modules.sources.footage.sync_clip import _offsets
from data_modules.sources.footage.sync_likeness import (
    LEAST_LEAD,
    Likeness,
    embedding_trace,
    likeness,
    most_alike,
    motion_trace,
)
from data_modules.sources.footage.sync_signals import BANDS, SOUND_HZ, Light, Seen, Sound, in_bands
from data_modules.sources.footage.videos import Videos
from data_modules.sources.studio import sound as scene
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.rehearsal import Shoot, film_views
from tests.references.video_files import write_video

pytestmark = pytest.mark.slow

FRAME_S = 1 / 30


def recorded(duration_s, start_s, drift_ppm, rng, heard):
    own_s = np.arange(int(duration_s * scene.SOUND_HZ)) / scene.SOUND_HZ
    samples = scene.heard(heard, start_s + own_s / (1 + 1e-6 * drift_ppm), rng)
    return Sound(resample_poly(samples, 1, scene.SOUND_HZ // SOUND_HZ), 0.0)


@pytest.mark.parametrize(("seed", "duration_s"), [(0, 8), (1, 8), (2, 12), (3, 60)])
def test_sound_tells_offset_and_drift(seed, duration_s):
    rng = np.random.default_rng(seed)
    heard = scene.scene_sound(rng, duration_s + 4.0, 2.5)
    starts, drifts = rng.uniform(0, 2, 2), rng.uniform(-50, 50, 2)
    a, b = (recorded(duration_s, *clock, rng, heard) for clock in zip(starts, drifts, strict=True))
    lag = sound_lag(a, b)
    assert lag.lag_s == pytest.approx(starts[0] - starts[1], abs=FRAME_S / 10)
    if duration_s < 30:
        assert lag.drift_ppm is None
    else:
        assert lag.drift_ppm == pytest.approx(drifts[1] - drifts[0], abs=8)


def test_a_clap_tells_and_other_sounds_and_noise_do_not():
    rng = np.random.default_rng(0)
    a, b = (recorded(8, 0, 0, rng, scene.scene_sound(rng, 8.0, 2.5)) for _ in range(2))
    assert sound_lag(a, b) is None
    clap = np.zeros(8 * scene.SOUND_HZ)
    clap[100_000:100_500] = rng.normal(size=500)
    lag = sound_lag(*(recorded(8, start_s, 0, rng, clap) for start_s in (0.5, 0.2)))
    assert lag.lag_s == pytest.approx(0.3, abs=1e-3)  # a single clap is enough
    noise = [Sound(rng.normal(size=8 * SOUND_HZ), 0.0) for _ in range(2)]
    assert sound_lag(*noise) is None


def moved(fps, start_s, rng, activity, duration_s=10.0):
    """Motion of a camera that starts later, in one of the bands, with noise in all of them."""
    time_s = np.arange(int(duration_s * fps)) / fps
    moving = np.abs(rng.normal(0, 0.005, (len(time_s), BANDS)))
    moving[:, 2] += np.interp(time_s + start_s, *activity) * rng.uniform(0.6, 1.4)
    return Light(time_s, moving, np.full(len(time_s), 90.0))


def lag_between(one, other):
    """Lag of two traces, or None if it does not stand out."""
    lag, lead = most_alike([likeness(one, other)], one.by)
    return lag if lead >= LEAST_LEAD else None


def test_motion_tells_the_offset_of_cameras_of_other_rates_and_clocks():
    rng = np.random.default_rng(1)
    grid = np.arange(0, 13, 0.2)
    activity = grid, 0.5 * rng.uniform(0, 1, len(grid)) ** 2
    a, b = moved(30, 0.4, rng, activity), moved(24, 1.7, rng, activity)
    lag = lag_between(motion_trace(a), motion_trace(b))
    assert (lag.lag_s, lag.by) == (pytest.approx(0.4 - 1.7, abs=1 / 24), "motion")
    later = motion_trace(Light(b.time_s + 5, b.moving, b.brightness))
    assert lag_between(motion_trace(a), later).lag_s == pytest.approx(lag.lag_s + 5)
    assert lag_between(later, motion_trace(a)).lag_s == pytest.approx(-lag.lag_s - 5)


def test_a_still_person_and_endless_repetition_tell_nothing():
    rng = np.random.default_rng(2)
    assert motion_trace(Light(np.arange(90) / 30, np.full((90, BANDS), 0.002), np.full(90, 90.0))) is None
    grid = np.arange(0, 13, 0.05)
    steps = grid, 0.5 * (1 + np.sin(2 * np.pi * grid))
    assert lag_between(*(motion_trace(moved(30, start_s, rng, steps)) for start_s in (0.0, 0.3))) is None


def test_noise_in_the_pictures_of_somebody_still_tells_nothing():
    rng = np.random.default_rng(3)
    still = np.arange(2.0) * 20, np.zeros(2)
    assert lag_between(*(motion_trace(moved(30, start_s, rng, still)) for start_s in (0.0, 1.0))) is None


def test_bands_have_as_much_motion_each_and_keep_all_of_it():
    rows = np.zeros((4, 64))
    rows[:, 16:48] = np.arange(1, 5)[:, None]
    np.testing.assert_array_equal(in_bands(rows), np.full((4, BANDS), 4) * np.arange(1, 5)[:, None])
    assert in_bands(np.zeros((4, 3))).shape == (4, BANDS)


def peaks(*places_s):
    """Likeness with equal peaks at these lags."""
    lag_s = np.arange(-200, 201) / 50
    values = sum(np.exp(-(((lag_s - place) / 0.05) ** 2)) for place in places_s)
    return Likeness(lag_s, 0.8 * values, 3 * values)


def test_what_one_camera_leaves_open_several_tell_together():
    pairs = {("a", "b"): Lag(0.5, None, "motion", 0.9), ("a", "c"): None, ("b", "c"): None}
    alike = {("a", "c"): ([peaks(1.0, 2.0)], "motion"), ("b", "c"): ([peaks(0.5, 3.0)], "motion")}
    assert most_alike(*alike["a", "c"])[1] < LEAST_LEAD
    offsets = _offsets(["a", "b", "c"], pairs, alike)
    assert offsets["c"].lag_s == pytest.approx(1.0, abs=1e-3)
    alike["b", "c"] = [peaks(0.5, 1.5)], "motion"  # still either of two
    assert _offsets(["a", "b", "c"], pairs, alike).keys() == {"a", "b"}


def embedded(fps, start_s, rng, poses, duration_s=10.0):
    """Unit vectors that follow ``poses`` (times, vectors), with a camera's own shift and noise."""
    time_s = np.arange(int(duration_s * fps)) / fps
    vectors = np.stack([np.interp(time_s + start_s, poses[0], column) for column in poses[1].T], axis=1)
    vectors += 2 * rng.normal(size=vectors.shape[1]) + rng.normal(0, 0.3, vectors.shape)
    return Seen(time_s, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_embeddings_tell_the_offset_to_a_part_of_a_frame_and_unlike_or_repeated_ones_do_not():
    rng = np.random.default_rng(4)
    times = np.arange(0, 14, 0.4)
    poses = times, rng.normal(size=(len(times), 16))
    a, b = (embedding_trace(embedded(*clock, rng, poses)) for clock in ((30, 0.40), (25, 1.713)))
    lag = lag_between(a, b)
    assert (lag.lag_s, lag.by) == (pytest.approx(0.40 - 1.713, abs=0.01), "embeddings")
    other = times, rng.normal(size=(len(times), 16))
    assert lag_between(a, embedding_trace(embedded(25, 1.713, rng, other))) is None
    steps = times, np.stack([np.sin(2 * np.pi * times), np.cos(2 * np.pi * times)], axis=1)
    assert lag_between(*(embedding_trace(embedded(30, start_s, rng, steps)) for start_s in (0.0, 0.3))) is None
    assert embedding_trace(Seen(np.zeros(0), np.zeros((0, 16)))) is None


def lit(flashes, fps=25, frames=100):
    brightness = 80 + np.random.default_rng(len(flashes)).normal(0, 0.1, frames)
    for frame in flashes:
        brightness[frame : frame + 2] += 30
    return Light(np.arange(frames) / fps, np.zeros((frames, BANDS)), brightness)


def test_one_flash_tells_and_two_or_none_do_not():
    lag = flash_lag(lit([20]), lit([70], fps=50))
    assert (lag.lag_s, lag.by) == (pytest.approx(70 / 50 - 20 / 25), "flash")
    assert flash_lag(lit([20]), lit([10, 60])) is None
    assert flash_lag(lit([20]), lit([])) is None


def test_offsets_follow_the_lags_between_cameras_and_leave_out_who_has_none():
    pairs = {
        ("a", "b"): None,
        ("a", "c"): Lag(1.0, 10.0, "sound", 0.9),
        ("a", "d"): None,
        ("b", "c"): Lag(0.25, 4.0, "motion", 0.7),
        ("b", "d"): None,
        ("c", "d"): None,
    }
    offsets = _offsets(["a", "b", "c", "d"], pairs, {})
    assert offsets.keys() == {"a", "b", "c"}
    assert offsets["b"].lag_s == pytest.approx(0.75, abs=1e-4)
    assert offsets["b"].drift_ppm == pytest.approx(6.0)


def test_a_drift_stretches_the_clock():
    shared = on_shared_clock(np.array([2.0, 1002.0]), {"offset_s": "2", "drift_ppm": "100"}, Path("video"))
    np.testing.assert_allclose(shared, [0, 1000 / 1.0001])


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sync") / "views"
    film_views(PRESETS["tiny"], [("S1", "Walking", 1)], folder, Shoot((32, 18), 4.0))
    return folder


def table(path):
    with path.open(newline="") as file:
        return {row["video"]: row for row in csv.DictReader(file)}


def test_the_command_finds_the_offsets_of_rehearsal_footage(rehearsal, capsys):
    (rehearsal / "sync.csv").unlink(missing_ok=True)
    main(["sync", str(rehearsal)])
    found, truth = table(rehearsal / "sync.csv"), table(rehearsal / "truth" / "sync.csv")
    assert found.keys() == truth.keys()
    for video, row in truth.items():
        assert float(found[video]["offset_s"]) == pytest.approx(float(row["offset_s"]), abs=FRAME_S)
    assert "by sound" in capsys.readouterr().out


def test_what_is_written_stays_and_is_compared(rehearsal, capsys):
    truth = table(rehearsal / "truth" / "sync.csv")
    first, second, *_ = truth
    wrong = float(truth[second]["offset_s"]) + 0.5
    rows = f"video,offset_s,note\n{first},10,x\n{second},{wrong + 10},\n"
    (rehearsal / "sync.csv").write_text(rows)
    main(["sync", str(rehearsal)])
    assert "check the offsets" in capsys.readouterr().out
    found = table(rehearsal / "sync.csv")
    assert (found[first]["offset_s"], found[first]["note"]) == ("10", "x")
    for video, row in list(truth.items())[2:]:
        assert float(found[video]["offset_s"]) == pytest.approx(float(row["offset_s"]) + 10, abs=FRAME_S)


def test_an_import_warns_of_offsets_that_the_sound_contradicts(rehearsal, tmp_path):
    truth = table(rehearsal / "truth" / "sync.csv")
    lines = {}
    for name, wrong_s in (("right", 0.0), ("wrong", 0.2)):
        views = shutil.copytree(rehearsal, tmp_path / name)
        source = Videos(views)
        (clip,) = source.clips()
        second = source.cameras(clip)[1]
        rows = [f"{v},{float(row['offset_s']) + wrong_s * v.endswith(second)}" for v, row in truth.items()]
        (views / "sync.csv").write_text("\n".join(["video,offset_s", *rows]))
        boxes = [f"{v},0,1,1,9,16" for v in truth]  # the pictures are too small to find anybody in them
        (views / "boxes.csv").write_text("\n".join(["video,frame,left,top,width,height", *boxes]))
        remarks = source.remarks(clip, source.cameras(clip))
        lines[name] = [remark.line for remark in remarks if "check the offsets" in remark.line]
    assert lines["right"] == []
    assert len(lines["wrong"]) == 3
    assert all(second in line for line in lines["wrong"])


def test_a_network_tells_where_the_amount_of_motion_does_not(tmp_path, monkeypatch, capsys):
    """Silent videos of somebody still; a stand-in for the network knows when each picture was taken."""
    rng = np.random.default_rng(0)
    times = np.arange(0, 14, 0.4)
    poses, shown = rng.normal(size=(len(times), 8)), {}

    class Embedder:
        def __init__(self, checkpoint):
            assert checkpoint == Path("x.ckpt")

        def embed(self, recording, track, pictures):
            now_s = recording.time_s[pictures] + shown[recording.camera]
            return np.stack([np.interp(now_s, times, column) for column in poses.T], axis=1)

    monkeypatch.setattr("data_modules.sources.footage.embeddings.Embedder", Embedder)
    for camera, start_s in (("a", 0.2), ("b", 1.0)):
        shown[camera] = start_s
        write_video(tmp_path / "S1/walk" / f"{camera}.mp4", [np.full((36, 64, 3), 120, dtype=np.uint8)] * 150, fps=25)
    boxes = [f"S1/walk/{camera},0,1,1,20,50" for camera in "ab"]
    (tmp_path / "boxes.csv").write_text("\n".join(["video,frame,left,top,width,height", *boxes]))
    main(["sync", str(tmp_path), "--ckpt", "x.ckpt"])
    assert "b shows -0.800 s when a shows 0, by embeddings" in capsys.readouterr().out
    assert float(table(tmp_path / "sync.csv")["S1/walk/b"]["offset_s"]) == pytest.approx(-0.8, abs=0.005)


def test_what_cannot_be_told_is_said_and_not_written(tmp_path, capsys):
    grey = [np.full((36, 64, 3), 120, dtype=np.uint8)] * 60
    for camera in "ab":
        write_video(tmp_path / "S1" / "walk" / f"{camera}.mp4", grey, fps=25)
    with pytest.raises(SystemExit) as stopped:
        main(["sync", str(tmp_path)])
    assert stopped.value.code == 2
    captured = capsys.readouterr()
    assert "a and b: cannot tell" in captured.out
    assert "cannot tell the offsets of S1/walk/a, S1/walk/b" in captured.err
    assert not table(tmp_path / "sync.csv")
