"""Rehearsal footage against its own truth: sizes, clocks, sound, and whether it can be imported."""

import csv
import json
from dataclasses import replace

import av
import numpy as np
import pytest

from data_modules.cli import main
from data_modules.sources.footage.videos import Videos
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.rehearsal import CLAP_S, Shoot, film_views
from data_modules.sources.studio.sound import SOUND_HZ
from data_modules.video_files import frame_times_s
from mcss.geometry.camera import Camera

pytestmark = pytest.mark.slow

DURATION_S = 3.0


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rehearsal") / "views"
    film_views(PRESETS["tiny"], [("S1", "Walking", 1)], folder, Shoot((64, 36), DURATION_S))
    return folder


def loudest_s(path):
    with av.open(str(path)) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    return np.abs(samples).argmax() / SOUND_HZ


def test_cameras_differ_in_rate_and_clock_and_hear_one_clap(views):
    with (views / "truth" / "sync.csv").open() as file:
        rows = list(csv.DictReader(file))
    rates, claps = [], []
    for row in rows:
        path = views / f"{row['video']}.mp4"
        rates.append(1 / np.median(np.diff(frame_times_s(path))))
        claps.append(loudest_s(path) - float(row["offset_s"]))
    np.testing.assert_allclose(rates, [30, 25, 29.97, 24], rtol=1e-3)
    assert np.ptp([float(row["offset_s"]) for row in rows]) > 0.1
    assert np.ptp(claps) < 0.03  # on one clock, but for the sound's way and the clap's length
    assert 0 < np.mean(claps) < CLAP_S + 0.1


def test_truth_is_where_the_person_is(views):
    """What moves in a camera lies around the projected true joints of the same time."""
    camera = Camera.from_dict(json.loads((views / "truth" / "S1_Walking-1.json").read_text())["54138969"])
    with av.open(str(views / "S1/Walking-1/54138969.mp4")) as container:
        frames = [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]
    changed = np.abs(frames[60] - np.median(frames, axis=0)) > 40
    rows, columns = np.nonzero(changed)
    with np.load(views / "truth" / "S1_Walking-1.npz") as truth:
        pose = truth["points"][np.abs(truth["time_s"] - 60 / 30).argmin()]
    shown = camera.project(pose)
    middle = np.array([np.median(columns), np.median(rows)])
    assert np.abs(shown.mean(axis=0) - middle).max() < 0.25 * np.ptp(shown[:, 1])


def test_it_is_a_source_of_views_with_the_height(views):
    source = Videos(views)
    (clip,) = source.clips()
    assert len(source.cameras(clip)) == 4
    assert (views / "people.csv").read_text().startswith("subject,height_mm\nS1,1")


def test_a_bystander_is_seen_beside_the_person(tmp_path):
    config = replace(PRESETS["tiny"], actions=("Directions",))
    pictures = []
    for bystander in (False, True):
        folder = tmp_path / str(bystander)
        film_views(config, [("S1", "Directions", 1)], folder, Shoot((64, 36), 0.1, sound=False, bystander=bystander))
        with av.open(str(next(folder.rglob("54138969.mp4")))) as container:
            assert not container.streams.audio
            pictures.append(next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int))
    changed = np.abs(pictures[0] - pictures[1]).max(axis=2) > 40
    assert 0.005 < changed.mean() < 0.25


def test_clips_and_options_that_do_not_fit_are_refused(tmp_path, capsys):
    for args, message in (
        (["--views", str(tmp_path), "--clip", "S1/Flying/1"], "has no clip S1 Flying 1"),
        (["--out", str(tmp_path), "--clip", "S1/Walking/1"], "needs one --clip and a --camera"),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(["frames", "--preset", "tiny", *args])
        assert stopped.value.code == 2
        assert message in capsys.readouterr().err
