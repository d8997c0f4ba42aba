"""Steps of training with calibrated views, of random vectors and images."""

import torch

from mcss.batch import TrainBatch, ViewGeometry
from mcss.geometry.canonical import rotate
from mcss.objectives.base import Encoded, PairStep, PairViews


def random_rotations(count, generator):
    """Rotations of all directions."""
    orthogonal, _ = torch.linalg.qr(torch.randn(count, 3, 3, generator=generator))
    return orthogonal * torch.linalg.det(orthogonal)[:, None, None]


def view_step(vectors, progress=0.5, network=None, seed=0, side_px=48, channels=4, is_logged=True):
    """A step of pairs with these vectors (2, pairs, dim), random images, plates, masks and rotations."""
    generator = torch.Generator().manual_seed(seed)
    pairs = vectors.shape[1]
    images, backgrounds = torch.randn(2, 2 * pairs, 3, side_px, side_px, generator=generator)
    batch = TrainBatch(
        images,
        pairs,
        torch.zeros(0, 17, 3),
        torch.zeros(0, dtype=torch.bool),
        step=0,
        geometry=ViewGeometry(
            random_rotations(2 * pairs, generator), torch.rand(2 * pairs, 17, 2, generator=generator) * 2 - 1
        ),
        backgrounds=backgrounds,
        masks=(torch.rand(2 * pairs, side_px, side_px, generator=generator) < 0.3).float(),
    )
    features = torch.randn(2, pairs, channels, 2, 2, generator=generator)
    views = [
        Encoded(maps, vector, torch.nn.functional.normalize(vector, dim=-1))
        for maps, vector in zip(features, vectors, strict=True)
    ]
    return PairStep(PairViews(*views), batch, network, progress, is_logged)


def seen_from_both(points, geometry):
    """Points of the world (pairs, points, 3) in the axes of both views: (2, pairs, points, 3)."""
    rotation = geometry.rot_world_to_view.unflatten(0, (2, len(points)))
    return rotate(points.expand(2, -1, -1, -1), rotation)
