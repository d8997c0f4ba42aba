"""What a step of training or evaluation works on: typed tuples that name shape, unit and frame of every field."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from mcss.errors import InputError


class ViewGeometry(NamedTuple):
    """How images see the person. Axes of a view: x right and y down in the image, z away from the camera."""

    rot_world_to_view: Float[Tensor, "*images 3 3"]
    """From the world into the axes of the virtual camera through the centre of the image's box, turned in the plane and
    mirrored as the image is: of a mirrored image the determinant is -1. NaN where the camera is not known."""
    joints: Float[Tensor, "*images 17 2"]
    """Positions of h36m17 in the image, in [-1, 1] where they lie inside; NaN where the pose is not known."""

    def part(self, images: slice) -> "ViewGeometry":
        """Geometry of some of the images."""
        return ViewGeometry(*(values[images] for values in self))

    @classmethod
    def unknown(cls, images: int, device: torch.device) -> "ViewGeometry":
        """Geometry of images of which nothing is known: all NaN."""
        return cls(
            torch.full((images, 3, 3), torch.nan, device=device), torch.full((images, 17, 2), torch.nan, device=device)
        )


class MultiviewBatch(NamedTuple):
    """Pairs of one subject: the same instant seen by two different cameras."""

    step: int
    """Global step that the batch belongs to; augmentation is a function of it."""
    anchor: UInt8[Tensor, "pairs 3 side side"]
    positive: UInt8[Tensor, "pairs 3 side side"]
    unsynchronised: UInt8[Tensor, "pairs 3 side side"] | None = None
    """Another instant of the anchor's clip, seen by another camera; None unless the objective needs it."""
    geometry: ViewGeometry | None = None
    """Of the anchors, the positives, and the unsynchronised if there are any; None where nothing needs it."""
    backgrounds: UInt8[Tensor, "2*pairs 3 side side"] | None = None
    """What anchors and positives would show without the person; None unless the objective needs it."""
    masks: Bool[Tensor, "2*pairs side side"] | None = None
    """Where anchors and positives show the person; None unless the objective needs it."""


class LabelledBatch(NamedTuple):
    """Images with their 3D pose."""

    step: int
    images: UInt8[Tensor, "labelled 3 side side"]
    pose_world: Float[Tensor, "labelled 17 3"]
    """World frame, mm, joint set h36m17."""
    geometry: ViewGeometry | None = None


class TrainBatch(NamedTuple):
    """Both streams of a step after augmentation, for one backbone call: all views of the pairs, then the labelled."""

    images: Float[Tensor, "images 3 side side"]
    pairs: int
    """How many anchors lead ``images``; 0 where the method has no multiview stream."""
    pose_world: Float[Tensor, "labelled 17 3"]
    """World frame, mm, h36m17; empty at supervision ``none``."""
    flipped: Bool[Tensor, " labelled"]
    """Which labelled images were mirrored: their pose is mirrored by the module."""
    step: int
    views: tuple[str, ...] = ("anchor", "positive")
    """Names of the views of a pair, in the order in which ``images`` has them, ``pairs`` images each."""
    geometry: ViewGeometry | None = None
    """Of ``images``, after augmentation; None where nothing needs it."""
    backgrounds: Float[Tensor, "2*pairs 3 side side"] | None = None
    """What anchors and positives would show without the person, varied as the images; None where not needed."""
    masks: Float[Tensor, "2*pairs side side"] | None = None
    """Where anchors and positives show the person, from 0 to 1; None where not needed."""

    @property
    def labelled_geometry(self) -> ViewGeometry | None:
        """Geometry of the labelled images."""
        return self.geometry and self.geometry.part(slice(self.pairs * len(self.views), None))


class EvalBatch(NamedTuple):
    """Images to evaluate, each row of the store once."""

    images: Float[Tensor, "batch 3 side side"]
    pose_world: Float[Tensor, "batch 17 3"]
    """World frame, mm, h36m17; NaN where the store has none."""
    row: Int[Tensor, " batch"]
    geometry: ViewGeometry | None = None


class Facing(NamedTuple):
    """Where the people in images face, as a network predicts it; see ``mcss.models.facing``."""

    concentrated: Float[Tensor, "batch 2"]
    """(cos yaw, sin yaw) times the concentration of a von Mises distribution: the longer, the more certain."""
    up: Float[Tensor, "batch 3"]
    """Direction of the world's Z in the axes of the view, unit length."""


class Prediction(NamedTuple):
    """What the network says about images."""

    embedding: Float[Tensor, "batch dim"]
    """Unit length."""
    pose: Float[Tensor, "batch 17 3"]
    """Pelvis at 0, in the module's ``pose_frame``, mm, joint set h36m17."""
    facing: Facing | None = None
    """None where the network has no head for it."""


def donors(pairs: int) -> Int[Tensor, " pairs"]:
    """Another pair of the batch for each pair: the same person at another instant. Pairs 2k and 2k + 1 name each other.

    A last one without partner names the one before.

    Raises:
        InputError: there are fewer than two pairs.

    >>> donors(5).tolist()
    [1, 0, 3, 2, 3]
    """
    if pairs < 2:
        raise InputError(f"data.pairs {pairs}: the objective compares each pair with another one; set 2 or more")
    partner = torch.arange(pairs) ^ 1
    return partner.where(partner < pairs, pairs - 2)
