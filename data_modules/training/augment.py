"""Random variation of training images, a batch at once, on whatever device the batch is.

Every image gets its own parameters. They are drawn on the CPU as a pure function of (seed, step, rank), so a resumed
run and another device see the same images. The work is one resampling and one 3 x 4 colour matrix an image: brightness,
contrast, colour, channel mixing, grey, inversion and the network's normalisation are all affine in RGB, so they are
multiplied together first. Values are not clamped in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from torch import Tensor
from torch.nn import functional as F

from mcss.batch import donors
from mcss.errors import InputError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
LUMA = (0.299, 0.587, 0.114)
AUGMENT_STREAM = 3
"""Part of the random key, so that equal seeds do not correlate augmentation and batches."""


@dataclass(frozen=True)
class AugmentSettings:
    """How far training images are varied; each amount is the half-width of a uniform distribution.

    Attributes:
        rotation_deg: turn in the image plane.
        scale: zoom, relative; 0.1 shows the person at 0.9 to 1.1 of its size.
        shift: translation, as a share of the side.
        brightness: of the factor on all values.
        contrast: of the factor on the distance from mid-grey.
        colour: of the factors on saturation and on each channel.
        mix_probability: share of images whose channels become random mixtures of all three.
        grey_probability: share of images without colour.
        invert_probability: share of negatives.
        flip_probability: share of images mirrored left to right; both views of a pair alike.
    """

    rotation_deg: float = 10.0
    scale: float = 0.1
    shift: float = 0.05
    brightness: float = 0.2
    contrast: float = 0.2
    colour: float = 0.2
    mix_probability: float = 0.0
    grey_probability: float = 0.0
    invert_probability: float = 0.0
    flip_probability: float = 0.0

    def __post_init__(self) -> None:
        for name in ("mix_probability", "grey_probability", "invert_probability", "flip_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"augment.{name} {getattr(self, name)}: a probability lies between 0 and 1")
        for name in ("scale", "shift", "brightness", "contrast", "colour"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"augment.{name} {getattr(self, name)}: choose at least 0 and less than 1")


class Variation(NamedTuple):
    """How each image of a batch is varied."""

    affine: Float32[Tensor, "batch 2 3"]
    """From output to input positions, (x right, y down), both in [-1, 1]; mirroring is part of it."""
    colour: Float32[Tensor, "batch 3 4"]
    """Of RGB, from 0..255 to the network's normalised values."""
    turn_rad: Float32[Tensor, " batch"]
    """Angle by which what is shown turns in the image plane, clockwise as seen, before it is mirrored."""
    flipped: Bool[Tensor, " batch"]
    """Which images are mirrored: the caller mirrors their poses."""

    def to(self, device: torch.device) -> "Variation":
        """The same on another device."""
        return Variation(*(values.to(device) for values in self))

    def part(self, images: slice) -> "Variation":
        """How some of the images are varied."""
        return Variation(*(values[images] for values in self))


