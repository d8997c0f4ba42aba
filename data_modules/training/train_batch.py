"""Makes one batch for the network of the two streams' batches: all images together, varied."""

import torch
from jaxtyping import UInt8
from torch import Tensor

from data_modules.training.augment import Augment
from data_modules.training.view_geometry import vary_geometry
from mcss.batch import LabelledBatch, MultiviewBatch, TrainBatch, ViewGeometry
from mcss.objectives.base import Needs


def train_batch(
    multiview: MultiviewBatch | None, labelled: LabelledBatch | None, augment: Augment, needs: Needs, rank: int
) -> TrainBatch:
    """Join and vary the batches of a step, on the device that they are on; at least one is given."""
    views = _views(multiview, needs) if multiview else {}
    parts = [*views.values(), *([labelled.images] if labelled else [])]
    pairs = len(multiview.anchor) if multiview else 0
    pose_world = labelled.pose_world if labelled else torch.zeros(0, 17, 3, device=parts[0].device)
    step = next(stream.step for stream in (multiview, labelled) if stream)
    images = torch.cat(parts)
    variation = augment.draw(len(images), step, rank, pairs, tuple(views), needs.shared_colours).to(images.device)
    flipped = variation.flipped[len(views) * pairs :]
    geometry = _geometry(multiview, labelled, tuple(views))
    geometry = vary_geometry(geometry, variation) if geometry else None
    varied = augment.apply(images, variation)
    batch = TrainBatch(varied, pairs, pose_world, flipped, step, tuple(views), geometry)
    if multiview is None or multiview.backgrounds is None or multiview.masks is None:
        return batch
    of_pairs = variation.part(slice(2 * pairs))
    masks = augment.warp(multiview.masks[:, None].float(), of_pairs)[:, 0]
    return batch._replace(backgrounds=augment.apply(multiview.backgrounds, of_pairs), masks=masks)


def _geometry(
    multiview: MultiviewBatch | None, labelled: LabelledBatch | None, views: tuple[str, ...]
) -> ViewGeometry | None:
    """Geometry of all images in the order of the batch; None where neither stream brings any."""
    seen = [part.geometry for part in (multiview, labelled) if part and part.geometry]
    if not seen:
        return None
    if multiview and multiview.geometry is None:
        seen.insert(0, ViewGeometry.unknown(len(views) * len(multiview.anchor), multiview.anchor.device))
    elif multiview and "mirrored" in views:
        seen.insert(1, seen[0].part(slice(len(multiview.anchor), 2 * len(multiview.anchor))))
    return ViewGeometry(*map(torch.cat, zip(*seen, strict=True)))


def _views(multiview: MultiviewBatch, needs: Needs) -> dict[str, UInt8[Tensor, "pairs 3 side side"]]:
    """Views of the pairs by their names, in the order of the batch."""
    views = {"anchor": multiview.anchor, "positive": multiview.positive}
    if multiview.unsynchronised is not None:
        views["unsynchronised"] = multiview.unsynchronised
    return views | ({"mirrored": multiview.positive} if needs.mirrored else {})
