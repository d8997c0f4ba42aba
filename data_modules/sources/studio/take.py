"""A take: what one body does over the time of a clip, first written down in tracks, then acted at any times."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation

from data_modules.sources.studio.body import Body, Posture
from data_modules.sources.studio.furniture import Seat
from data_modules.sources.studio.kinematics import about, arm_rotations, bone_rotations, leg_turn
from data_modules.sources.studio.legs import PUSH_S, SIDES, Footing, legs_of, tread
from data_modules.sources.studio.poses import ANGLES, ARM, LIMITS_RAD

BUTTOCKS = ("pelvis", "upperleg01")
"""Bones whose vertices rest on a seat."""
THIGHS_AND_BACK = ("upperleg", "root", "spine")
"""Bones whose vertices rest on the floor beside these."""
HAND = ("wrist", "finger", "metacarpal")
RAISED_ARM: Float[np.ndarray, " 4"] = np.radians([40.0, 30.0, 10.0, 85.0])
"""Angles of an arm whose hand is well above the floor somebody sits on."""
KNEE_UP_MM = 60.0
"""How far a knee that is bent sideways on the floor moves up, at most, as its foot is lifted to the floor."""
HAND_STEPS, SETTLING_STEPS = 6, 4
ALWAYS_S = 1e6
"""A time after all clips."""
GRAVITY_MM_S2 = 9810.0
HANGING_TOES_RAD = 0.7
"""How far the toes of a jumper hang down in the middle of the flight."""

Angles = Float[np.ndarray, " angles"]


class Place(NamedTuple):
    """Where the root bone is at a time, and how it is turned."""

    x_mm: float
    y_mm: float
    z_mm: float
    yaw_rad: float

    @classmethod
    def at(cls, xy_mm: Float[np.ndarray, " 2"], z_mm: float, yaw_rad: float) -> "Place":
        """Place above a point of the floor."""
        return cls(float(xy_mm[0]), float(xy_mm[1]), z_mm, yaw_rad)

    @property
    def xy_mm(self) -> Float[np.ndarray, " 2"]:
        """Place in the plane."""
        return np.array([self.x_mm, self.y_mm])


class Jump(NamedTuple):
    """A flight of both feet from ``start_s``, ``height_mm`` high."""

    start_s: float
    height_mm: float

    @property
    def flight_s(self) -> float:
        """How long it lasts."""
        return float(np.sqrt(8 * self.height_mm / GRAVITY_MM_S2))


@dataclass(eq=False)
class Take:
    """Tracks of a body: joint angles, place of the root bone, footings of either foot, and jumps.

    With a seat the buttocks rest on it. A body without footings sits on the floor.
    """

    body: Body
    seat: Seat | None = None
    angle_keys: list[tuple[float, Angles]] = field(default_factory=list)
    places: list[tuple[float, Place]] = field(default_factory=list)
    footings: dict[str, list[Footing]] = field(default_factory=lambda: {side: [] for side in SIDES})
    jumps: list[Jump] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.legs = legs_of(self.body)
        resting = BUTTOCKS if self.seat else (*BUTTOCKS, *THIGHS_AND_BACK)
        self.resting = np.array([bone.startswith(resting) for bone in self.body.vertex_bones])

    def key(self, time_s: float, angles_rad: Angles, place: Place) -> None:
        """Write down a posture and a place after those that are there."""
        self.angle_keys.append((time_s, angles_rad))
        self.places.append((time_s, place))

    def step(self, side: str, leave_s: float, footing: Footing, push_rad: float = 0.0) -> None:
        """Take a foot from where it is at ``leave_s`` to another footing; the first footing is simply there.

        Its heel is ``push_rad`` up then, or as far as it was; less if it has no time to rise.
        """
        if self.footings[side]:
            old = self.footings[side][-1]
            push_rad *= min(1.0, (leave_s - old.land_s) / PUSH_S)
            self.footings[side][-1] = old._replace(leave_s=leave_s, go_rad=max(push_rad, old.stand_rad))
        self.footings[side].append(footing)

    def act(
        self,
        time_s: Float[np.ndarray, " instants"],
        angle_sway_rad: Float[np.ndarray, "instants angles"],
        place_sway_mm: Float[np.ndarray, "instants 2"],
    ) -> Posture:
        """Postures at ``time_s``; the sways are added to the tracks."""
        angles = np.clip(_follow(self.angle_keys, time_s) + angle_sway_rad, LIMITS_RAD[:, 0], LIMITS_RAD[:, 1])
        named = dict(zip(ANGLES, angles.T, strict=True))
        place = _follow(self.places, time_s)
        root = place[:, :3] + np.pad(place_sway_mm, ((0, 0), (0, 1)))
        rotations = bone_rotations(self.body, named, place[:, 3])
        if self.seat:
            for _ in range(
                SETTLING_STEPS
            ):  # how the thighs lie depends on how high the hips are, and the other way round
                root[:, 2] += self.seat.top_mm - self._lowest_resting(rotations, root)
                root = self._stand(rotations, root, named, time_s)
        elif self.footings["left"]:
            root = self._stand(rotations, root, named, time_s)
        else:
            root = self._sit_on_floor(rotations, root * [1, 1, 0], named)
        posture = self.body.posture(rotations, root)
        # Footings keep soles on the floor to a few millimetres; nothing may be below it.
        rise = np.zeros((len(time_s), 1, 3))
        rise[:, 0, 2] = np.maximum(-self.body.lowest_mm(posture.vertices_mm), 0)
        return Posture(posture.joints_mm + rise, posture.vertices_mm + rise)

    def _lowest_resting(
        self, rotations: dict[str, Rotation], root_mm: Float[np.ndarray, "instants 3"]
    ) -> Float[np.ndarray, " instants"]:
        """Height of the lowest vertex that should rest on something."""
        return self.body.posture(rotations, root_mm).vertices_mm[:, self.resting, 2].min(axis=1)

    def _sit_on_floor(
        self,
        rotations: dict[str, Rotation],
        root_mm: Float[np.ndarray, "instants 3"],
        angles: dict[str, Float[np.ndarray, " instants"]],
    ) -> Float[np.ndarray, "instants 3"]:
        """Put the body on the floor, and lift hands and feet that would be below it; return where the root bone is."""
        up = np.array([0.0, 0.0, 1.0])
        root_mm = root_mm - self._lowest_resting(rotations, root_mm)[:, None] * up
        self._lift_hands(rotations, root_mm, angles)
        turns, heads = self.body.forward_kinematics(rotations, root_mm)
        vertices = self.body.posture(rotations, root_mm).vertices_mm
        pelvis = rotations["root"]
        for leg in self.legs.values():
            foot = self.body.index[f"foot.{leg.letter}"]
            below = np.maximum(-vertices[:, leg.foot_vertices, 2].min(axis=1), 0.0)
            hip, ankle = root_mm + pelvis.apply(leg.hip_mm), heads[:, foot] + below[:, None] * up
            # The knee stays on the side on which it is; that of a straight leg goes up.
            knee = heads[:, self.body.index[f"lowerleg01.{leg.letter}"]] + KNEE_UP_MM * up
            hinge = np.cross(knee - hip, ankle - hip)
            turn = Rotation.from_matrix(turns[:, foot])
            rotations |= leg.reach(pelvis, hip, ankle, hinge, turn, np.zeros(len(root_mm)))
        return root_mm

    def _lift_hands(
        self,
        rotations: dict[str, Rotation],
        root_mm: Float[np.ndarray, "instants 3"],
        angles: dict[str, Float[np.ndarray, " instants"]],
    ) -> None:
        """Bring arms whose hands would be below the floor towards ``RAISED_ARM``, no farther than they need."""
        for side in SIDES:
            names = [f"{side}_arm_{part}" for part in ARM]
            hand = np.array(
                [bone.startswith(HAND) and bone.endswith(side[0].upper()) for bone in self.body.vertex_bones]
            )
            least, most = np.zeros(len(root_mm)), np.ones(len(root_mm))
            for _ in range(HAND_STEPS):
                share = (least + most) / 2
                raised = {n: angles[n] + share * (v - angles[n]) for n, v in zip(names, RAISED_ARM, strict=True)}
                rotations |= arm_rotations(self.body, angles | raised, side)
                above = self.body.posture(rotations, root_mm).vertices_mm[:, hand, 2].min(axis=1) > 0
                least, most = np.where(above, least, share), np.where(above, share, most)

    def _stand(
        self,
        rotations: dict[str, Rotation],
        root_mm: Float[np.ndarray, "instants 3"],
        angles: dict[str, Float[np.ndarray, " instants"]],
        time_s: Float[np.ndarray, " instants"],
    ) -> Float[np.ndarray, "instants 3"]:
        """Put both feet on their footings: set the legs' rotations, and return where the root bone is then."""
        pelvis = rotations["root"]
        height, hang = self._flight(time_s)
        treads = {}
        for side, leg in self.legs.items():
            ankle, foot, toe = tread(leg, self.footings[side], time_s)
            ankle = ankle + foot.apply(leg.rolled(hang)) + height[:, None] * [0, 0, 1]
            treads[side] = (ankle, foot * about("x", hang), toe)
        root = root_mm + height[:, None] * [0, 0, 1]
        if not self.seat:
            short = [leg.short_mm(root + pelvis.apply(leg.hip_mm), treads[side][0]) for side, leg in self.legs.items()]
            root[:, 2] -= np.maximum(*short)
        for side, leg in self.legs.items():
            ankle, foot, toe = treads[side]
            hinge = (pelvis * leg_turn(angles, side)).apply([1.0, 0.0, 0.0])
            rotations |= leg.reach(pelvis, root + pelvis.apply(leg.hip_mm), ankle, hinge, foot, toe)
        return root

    def _flight(
        self, time_s: Float[np.ndarray, " instants"]
    ) -> tuple[Float[np.ndarray, " instants"], Float[np.ndarray, " instants"]]:
        """Height of the soles of a jumper, and how far the toes hang."""
        height, hang = np.zeros_like(time_s), np.zeros_like(time_s)
        for jump in self.jumps:
            share = np.clip((time_s - jump.start_s) / jump.flight_s, 0.0, 1.0)
            height += 4 * jump.height_mm * share * (1 - share)
            hang += HANGING_TOES_RAD * np.sin(np.pi * share) ** 2
        return height, hang


def _follow(
    track: list[tuple[float, Angles]] | list[tuple[float, Place]], time_s: Float[np.ndarray, " instants"]
) -> Float[np.ndarray, "instants values"]:
    """Values of a track at some times: smooth, and never beyond the neighbouring keys."""
    keys = np.array([key for key, _ in track])
    values = np.stack([np.asarray(value, dtype=np.float64) for _, value in track])
    return PchipInterpolator(keys, values)(np.clip(time_s, keys[0], keys[-1]))
