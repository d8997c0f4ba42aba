"""Where a person faces in the image: the yaw of the canonical frame relative to the camera, and where up is.

A canonical pose has lost in which direction the person faces. The rotation from the canonical frame into the axes of
the crop's virtual camera gives it back. It is described by

- *up*: the direction of the world's Z in the axes of the view (x right, y down, z away from the camera), unit length;
- *yaw*: the angle, counter-clockwise seen from above, from the level right of the camera to the canonical X axis (the
  direction from the pelvis to the left hip, made level). 0: the person faces the camera; 90 degrees: the person faces
  what is on the right of the image, and the left hip points away from the camera. Level means at right angles to up.

Of a mirrored image up has its x negated, and yaw changes its sign.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from mcss.batch import Facing, ViewGeometry
from mcss.geometry.canonical import is_degenerate, to_canonical, to_root

HIDDEN = 128
FACING_WEIGHT = 0.1
"""Of the loss of facing in the total loss, where that of the pose has 1."""
SMALLEST_LEVEL = 1e-3
"""Sine of the angle between up and the optical axis below which a camera looks straight up or down: no yaw."""


class TrueFacing(NamedTuple):
    """Where the people in images face, by their labels."""

    direction: Float[Tensor, "images 2"]
    """(cos yaw, sin yaw); 0 where not known."""
    up: Float[Tensor, "images 3"]
    """Unit length; 0 where not known."""
    is_known: Bool[Tensor, " images"]


class FacingHead(nn.Sequential):
    """Mean of the feature map to where the person faces: FC-ReLU-FC, in float32.

    It reads the feature map because the embedding is trained to be the same for all cameras.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Linear(channels, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 5))

    def forward(self, features: Float[Tensor, "images channels rows columns"]) -> Facing:
        """Direction, certainty and up of each image."""
        with torch.autocast(features.device.type, enabled=False):
            values = super().forward(features.mean(dim=(2, 3)).to(torch.float32))
        return Facing(values[:, :2], normalize(values[:, 2:], dim=1))


def rotation_to_view(
    direction: Float[Tensor, "images 2"], up: Float[Tensor, "images 3"]
) -> Float[Tensor, "images 3 3"]:
    """Rotation from the canonical frame into the axes of the view; ``direction`` may have any length but 0."""
    right, forward = _level(up)
    cos, sin = normalize(direction, dim=1)[:, :, None].unbind(dim=1)
    return torch.stack([cos * right + sin * forward, cos * forward - sin * right, up], dim=-1)


def true_facing(pose_world: Float[Tensor, "images 17 3"], geometry: ViewGeometry) -> TrueFacing:
    """Where labelled people face in their images, which may be turned in the plane and mirrored.

    Not known without a camera or without hips, where the hips lie one above the other, and where the camera looks
    straight up or down.
    """
    pose_root = to_root(pose_world)
    rotation = geometry.rot_world_to_view
    is_mirrored = torch.linalg.det(rotation) < 0
    heading = -to_canonical(pose_root)[1][:, None]
    left_hip, up = heading.cos() * rotation[:, :, 0] + heading.sin() * rotation[:, :, 1], rotation[:, :, 2]
    # The left hip of the mirrored person is where the image shows the right one.
    left_hip = torch.where(is_mirrored[:, None], -left_hip, left_hip)
    right, forward = _level(up)
    direction = torch.stack([(left_hip * right).sum(dim=1), (left_hip * forward).sum(dim=1)], dim=1)
    is_known = direction.isfinite().all(dim=1) & (up[:, :2].norm(dim=1) > SMALLEST_LEVEL) & ~is_degenerate(pose_root)
    return TrueFacing(torch.where(is_known[:, None], direction, 0.0), torch.where(is_known[:, None], up, 0.0), is_known)


def facing_loss(predicted: Facing, true: TrueFacing) -> Float[Tensor, ""]:
    """Mean over the images whose facing is known: -log of the von Mises density of yaw, plus 1 - cos of up's error.

    0 where none is known. log I0(k) = log i0e(k) + k, as I0 itself overflows.
    """
    # The length of a vector has no derivative at 0.
    concentration = (predicted.concentrated.square().sum(dim=1) + 1e-12).sqrt()
    log_normaliser = torch.special.i0e(concentration).log() + concentration + math.log(2 * math.pi)
    of_yaw = log_normaliser - (predicted.concentrated * true.direction).sum(dim=1)
    of_up = 1 - (predicted.up * true.up).sum(dim=1)
    return ((of_yaw + of_up) * true.is_known).sum() / true.is_known.sum().clamp(min=1)


def _level(up: Float[Tensor, "images 3"]) -> tuple[Float[Tensor, "images 3"], Float[Tensor, "images 3"]]:
    """Right and forward of a camera, at right angles to up, in the axes of its view."""
    optical_axis = up.new_tensor([0.0, 0.0, 1.0])
    forward = normalize(optical_axis - up[:, 2:] * up, dim=1)
    return torch.linalg.cross(forward, up), forward
