"""Stores some of whose images cannot be decoded."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from data_modules.store import StoreError, open_store, write_store
from data_modules.training.images import CachedImages, DecodedImages
from data_modules.training.intact import IntactImages
from data_modules.training.samplers import LabelledSampler
from data_modules.training.streams import LabelledStream
from data_modules.training.view_geometry import StoreGeometry
from mcss.cli import main
from tests.references.synthetic_store import make_meta, ring_of_cameras, synthetic_rows

pytestmark = pytest.mark.slow

CORRUPT = {(1, "cam1"), (1, "cam2"), (3, "cam2")}
"""Instants of S1/Directions/1, and cameras."""


def make_corrupt_store(path, corrupt, **settings):
    rows = list(synthetic_rows(**settings))
    for row in rows:
        clip = (row["subject"], row["action"], row["subaction"])
        if clip == ("S1", "Directions", 1) and (row["frame"] // 5, row["camera"]) in corrupt:
            row["image"] = row["image"][:-20]
    write_store(path, rows, make_meta(size_px=settings["size_px"], calibration=ring_of_cameras()))
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return open_store(make_corrupt_store(tmp_path_factory.mktemp("data") / "whole", set(), size_px=32))


@pytest.fixture
def store(tmp_path):
    return open_store(make_corrupt_store(tmp_path / "corrupt", CORRUPT, size_px=32))


@pytest.mark.filterwarnings("ignore:.*stands in")
def test_the_first_other_view_of_the_instant_stands_in(store, whole):
    rows = np.array([13, 3, 4, 5, 7, 4])  # instant 1 is rows 4 to 7, its cam1 and cam2 are corrupt, and so is row 13
    shown = [12, 3, 6, 6, 7, 6]
    images = IntactImages(store, np.arange(len(store)))
    for times in (1, 2):
        assert np.array_equal(images.decode(rows, 32), whole.decode(np.array(shown), 32))
        assert images.replaced == 4 * times


@pytest.mark.filterwarnings("ignore:.*stands in")
def test_only_rows_that_may_be_shown_stand_in(store, whole):
    may_be_shown = np.flatnonzero(store.camera != "cam3")
    assert np.array_equal(IntactImages(store, may_be_shown).decode(np.array([4]), 32), whole.decode(np.array([7]), 32))
    alone = np.flatnonzero(np.isin(store.camera, ("cam1", "cam2")))
    with pytest.raises(StoreError, match=r"row 4 \(S1/Directions/1 frame 5 camera cam1\).*; nor can any other view"):
        IntactImages(store, alone).decode(np.array([4]), 32)


def test_each_corrupt_image_is_told_once(store):
    images = IntactImages(store, np.arange(len(store)))
    name = r"row 13 \(S1/Directions/1 frame 15 camera cam2\)"
    expected = rf"{name}: its image cannot be decoded .*; camera cam1 or cam3 or cam4 stands in"
    with pytest.warns(UserWarning, match=expected) as told:
        images.decode(np.array([12, 13]), 32)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images.decode(np.array([13, 12]), 32)


@pytest.mark.filterwarnings("ignore:.*stands in")
def test_the_geometry_is_that_of_the_view_that_stands_in(store):
    geometry = StoreGeometry(store, np.arange(len(store)), "this test")
    read = DecodedImages(IntactImages(store, np.arange(len(store))), 32)
    stream = LabelledStream(read, LabelledSampler(np.array([4]), 1, seed=0), store.pose_world, geometry)
    shown, asked = (geometry(np.array([row])).rot_world_to_view for row in (6, 4))
    torch.testing.assert_close(stream[0].geometry.rot_world_to_view, shown)
    assert not torch.allclose(shown, asked)


@pytest.mark.filterwarnings("ignore:.*stands in")
@pytest.mark.parametrize(
    "reader", [DecodedImages, lambda store, size: CachedImages(store, np.arange(len(store)), size)]
)
@pytest.mark.parametrize("first", ["anchor", "positive"])
def test_a_pair_stays_one_of_two_cameras_where_two_views_are_left(reader, first, store, whole):
    # Instant 1 is rows 4 to 7, of which 4 and 5 are corrupt, instant 3 is rows 12 to 15, of which 13 is.
    pairs = {(4, 5): (6, 7), (5, 4): (7, 6), (4, 6): (7, 6), (6, 4): (6, 7), (13, 12): (14, 12), (14, 13): (14, 12)}
    read = reader(IntactImages(store, np.arange(len(store))), 32)
    for rows in (np.array(list(pairs)), *(np.array([pair]) for pair in pairs)):
        anchor, positive = rows.T
        both = [read(anchor, positive), read(positive, anchor)]
        if first == "positive":
            both = [read(positive, anchor), read(anchor, positive)][::-1]
        for images, expected in zip(both, np.array([pairs[pair] for pair in map(tuple, rows.tolist())]).T, strict=True):
            assert np.array_equal(images.permute(0, 2, 3, 1), whole.decode(expected, 32))


@pytest.mark.filterwarnings("ignore:.*stands in")
def test_with_two_cameras_the_view_that_is_left_is_both(store, whole):
    two_cameras = IntactImages(store, np.flatnonzero(np.isin(store.camera, ("cam2", "cam3"))))
    rows, partner = np.array([5, 6, 13]), np.array([6, 5, 14])
    assert np.array_equal(two_cameras.decode(rows, 32, partner), whole.decode(np.array([6, 6, 14]), 32))


@pytest.fixture
def arguments(tmp_path):
    """A run on a store with corrupt images."""
    path = make_corrupt_store(tmp_path / "store", CORRUPT, size_px=48, instants=12)
    return [
        *(word for name in ("base", "data/tiny", "method/mcss", "logger/csv") for word in ("--config", config(name))),
        *("--data.store", str(path), "--data.validation_clips", "[S5/Walking/1]", "--data.min_gap_s", "0.5"),
        *("--trainer.enable_progress_bar", "false", "--trainer.accelerator", "cpu", "--trainer.max_steps", "6"),
        *("--run_dir", str(tmp_path / "run")),
    ]


def config(name):
    return str(Path(__file__).parents[3] / f"experiments/{name}.yaml")


@pytest.mark.parametrize("loading", [["true", "0"], ["false", "0"], ["false", "1"]], ids=["cached", "here", "worker"])
def test_a_corrupt_image_ends_a_run_with_one_line_that_names_it(loading, arguments, capfd):
    cache_images, num_workers = loading
    with pytest.raises(SystemExit) as caught:
        main(["fit", *arguments, "--data.cache_images", cache_images, "--data.num_workers", num_workers])
    assert caught.value.code == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line.startswith("mcss: ")
    assert " (S1/Directions/1 frame " in line
    assert line.endswith("or train with --data.skip_corrupt_images true")


@pytest.mark.filterwarnings("ignore:.*stands in")
@pytest.mark.parametrize("num_workers", ["0", "1"])
def test_by_option_they_are_replaced_and_counted(num_workers, arguments, tmp_path):
    loading = ["--data.cache_images", "false", "--data.num_workers", num_workers]
    main(["fit", *arguments, *loading, "--data.skip_corrupt_images", "true"])
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["steps"] == 6
    assert record["replaced_images"] > 0
