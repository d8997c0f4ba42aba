"""Backgrounds of a filmed figure, whose walls and masks are known exactly."""

import numpy as np
import pytest
import torch

from data_modules.crop import cut_square
from data_modules.store import open_store
from data_modules.training.backgrounds import MID_GREY, Backgrounds, BackgroundSettings, People
from data_modules.training.datamodule import MultiviewPoseDataModule
from data_modules.training.images import as_tensor
from mcss.errors import InputError
from mcss.objectives.base import Needs
from tests.references.filmed_person import CROP_PX, make_film_store, walls


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """The same film with and without masks."""
    folder = tmp_path_factory.mktemp("film")
    return {
        masked: open_store(make_film_store(folder / f"masked-{masked}", with_masks=masked)) for masked in (True, False)
    }


def people_of(store, **settings):
    return People(store, np.arange(len(store)), CROP_PX, "data.background", **settings)


@pytest.mark.parametrize("masked", [False, True])
def test_plates_show_the_wall_where_the_box_lies(stores, masked):
    store, rows = stores[masked], np.arange(0, len(stores[masked]), 5)
    plates = people_of(store, with_plates=True).plates.crops(rows, CROP_PX)
    for plate, row in zip(plates, rows, strict=True):
        wall = cut_square(walls(store.subject[row])[store.camera[row]], tuple(store.box[row]), CROP_PX)
        difference = np.abs(plate.astype(int) - wall)
        assert np.median(difference) < 4
        assert np.quantile(difference, 0.9) < 25


def test_masks_by_the_difference_from_plates_are_near_the_exact_ones(stores):
    rows = np.arange(len(stores[True]))
    found, exact = people_of(stores[False]).masks(rows), stores[True].mask(rows, CROP_PX)
    iou = (found & exact).sum(axis=(1, 2)) / (found | exact).sum(axis=(1, 2))
    print(f"intersection over union: mean {iou.mean():.2f}, 5 % quantile {np.quantile(iou, 0.05):.2f}")
    assert iou.mean() > 0.75
    assert np.quantile(iou, 0.05) > 0.65


def test_masks_of_the_store_are_taken_as_they_are_and_cached_ones_are_equal(stores):
    rows = np.array([3, 0, 7])
    people = people_of(stores[True], cached=True)
    assert people.plates is None
    for _ in range(2):
        np.testing.assert_array_equal(people.masks(rows), stores[True].mask(rows, CROP_PX))
    np.testing.assert_array_equal(
        people_of(stores[False], cached=True).masks(rows), people_of(stores[False]).masks(rows)
    )


def changed(store, step=0, rank=0, part=0, seed=0, **settings):
    """Images of all rows before and after, and their exact masks."""
    rows = np.arange(len(store))
    images, settings = as_tensor(store.decode(rows, CROP_PX)), BackgroundSettings(**settings)
    people = people_of(store, with_plates=settings.by == "image")
    return (
        images,
        Backgrounds(settings, people, seed, rank)(images, rows, step, part),
        torch.from_numpy(people.masks(rows)),
    )


@pytest.mark.parametrize("by", ["colour", "image"])
def test_the_person_stays_and_a_share_of_the_backgrounds_goes(stores, by):
    before, after, person = changed(stores[True], mode="substitute", share=0.5, by=by)
    differs = (before != after).any(dim=1)
    assert not (differs & person).any()
    is_changed = differs.flatten(1).any(dim=1)
    assert is_changed.float().mean().item() == pytest.approx(0.5, abs=0.12)
    behind = [image[:, ~mask] for image, mask in zip(after[is_changed], person[is_changed], strict=True)]
    one_colour = [len(pixels.unique(dim=1).T) == 1 for pixels in behind]
    assert all(one_colour) if by == "colour" else not any(one_colour)
    if by == "colour":
        assert len({tuple(pixels[:, 0].tolist()) for pixels in behind}) > 0.9 * len(behind)


def test_removed_backgrounds_are_grey(stores):
    _, after, person = changed(stores[True], mode="remove", share=1.0)
    assert (after.movedim(1, -1)[~person] == MID_GREY).all()


def test_what_is_changed_is_a_function_of_seed_step_rank_and_part(stores):
    settings = {"mode": "substitute", "share": 0.5}
    _, first, _ = changed(stores[True], **settings)
    assert torch.equal(first, changed(stores[True], **settings)[1])
    for other in ({"seed": 1}, {"step": 1}, {"rank": 1}, {"part": 1}):
        assert not torch.equal(first, changed(stores[True], **settings, **other)[1])


@pytest.fixture
def make_data(stores):
    def make(masked=True, needs=None, **settings):
        needs = Needs("ViewSynthesis", background=True) if needs == "background" else Needs("Contrastive")
        chosen = {"supervision": "none", "image_size_px": CROP_PX, "pairs": 6, "min_gap_s": 0.5, "needs": needs}
        data = MultiviewPoseDataModule(str(stores[masked].path), **(chosen | settings))
        data.setup("fit")
        return data

    return make


@pytest.mark.parametrize("cache_images", [False, True])
def test_pairs_come_with_other_backgrounds_in_each_view(make_data, cache_images):
    plain, other = (
        make_data(masked=False, cache_images=cache_images, **settings).train_dataloader().flattened[0].dataset[3]
        for settings in ({}, {"background": "substitute", "background_share": 1.0})
    )
    for view in ("anchor", "positive"):
        before, after = getattr(plain, view), getattr(other, view)
        assert 0.5 < (before != after).any(dim=1).float().mean() < 0.98
    corners = [view[:, :, 0, 0] for view in (other.anchor, other.positive)]
    assert not torch.equal(*corners)


def test_an_objective_gets_plates_and_masks_varied_as_its_images(make_data):
    data = make_data(masked=True, needs="background", background="keep")
    multiview = data.train_dataloader().flattened[0].dataset[0]
    batch = data.on_after_batch_transfer({"multiview": multiview}, 0)
    assert batch.backgrounds.shape == batch.images.shape == (12, 3, CROP_PX, CROP_PX)
    # Outside the person image and plate agree where their pixels came from the same place.
    outside = (batch.masks < 0.01)[:, None].expand_as(batch.images)
    inside = (batch.masks > 0.99)[:, None].expand_as(batch.images)
    difference = (batch.images - batch.backgrounds).abs()
    assert difference[outside].median() < 0.1
    assert difference[inside].median() > 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"background_share": 1.5}, "background_share 1.5: a share lies between 0 and 1"),
        (
            {"needs": "background", "background": "remove"},
            "objective ViewSynthesis needs the backgrounds that are there",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(make_data, settings, message):
    with pytest.raises(InputError, match=message):
        make_data(**settings)


def test_a_store_whose_person_stands_still_is_refused(tmp_path):
    store = open_store(make_film_store(tmp_path / "still", moving=False, instants=20))
    with pytest.raises(InputError, match=r"still: data\.background needs masks, and \d+% of the crops differ"):
        people_of(store)


def test_a_store_with_few_crops_is_refused(tmp_path):
    store = open_store(make_film_store(tmp_path / "short", instants=5))
    with pytest.raises(InputError, match=r"short: data\.background needs the background of S1 in camera cam1, which 5"):
        people_of(store)
