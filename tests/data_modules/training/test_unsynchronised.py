"""Another instant of the anchor's clip, by another camera, in a range of time; mirrored positives on top of pairs."""

import numpy as np
import pytest
import torch

from data_modules.store import open_store
from data_modules.training.augment import AugmentSettings
from data_modules.training.datamodule import MultiviewPoseDataModule
from data_modules.training.unsynchronised import UnsynchronisedRows
from mcss.errors import InputError
from mcss.objectives.base import Needs
from tests.references.synthetic_store import make_store

PLAIN = AugmentSettings(rotation_deg=0.0, scale=0.0, shift=0.0, brightness=0.0, contrast=0.0, colour=0.0)
NEEDS = Needs("Synchronisation", unsynchronised=True, mirrored=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Instants half a second apart."""
    return open_store(make_store(tmp_path_factory.mktemp("store") / "store", size_px=48, instants=12))


def choose(store, gap_s=(0.8, 2.4), rows=None, **settings):
    rows = np.arange(len(store)) if rows is None else rows
    return UnsynchronisedRows(store, rows, gap_s, "objective Synchronisation", **{"seed": 0, **settings})


def test_rows_are_of_the_anchors_clip_another_camera_and_the_range_of_time(store):
    chosen, anchor, gaps = choose(store), np.arange(len(store)), set()
    for step in range(20):
        other = chosen.of(anchor, step)
        gap_s = np.abs(store.time_s[other] - store.time_s[anchor])
        np.testing.assert_array_equal(store.clip[other], store.clip[anchor])
        assert (store.camera[other] != store.camera[anchor]).all()
        assert gap_s.min() > 0.8 - 1e-5
        assert gap_s.max() < 2.4 + 1e-5
        gaps |= set(np.round(gap_s, 6).tolist())
        assert (store.time_s[other] < store.time_s[anchor]).any()
    assert gaps == {1.0, 1.5, 2.0}  # both ends, and what lies between


def test_each_instant_and_camera_is_chosen_equally_often(store):
    anchor = np.full(4000, 6 * len(np.unique(store.camera)))  # of the middle of a clip, in the first camera
    other = choose(store).of(anchor, 0)
    _, counts = np.unique(other, return_counts=True)
    assert len(counts) == 6 * 3  # 3 instants on each side, 3 other cameras
    assert counts.min() > 0.7 * 4000 / 18


def test_they_are_a_function_of_seed_step_and_rank(store):
    anchor = np.arange(len(store))
    first = choose(store).of(anchor, 5)
    np.testing.assert_array_equal(first, choose(store).of(anchor, 5))
    for settings, step in (({"seed": 1}, 5), ({"rank": 1}, 5), ({}, 6)):
        assert (choose(store, **settings).of(anchor, step) != first).any()


def test_instants_without_another_in_the_range_or_with_one_view_are_no_anchors(store):
    assert len(choose(store, gap_s=(3.0, 9.0)).anchor_rows) == len(store)
    ends = choose(store, gap_s=(5.5, 5.5)).anchor_rows  # first and last instant of each clip alone
    assert set(store.time_s[ends]) == {0.0, 5.5}
    first_views = np.flatnonzero((store.camera != "cam1") | (store.time_s > 2))
    alone = np.setdiff1d(first_views, np.flatnonzero((store.time_s < 1) & (store.camera != "cam2")))
    assert store.time_s[choose(store, rows=alone).anchor_rows].min() >= 1


@pytest.mark.parametrize(
    ("gap_s", "message"),
    [
        ((6.0, 9.0), "objective Synchronisation needs instants of one clip that are 6 to 9 s apart"),
        ((2.0, 1.0), "unsynchronised_gap_s 2 to 1: choose 0 < least <= largest"),
    ],
)
def test_a_range_that_the_store_cannot_supply_is_refused(store, gap_s, message):
    with pytest.raises(InputError, match=message):
        choose(store, gap_s=gap_s)


@pytest.fixture
def make_data(store):
    def make(**settings):
        chosen = {"supervision": "S1", "image_size_px": 48, "pairs": 6, "labelled_images": 7, "min_gap_s": 0.5}
        data = MultiviewPoseDataModule(str(store.path), needs=NEEDS, augment=PLAIN, **(chosen | settings))
        data.setup("fit")
        return data

    return make


def test_a_batch_brings_four_views_and_mirrors_pairs_alike_with_the_mirrored_on_top(make_data):
    data, pairs = make_data(), 6
    streams = {name: loader.dataset for name, loader in data.train_dataloader().iterables.items()}
    mirrored = []
    for step in range(8):
        parts = {name: stream[step] for name, stream in streams.items()}
        batch = data.on_after_batch_transfer(parts, 0)
        assert batch.views == ("anchor", "positive", "unsynchronised", "mirrored")
        assert len(batch.images) == 4 * pairs + 7
        views = batch.images[: 4 * pairs].unflatten(0, (4, pairs))
        multiview = parts["multiview"]
        plain = [multiview.anchor, multiview.positive, multiview.unsynchronised, multiview.positive]
        for pair in range(pairs):
            is_flipped = [
                not torch.allclose(views[view, pair], data.augment.normalise(images[pair : pair + 1])[0], atol=1e-4)
                for view, images in enumerate(plain)
            ]
            assert is_flipped in ([False, False, False, True], [True, True, True, False])
            mirrored.append(is_flipped[0])
        assert not batch.flipped.any()  # labelled images are not mirrored
    assert 0.25 < sum(mirrored) / len(mirrored) < 0.75


def test_what_the_store_cannot_supply_is_refused_with_its_name(make_data, store):
    with pytest.raises(InputError, match=f"{store.path}: objective Synchronisation needs instants"):
        make_data(unsynchronised_gap_s=(60.0, 90.0)).train_dataloader()