class Augment:
    """Varies batches of images and normalises them for the network."""

    def __init__(self, settings: AugmentSettings, size_px: int, seed: int) -> None:
        """Produce images of ``size_px`` x ``size_px``, drawn with ``seed``."""
        self.settings, self.size_px, self.seed = settings, size_px, seed

    def __call__(
        self, images: UInt8[Tensor, "batch 3 side side"], step: int, rank: int = 0, pairs: int = 0
    ) -> tuple[Float32[Tensor, "batch 3 size size"], Variation]:
        """Vary every image in its own way: ``draw``, then ``apply``; normalised images and how they were varied."""
        variation = self.draw(len(images), step, rank, pairs).to(images.device)
        return self.apply(images, variation), variation

    def draw(
        self,
        batch: int,
        step: int,
        rank: int = 0,
        pairs: int = 0,
        views: Sequence[str] = ("anchor", "positive"),
        shared_colours: bool = False,
    ) -> Variation:
        """Draw the variation of a batch: a function of (seed, step, rank) and the batch's layout.

        Args:
            batch: number of images; first ``pairs`` of each view, then any others.
            step: global step of training.
            rank: rank whose batch this is.
            pairs: number of pairs; all views of a pair are mirrored alike, but for a view ``mirrored``, which is
                mirrored where the others are not. Half of the pairs then are, whatever ``flip_probability`` says: a
                room that is always mirrored in one view and never in the other would tell them apart.
            views: of a pair.
            shared_colours: all views of a pair and of its donor (``mcss.batch.donors``) change colour alike.
        """
        draws = _Draws(np.random.default_rng([self.seed, AUGMENT_STREAM, step, rank]), batch)
        chance = torch.full((batch,), self.settings.flip_probability)
        if "mirrored" in views:
            chance[:pairs] = 0.5
        flipped = draws.uniform() < chance
        of_views = flipped[: len(views) * pairs].view(len(views), pairs)
        for view, name in zip(of_views[1:], views[1:], strict=True):
            view.copy_(of_views[0] ^ (name == "mirrored"))
        affine, turn_rad = self._draw_affine(draws, flipped)
        colour = self._draw_colour(draws)
        if shared_colours and pairs:
            first_of_group = torch.minimum(torch.arange(pairs), donors(pairs)) // 2 * 2
            colour[: len(views) * pairs] = colour[first_of_group].repeat(len(views), 1, 1)
        return Variation(affine, colour, turn_rad, flipped)

    def apply(
        self, images: UInt8[Tensor, "batch 3 side side"], variation: Variation
    ) -> Float32[Tensor, "batch 3 size size"]:
        """Vary images and normalise them.

        Resampling is bilinear: the stored side should be less than twice ``size_px``.
        """
        pixels = self.warp(images.to(torch.float32, memory_format=torch.contiguous_format), variation)
        pixels = torch.baddbmm(variation.colour[:, :, 3:], variation.colour[:, :, :3], pixels.flatten(2))
        return pixels.view(len(images), 3, self.size_px, self.size_px)

    def warp(
        self, values: Float32[Tensor, "batch channels side side"], variation: Variation
    ) -> Float32[Tensor, "batch channels size size"]:
        """Turn, scale, shift and mirror maps as ``apply`` does images."""
        grid = self._grid(variation.affine)
        return F.grid_sample(values, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    def normalise(self, images: UInt8[Tensor, "batch 3 side side"]) -> Float32[Tensor, "batch 3 size size"]:
        """Prepare the same images for the network without any variation."""
        pixels = images.to(torch.float32)
        if images.shape[-1] != self.size_px:
            size = (self.size_px, self.size_px)
            pixels = F.interpolate(pixels, size, mode="bilinear", antialias=True, align_corners=False)
        mean = 255 * pixels.new_tensor(IMAGENET_MEAN)[:, None, None]
        std = 255 * pixels.new_tensor(IMAGENET_STD)[:, None, None]
        return (pixels - mean) / std

    def _grid(self, affine: Float32[Tensor, "batch 2 3"]) -> Float32[Tensor, "batch size size 2"]:
        """Input positions of all output pixels: ``F.affine_grid`` as a sum of rows and columns, ten times faster."""
        centres = (torch.arange(self.size_px, device=affine.device) + 0.5) * 2 / self.size_px - 1
        across = centres[:, None] * affine[:, None, :, 0]
        down = centres[:, None] * affine[:, None, :, 1] + affine[:, None, :, 2]
        return across[:, None] + down[:, :, None]

    def _draw_affine(
        self, draws: "_Draws", flipped: Bool[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch 2 3"], Float[Tensor, " batch"]]:
        """``Variation.affine`` and ``Variation.turn_rad``."""
        settings = self.settings
        angle = draws.around_zero(np.deg2rad(settings.rotation_deg))
        zoom = 1 + draws.around_zero(settings.scale)
        shift = 2 * draws.around_zero(settings.shift, 2)
        cos, sin = angle.cos() / zoom, angle.sin() / zoom
        rotation = torch.stack([cos, -sin, sin, cos], dim=-1).view(-1, 2, 2)
        # Mirroring comes last, so that both views of a pair differ by a proper image transform.
        rotation[:, :, 0] *= torch.where(flipped, -1.0, 1.0)[:, None]
        # The map is from output to input: what is shown turns the other way.
        return torch.cat([rotation, shift[:, :, None]], dim=-1), -angle

    def _draw_colour(self, draws: "_Draws") -> Float[Tensor, "batch 3 4"]:
        """``Variation.colour``."""
        settings = self.settings
        saturation = 1 + draws.around_zero(settings.colour)
        saturation = saturation.masked_fill(draws.chance(settings.grey_probability), 0.0)[:, None, None]
        luma = torch.tensor(LUMA).expand(3, 3)
        matrix = saturation * torch.eye(3) + (1 - saturation) * luma
        matrix = (1 + draws.around_zero(settings.colour, 3))[:, :, None] * matrix

        # Cubed, so that one channel mostly prevails: mixtures of equal parts would all be grey.
        mixture = draws.uniform(3, 3) ** 3
        mixture = mixture / mixture.sum(dim=-1, keepdim=True)
        is_mixed = draws.chance(settings.mix_probability)
        matrix = torch.where(is_mixed[:, None, None], mixture @ matrix, matrix)

        contrast = 1 + draws.around_zero(settings.contrast)
        gain = contrast * (1 + draws.around_zero(settings.brightness))
        offset = 0.5 * (1 - contrast)
        inverted = draws.chance(settings.invert_probability)
        gain, offset = torch.where(inverted, -gain, gain), torch.where(inverted, 1 - offset, offset)

        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        matrix = gain[:, None, None] * matrix / (255 * std[:, None])
        return torch.cat([matrix, ((offset[:, None] - mean) / std)[:, :, None]], dim=-1)


class _Draws:
    """Random numbers for each image of a batch.

    A call draws as many whatever its settings are, so switching one variation off does not change the others.
    """

    def __init__(self, rng: np.random.Generator, batch: int) -> None:
        self._rng, self._batch = rng, batch

    def uniform(self, *shape: int) -> Float32[Tensor, "batch *shape"]:
        return torch.from_numpy(self._rng.random((self._batch, *shape), dtype=np.float32))

    def around_zero(self, half_width: float, *shape: int) -> Float32[Tensor, "batch *shape"]:
        return half_width * (2 * self.uniform(*shape) - 1)

    def chance(self, probability: float) -> Bool[Tensor, " batch"]:
        return self.uniform() < probability
