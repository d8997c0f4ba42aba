"""What a step of training or evaluation works on: typed tuples that name shape, unit and frame of every field."""

from typing import NamedTuple

from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor


class MultiviewBatch(NamedTuple):
    """Pairs of one subject: the same instant seen by two different cameras."""

    step: int
    """Global step that the batch belongs to; augmentation is a function of it."""
    anchor: UInt8[Tensor, "pairs 3 side side"]
    positive: UInt8[Tensor, "pairs 3 side side"]
    unsynchronised: UInt8[Tensor, "pairs 3 side side"] | None = None
    """Another instant of the anchor's clip, seen by another camera; None unless the objective needs it."""


class LabelledBatch(NamedTuple):
    """Images with their 3D pose."""

    step: int
    images: UInt8[Tensor, "labelled 3 side side"]
    pose_world: Float[Tensor, "labelled 17 3"]
    """World frame, mm, joint set h36m17."""


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


class EvalBatch(NamedTuple):
    """Images to evaluate, each row of the store once."""

    images: Float[Tensor, "batch 3 side side"]
    pose_world: Float[Tensor, "batch 17 3"]
    """World frame, mm, h36m17; NaN where the store has none."""
    row: Int[Tensor, " batch"]
    action: Int[Tensor, " batch"]
    """Index of the row's action among the store's sorted actions, for averages over actions."""


class Prediction(NamedTuple):
    """What the network says about images."""

    embedding: Float[Tensor, "batch dim"]
    """Unit length."""
    pose: Float[Tensor, "batch 17 3"]
    """Pelvis at 0, in the module's ``pose_frame``, mm, joint set h36m17."""
