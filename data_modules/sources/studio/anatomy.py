"""Where a point of the body's surface is, in terms that clothes are cut in: how far along an arm or a leg, how high.

All coordinates are continuous functions of the point's place in the rest pose, not of the triangle that it lies on. So
a border of a garment is a cut through the body, equally clean at any resolution.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from data_modules.sources.studio.body import Body

Points = Float[np.ndarray, "points 3"]
Values = Float[np.ndarray, " points"]

SIDE_MM = 110.0
"""Depth of the chest and of the back before and behind the trunk's middle."""
ARM_RADIUS_MM = 75.0
"""How far below the middle of a spread arm the trunk begins."""


@dataclass(frozen=True, eq=False)
class Limb:
    """The left arm or leg in the rest pose: its upper joint, its middle joint, its end."""

    start_mm: Float[np.ndarray, " 3"]
    middle_mm: Float[np.ndarray, " 3"]
    end_mm: Float[np.ndarray, " 3"]

    @cached_property
    def outward(self) -> Float[np.ndarray, " 2"]:
        """Direction in the plane of X and Z at right angles to the limb, away from the body."""
        along = (self.middle_mm - self.start_mm)[[0, 2]]
        return np.array([-along[1], along[0]]) / np.linalg.norm(along)

    def reach(self, points: Points) -> Values:
        """How far along the limb: 0 at its upper joint, 1 at the middle joint, 2 at its end; beyond, linear."""
        upper, lower = self.middle_mm - self.start_mm, self.end_mm - self.middle_mm
        upper, lower = upper / (upper @ upper), lower / (lower @ lower)
        first, second = points @ upper - self.start_mm @ upper, points @ lower - self.middle_mm @ lower
        return np.minimum(first, 1.0) + np.maximum(second, 0.0)

    def around(self, points: Points, reach: Values) -> Values:
        """Angle around the limb's axis, radians in [-pi, pi], 0 in front."""
        first, second = np.clip(reach, 0.0, 1.0)[:, None], np.clip(reach - 1.0, 0.0, 1.0)[:, None]
        upper, lower = self.middle_mm - self.start_mm, self.end_mm - self.middle_mm
        offset = points - (self.start_mm + first * upper + second * lower)
        return np.arctan2(offset[:, [0, 2]] @ self.outward, -offset[:, 1])


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Landmarks of a bare body in the rest pose, mm, origin between the hips; at rest it faces -Y with its left at +X.

    Attributes:
        origin_mm: of these coordinates, in those of the body's rest pose.
        arm, leg: the left ones; the right ones are their mirror images.
        waist_mm, neck_mm, chin_mm, crown_mm, floor_mm: heights.
        trunk_y_mm: depth of the trunk's middle.
        ear_y_mm: depth of the ears.
        eye_mm: middle of the left eye.
        face_y_mm: depth of the skin before the eyes.
    """

    origin_mm: Float[np.ndarray, " 3"]
    arm: Limb
    leg: Limb
    waist_mm: float
    neck_mm: float
    chin_mm: float
    crown_mm: float
    floor_mm: float
    trunk_y_mm: float
    ear_y_mm: float
    eye_mm: Float[np.ndarray, " 3"]
    face_y_mm: float


def anatomy_of(body: Body) -> Anatomy:
    """Find the landmarks of a bare body."""
    heads = dict(zip(body.bones, body.rest_heads_mm, strict=True))
    origin = (heads["upperleg01.L"] + heads["upperleg01.R"]) / 2
    heads = {bone: head - origin for bone, head in heads.items()}
    vertices = body.rest_vertices_mm - origin
    eye, crown = heads["eye.L"], float(body.crown_rest_mm[2] - origin[2])
    # The face is as long below the eyes as the head is high above them.
    chin = float(eye[2] - 0.86 * (crown - eye[2]))
    before_eyes = np.linalg.norm(vertices[:, [0, 2]] - eye[[0, 2]], axis=1) < 25
    return Anatomy(
        origin_mm=origin,
        arm=Limb(heads["upperarm01.L"], heads["lowerarm01.L"], heads["wrist.L"]),
        leg=Limb(heads["upperleg01.L"], heads["lowerleg01.L"], heads["foot.L"]),
        waist_mm=float(heads["spine04"][2]) + 20.0,
        neck_mm=float(heads["neck01"][2]),
        chin_mm=chin,
        crown_mm=crown,
        floor_mm=float(vertices[:, 2].min()),
        trunk_y_mm=float(heads["spine02"][1]) - 30.0,
        ear_y_mm=float(heads["head"][1]),
        eye_mm=eye,
        face_y_mm=float(vertices[before_eyes, 1].min()),
    )


@dataclass(frozen=True, eq=False)
class Place:
    """Points of the rest pose, and the coordinates that clothes are cut in.

    Attributes:
        has_limbs: whether arms and legs have coordinates of their own; on a skirt they have not.
    """

    anatomy: Anatomy
    points_mm: Points
    has_limbs: bool = True

    @cached_property
    def mirrored(self) -> Points:
        """The points, those of the right half on the left."""
        return np.concatenate([np.abs(self.points_mm[:, :1]), self.points_mm[:, 1:]], axis=1)

    @cached_property
    def height_mm(self) -> Values:
        """Above the hips."""
        return self.points_mm[:, 2]

    @cached_property
    def arm_reach(self) -> Values:
        """Along the arm, see ``Limb.reach``."""
        return self.anatomy.arm.reach(self.mirrored)

    @cached_property
    def leg_reach(self) -> Values:
        """Along the leg, see ``Limb.reach``."""
        return self.anatomy.leg.reach(self.mirrored)

    @cached_property
    def by_arm(self) -> Bool[np.ndarray, " points"]:
        """On the arm's side of a plane along the spread arm that passes through the armpit."""
        arm = self.anatomy.arm
        return (self.mirrored[:, [0, 2]] - arm.start_mm[[0, 2]]) @ arm.outward > -ARM_RADIUS_MM

    @cached_property
    def is_arm(self) -> Bool[np.ndarray, " points"]:
        """On an arm or hand."""
        return self.has_limbs & self.by_arm & (self.arm_reach > 0)

    @cached_property
    def is_leg(self) -> Bool[np.ndarray, " points"]:
        """On a leg or foot."""
        return self.has_limbs & ~self.is_arm & (self.leg_reach > 0.15)

    @cached_property
    def is_front(self) -> Bool[np.ndarray, " points"]:
        """On the front half of the trunk."""
        return self.points_mm[:, 1] < self.anatomy.trunk_y_mm

    @cached_property
    def row_mm(self) -> Values:
        """Along the trunk, an arm or a leg: where a pattern's rows are."""
        arm = np.where(self.is_arm, 280.0 * self.arm_reach, self.height_mm)
        return np.where(self.is_leg, -420.0 * self.leg_reach, arm)

    @cached_property
    def column_mm(self) -> Values:
        """Around the trunk, an arm or a leg: where a pattern's columns are; seams are where real clothes have them."""
        x, y, z = self.points_mm.T
        below_armpit = np.clip((self.anatomy.arm.start_mm[2] - 60 - z) / 60, 0, 1)
        depth = np.maximum(SIDE_MM - np.abs(y - self.anatomy.trunk_y_mm), 0)
        column = x + 0.8 * np.sign(x) * below_armpit * depth
        for limb, chosen, reach, radius_mm in (
            (self.anatomy.arm, self.is_arm, self.arm_reach, 50.0),
            (self.anatomy.leg, self.is_leg, self.leg_reach, 80.0),
        ):
            column[chosen] = radius_mm * limb.around(self.mirrored[chosen], reach[chosen])
        return column
