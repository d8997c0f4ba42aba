"""The frames of a pose: world, root-relative, of a view, and canonical (the person's yaw removed).

World is right-handed with Z up. The canonical frame is the paper's equation 3, with the two-argument arctangent: the
left hip always lies on +X, so that an upright person faces -Y. A plain arctan(v_y / v_x) would turn every person whose
hip vector points to -X by 180 degrees.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mcss.skeleton import FLIP_ORDER, LEFT_HIP, PELVIS, VERTICAL_HIP


def to_root(pose_world: Float[Tensor, "*batch 17 3"]) -> Float[Tensor, "*batch 17 3"]:
    """Subtract each pose's own pelvis; axes and unit are kept."""
    return pose_world - pose_world[..., PELVIS : PELVIS + 1, :]


def rotate(points: Float[Tensor, "*batch points 3"], rotation: Float[Tensor, "*batch 3 3"]) -> Tensor:
    """Turn points by the rotation of their set: of a pose from the world's axes into those of a view, and the like.

    Term by term: autocast would round a matrix product to bf16, which moves a joint by millimetres.
    """
    return (points.unsqueeze(-2) * rotation.unsqueeze(-3)).sum(dim=-1)


def between_views(
    points: Float[Tensor, "*batch points 3"],
    from_view: Float[Tensor, "*batch 3 3"],
    to_view: Float[Tensor, "*batch 3 3"],
) -> Float[Tensor, "*batch points 3"]:
    """Turn points from the axes of one view into those of another; both are rotations from the world."""
    return rotate(rotate(points, from_view.mT), to_view)


def is_degenerate(pose_root: Float[Tensor, "*batch 17 3"]) -> Bool[Tensor, "*batch"]:
    """Whether yaw is undefined: the hip bone (pelvis to left hip) is vertical (``VERTICAL_HIP``) or has no length."""
    hip = pose_root[..., LEFT_HIP, :] - pose_root[..., PELVIS, :]
    return hip[..., :2].norm(dim=-1) <= VERTICAL_HIP * hip.norm(dim=-1)


def rotate_about_z(pose: Float[Tensor, "*batch 17 3"], angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 17 3"]:
    """Turn poses about +Z by ``angle`` radians, counter-clockwise seen from above."""
    cos, sin = angle.cos().unsqueeze(-1), angle.sin().unsqueeze(-1)
    x, y, z = pose.unbind(-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y, z], dim=-1)


def to_canonical(
    pose_root: Float[Tensor, "*batch 17 3"],
) -> tuple[Float[Tensor, "*batch 17 3"], Float[Tensor, "*batch"]]:
    """Turn poses about +Z until the left hip lies on +X, as seen from above.

    With v = LHip - Pelvis, the angle is theta = -atan2(v_y, v_x). Poses for which ``is_degenerate`` holds have no such
    angle and are left as they are, with theta = 0; count them with that function.

    Returns:
        ``pose_canonical``, in the unit of ``pose_root``, and theta in radians, so that
        ``rotate_about_z(pose_canonical, -theta)`` gives ``pose_root`` back.
    """
    hip = pose_root[..., LEFT_HIP, :] - pose_root[..., PELVIS, :]
    yaw = -torch.atan2(hip[..., 1], hip[..., 0])
    yaw = yaw.masked_fill(is_degenerate(pose_root), 0.0)
    return rotate_about_z(pose_root, yaw), yaw


def flip_canonical(pose_canonical: Float[Tensor, "*batch 17 3"]) -> Float[Tensor, "*batch 17 3"]:
    """Mirror poses as a horizontally flipped image shows them: swap left and right joints, then negate x.

    Only the canonical frame has the person's plane of symmetry at x = 0: in any other frame the result is a pose that
    the mirrored image does not show.
    """
    swapped = pose_canonical[..., list(FLIP_ORDER), :]
    return swapped * swapped.new_tensor([-1.0, 1.0, 1.0])
