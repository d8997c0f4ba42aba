"""Each variation alone does what it says, images vary independently, and a step always gives the same images."""

import dataclasses
import math

import pytest
import torch
from torch.nn import functional as F

from data_modules.training.augment import IMAGENET_MEAN, IMAGENET_STD, LUMA, Augment, AugmentSettings
from mcss.batch import donors
from mcss.errors import InputError

NOTHING = AugmentSettings(rotation_deg=0.0, scale=0.0, shift=0.0, brightness=0.0, contrast=0.0, colour=0.0)
EVERYTHING = AugmentSettings(mix_probability=0.5, grey_probability=0.5, invert_probability=0.5, flip_probability=0.5)
SIDE = 24


def only(**settings):
    return Augment(dataclasses.replace(NOTHING, **settings), SIDE, seed=0)


def random_images(batch=6, side=SIDE, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (batch, 3, side, side), dtype=torch.uint8, generator=generator)


def to_unit(normalised):
    """Undo the normalisation: RGB with 0 for black and 1 for white."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return normalised * std + mean


def spot(x, y, side=65, radius=2.0):
    """A soft white spot, position in pixels from the centre of the image, y down."""
    centres = torch.arange(side) - (side - 1) / 2
    distance = (centres - x).square() + (centres[:, None] - y).square()
    return (255 * torch.exp(-distance / (2 * radius**2))).round().to(torch.uint8).expand(3, -1, -1)


def spot_position(image):
    """Centre of mass of a normalised image of a spot, as (x, y) from the centre in pixels."""
    mass = to_unit(image)[0].double().clamp(min=0.02) - 0.02
    centres = torch.arange(image.shape[-1]) - (image.shape[-1] - 1) / 2
    return torch.stack([(mass.sum(0) * centres).sum(), (mass.sum(1) * centres).sum()]) / mass.sum()


def test_nothing_is_normalisation():
    images = random_images()
    varied, variation = only()(images, step=3)
    assert varied.dtype == torch.float32
    torch.testing.assert_close(varied, only().normalise(images), atol=1e-4, rtol=0)
    torch.testing.assert_close(to_unit(varied), images / 255, atol=1e-4, rtol=0)
    assert not variation.flipped.any()
    assert not variation.turn_rad.any()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_memory_layout_does_not_matter(layout):
    images = random_images()
    augment = Augment(EVERYTHING, SIDE, seed=0)
    varied = augment(images.contiguous(memory_format=layout), step=0)[0]
    torch.testing.assert_close(varied, augment(images, step=0)[0])


@pytest.mark.parametrize("side", [SIDE, 32, 48])
def test_any_side_becomes_the_networks(side):
    augment = Augment(EVERYTHING, SIDE, seed=0)
    images = random_images(side=side)
    assert augment(images, step=0)[0].shape == (6, 3, SIDE, SIDE)
    assert augment.normalise(images).shape == (6, 3, SIDE, SIDE)
    flat = torch.full_like(images, 51)
    torch.testing.assert_close(to_unit(augment.normalise(flat)), torch.full((6, 3, SIDE, SIDE), 0.2))


def test_same_step_same_images():
    images = random_images()
    first, second = (Augment(EVERYTHING, SIDE, seed=1) for _ in range(2))
    second(images, step=7)  # what was drawn before does not matter
    (one, how_one), (other, how_other) = (augment(images, step=5, rank=2) for augment in (first, second))
    for a, b in zip((one, *how_one), (other, *how_other), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("change", [{"step": 6}, {"rank": 1}, {"seed": 2}])
def test_other_step_rank_or_seed_other_images(change):
    def draw(seed=1, step=5, rank=0):
        return Augment(EVERYTHING, SIDE, seed)(random_images(), step, rank)[0]

    assert not torch.allclose(draw(), draw(**change))


@pytest.mark.parametrize(
    "settings",
    [
        {"rotation_deg": 10.0},
        {"scale": 0.1},
        {"shift": 0.1},
        {"brightness": 0.3},
        {"contrast": 0.3},
        {"colour": 0.3},
        {"mix_probability": 1.0},
    ],
)
def test_every_image_varies_in_its_own_way(settings):
    varied, _ = only(**settings)(random_images(1).expand(8, -1, -1, -1), step=0)
    distance = torch.cdist(varied.flatten(1), varied.flatten(1)) + 100 * torch.eye(8)
    assert distance.min() > 0.1


def test_switching_one_variation_off_leaves_the_others():
    images = random_images(side=1).expand(-1, -1, SIDE, SIDE)  # of one colour each, so that mirroring changes nothing
    with_flips, variation = Augment(dataclasses.replace(EVERYTHING, flip_probability=1.0), SIDE, seed=0)(images, step=0)
    without, _ = Augment(dataclasses.replace(EVERYTHING, flip_probability=0.0), SIDE, seed=0)(images, step=0)
    assert variation.flipped.all()
    torch.testing.assert_close(with_flips, without)


# Geometry.


def test_rotation_turns_about_the_centre():
    images = torch.stack([spot(20, 0)] * 64)
    varied, variation = Augment(dataclasses.replace(NOTHING, rotation_deg=30.0), 65, seed=0)(images, step=0)
    positions = torch.stack([spot_position(image) for image in varied])
    angles = torch.rad2deg(torch.atan2(positions[:, 1], positions[:, 0]))
    torch.testing.assert_close(positions.norm(dim=1), torch.full((64,), 20.0, dtype=torch.float64), atol=0.1, rtol=0)
    assert 25 < angles.max() < 30.5
    assert -30.5 < angles.min() < -25
    torch.testing.assert_close(torch.rad2deg(variation.turn_rad).double(), angles, atol=0.5, rtol=0)


def test_scale_zooms_about_the_centre():
    images = torch.stack([spot(12, -16)] * 64)
    varied, _ = Augment(dataclasses.replace(NOTHING, scale=0.25), 65, seed=0)(images, step=0)
    positions = torch.stack([spot_position(image) for image in varied])
    ratio = positions.norm(dim=1) / 20
    torch.testing.assert_close(
        positions[:, 1] / positions[:, 0], torch.full((64,), -16 / 12, dtype=torch.float64), atol=0.02, rtol=0
    )
    assert 0.745 < ratio.min() < 0.8
    assert 1.2 < ratio.max() < 1.255


def test_shift_is_a_share_of_the_side():
    images = torch.stack([spot(0, 0)] * 64)
    varied, _ = Augment(dataclasses.replace(NOTHING, shift=0.2), 65, seed=0)(images, step=0)
    positions = torch.stack([spot_position(image) for image in varied])
    for axis in (0, 1):
        assert 11 < positions[:, axis].max() < 13.1
        assert -13.1 < positions[:, axis].min() < -11


def test_positions_equal_pytorchs_own():
    affine = torch.randn(4, 2, 3)
    expected = F.affine_grid(affine, [4, 3, SIDE, SIDE], align_corners=False)
    torch.testing.assert_close(only()._grid(affine), expected)


def test_flip_mirrors():
    images = random_images()
    varied, variation = only(flip_probability=1.0)(images, step=0)
    assert variation.flipped.all()
    torch.testing.assert_close(varied, only().normalise(images.flip(-1)), atol=1e-4, rtol=0)


def test_flip_says_which():
    images = random_images(64)
    varied, variation = only(flip_probability=0.5)(images, step=0)
    flipped = variation.flipped
    assert 16 < flipped.sum() < 48
    expected = torch.where(flipped[:, None, None, None], images.flip(-1), images)
    torch.testing.assert_close(varied, only().normalise(expected), atol=1e-4, rtol=0)


def test_flip_of_a_pair_is_alike():
    flipped = only(flip_probability=0.5).draw(100, step=0, pairs=40).flipped
    assert torch.equal(flipped[:40], flipped[40:80])
    assert 0 < flipped[:40].sum() < 40
    assert 0 < flipped[80:].sum() < 20


# Colour.


def test_grey():
    images = random_images()
    varied = to_unit(only(grey_probability=1.0)(images, step=0)[0])
    luma = torch.einsum("c,nchw->nhw", torch.tensor(LUMA), images / 255)
    torch.testing.assert_close(varied, luma[:, None].expand_as(varied), atol=1e-4, rtol=0)


def test_inversion():
    images = random_images()
    varied = to_unit(only(invert_probability=1.0)(images, step=0)[0])
    torch.testing.assert_close(varied, 1 - images / 255, atol=1e-4, rtol=0)


def test_mixing_takes_convex_mixtures_of_channels():
    images = random_images(50)
    varied = to_unit(only(mix_probability=1.0)(images, step=0)[0])
    matrix = torch.linalg.lstsq((images / 255).flatten(2).transpose(1, 2), varied.flatten(2).transpose(1, 2)).solution
    torch.testing.assert_close(matrix.sum(dim=1), torch.ones(50, 3), atol=1e-3, rtol=0)
    assert matrix.min() > -1e-3
    # Any channel may prevail in any place, or clothes would keep a trace of their colour.
    assert set(matrix.argmax(dim=1).flatten().tolist()) == {0, 1, 2}
    assert matrix.amax(dim=1).median() > 0.6


def test_brightness_scales():
    images = random_images(200)
    varied = to_unit(only(brightness=0.3)(images, step=0)[0])
    factor = varied.mean(dim=(1, 2, 3)) / (images / 255).mean(dim=(1, 2, 3))
    torch.testing.assert_close(varied, factor[:, None, None, None] * images / 255, atol=1e-3, rtol=0)
    assert 0.7 - 1e-3 < factor.min() < 0.72
    assert 1.28 < factor.max() < 1.3 + 1e-3


def test_contrast_scales_about_mid_grey():
    images = random_images(200)
    varied = to_unit(only(contrast=0.3)(images, step=0)[0]) - 0.5
    original = images / 255 - 0.5
    factor = varied.std(dim=(1, 2, 3)) / original.std(dim=(1, 2, 3))
    torch.testing.assert_close(varied, factor[:, None, None, None] * original, atol=1e-3, rtol=0)
    assert 0.7 - 1e-3 < factor.min() < 0.72
    assert 1.28 < factor.max() < 1.3 + 1e-3


def test_colour_leaves_the_grey_axis_but_for_the_channels_factors():
    images = torch.full((200, 3, SIDE, SIDE), 128, dtype=torch.uint8)
    factor = to_unit(only(colour=0.3)(images, step=0)[0])[:, :, 0, 0] / (128 / 255)
    assert 0.7 - 1e-3 < factor.min() < 0.72
    assert 1.28 < factor.max() < 1.3 + 1e-3
    assert (factor.amax(dim=1) - factor.amin(dim=1)).max() > 0.4


@pytest.mark.parametrize("name", ["mix", "grey", "invert", "flip"])
@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan])
def test_bad_probability_is_refused(name, probability):
    with pytest.raises(InputError, match=f"augment.{name}_probability .*: a probability lies between 0 and 1"):
        AugmentSettings(**{f"{name}_probability": probability})


@pytest.mark.parametrize("name", ["scale", "shift", "brightness", "contrast", "colour"])
@pytest.mark.parametrize("amount", [-0.1, 1.0])
def test_bad_amount_is_refused(name, amount):
    with pytest.raises(InputError, match=f"augment.{name} {amount}: choose at least 0 and less than 1"):
        AugmentSettings(**{name: amount})


def test_a_pair_and_its_donor_change_colour_alike_if_they_are_to():
    augment = Augment(EVERYTHING, SIDE, seed=0)
    colour = augment.draw(12, step=0, pairs=5, shared_colours=True).colour
    anchors, positives = colour[:5], colour[5:10]
    assert torch.equal(anchors, positives)
    assert torch.equal(anchors, anchors[donors(5)])
    assert not torch.equal(anchors[0], anchors[2])
    plain = augment.draw(12, step=0, pairs=5)
    assert len(plain.colour.unique(dim=0)) == 12
    assert torch.equal(plain.colour[10:], colour[10:])
