"""Legs that reach for a place: inverse kinematics of two bones, and feet that roll over heel and ball."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from data_modules.sources.studio.body import Body
from data_modules.sources.studio.kinematics import about

SIDES = ("left", "right")
STRAIGHTEST = 0.997
"""Distance from hip to ankle of a leg that reaches as far as it may, as a share of its two bones' lengths."""
HEEL_BAND_MM = 30.0
"""Vertices of a foot so near to its sole may be its heel."""
STRIKE_S, PUSH_S = 0.12, 0.3
"""How long a sole takes to come down on the floor, and a heel to rise from it."""
TOES = tuple(f"toe{number}-1" for number in range(1, 6))


@dataclass(frozen=True, eq=False)
class Leg:
    """One leg of a body, measured in the reference pose.

    Attributes:
        hip_mm: head of the thigh bone, from the head of the root bone.
        thigh_hang, shin_hang: rotation after which that bone hangs down.
        sole_mm: height of the ankle above the floor when the foot stands flat.
        heel_mm: back end of the sole, over which the foot rolls with its toes up, from the ankle.
        ball_mm: where the toes begin, over which the foot rolls with its heel up, from the ankle.
        tip_mm: front end of the sole, from the ankle.
        foot_vertices: whether each vertex of the body is of this foot.
    """

    letter: str
    hip_mm: Float[np.ndarray, " 3"]
    thigh_mm: float
    shin_mm: float
    thigh_hang: Rotation
    shin_hang: Rotation
    sole_mm: float
    heel_mm: Float[np.ndarray, " 3"]
    ball_mm: Float[np.ndarray, " 3"]
    tip_mm: Float[np.ndarray, " 3"]
    foot_vertices: Bool[np.ndarray, " vertices"]

    @property
    def length_mm(self) -> float:
        """Of thigh and shin together."""
        return self.thigh_mm + self.shin_mm

    def rolled(self, roll_rad: Float[np.ndarray, " instants"]) -> Float[np.ndarray, "instants 3"]:
        """How far the ankle of a foot that faces -Y moves as it rolls: positive over the ball, negative the heel."""
        pivot = np.where(roll_rad[:, None] > 0, self.ball_mm, self.heel_mm)
        return pivot - about("x", roll_rad).apply(pivot)

    def lowest_mm(self, foot: Rotation, toe_rad: Float[np.ndarray, " instants"]) -> Float[np.ndarray, " instants"]:
        """Height of the lowest point of the sole above the ankle; see ``Tread``."""
        tip = self.ball_mm + about("x", -toe_rad).apply(self.tip_mm - self.ball_mm)
        points = self.heel_mm, np.array([*self.ball_mm[:2], -self.sole_mm]), tip
        return np.min([foot.apply(point)[:, 2] for point in points], axis=0)

    def short_mm(
        self, hip_mm: Float[np.ndarray, "instants 3"], ankle_mm: Float[np.ndarray, "instants 3"]
    ) -> Float[np.ndarray, " instants"]:
        """How far the hip has to come down until the leg reaches the ankle; 0 where it does."""
        away = np.linalg.norm((ankle_mm - hip_mm)[:, :2], axis=1)
        highest = np.sqrt(np.maximum((STRAIGHTEST * self.length_mm) ** 2 - away**2, 0.0))
        return np.maximum(hip_mm[:, 2] - ankle_mm[:, 2] - highest, 0.0)

    def reach(
        self,
        pelvis: Rotation,
        hip_mm: Float[np.ndarray, "instants 3"],
        ankle_mm: Float[np.ndarray, "instants 3"],
        hinge: Float[np.ndarray, "instants 3"],
        foot: Rotation,
        toe_rad: Float[np.ndarray, " instants"],
    ) -> dict[str, Rotation]:
        """Rotations of the leg's bones that put the ankle at ``ankle_mm``.

        Args:
            pelvis: rotation of the root bone.
            hip_mm: head of the thigh bone.
            ankle_mm: where the head of the foot should be.
            hinge: axis in the world about which the knee should bend; what of it lies along the leg is left out.
            foot: rotation of the foot in the world from the reference pose.
            toe_rad: how far the toes bend up from the foot.
        """
        way = ankle_mm - hip_mm
        long = np.linalg.norm(way, axis=1)
        down = way / long[:, None]
        axis = hinge - (hinge * down).sum(axis=1, keepdims=True) * down
        axis /= np.linalg.norm(axis, axis=1, keepdims=True)
        long = np.clip(long, 0.25 * self.length_mm, STRAIGHTEST * self.length_mm)
        knee = np.pi - _corner(self.thigh_mm, self.shin_mm, long)
        lean = _corner(self.thigh_mm, long, self.shin_mm)[:, None]
        thigh = np.cos(lean) * down - np.sin(lean) * np.cross(axis, down)
        turn = Rotation.from_matrix(np.stack([axis, np.cross(axis, thigh), -thigh], axis=2))
        bend = about("x", knee)
        rotations = {
            "upperleg01": pelvis.inv() * turn * self.thigh_hang,
            "lowerleg01": self.thigh_hang.inv() * bend * self.shin_hang,
            "foot": (turn * bend * self.shin_hang).inv() * foot,
        }
        rotations |= dict.fromkeys(TOES, about("x", -toe_rad))
        return {f"{bone}.{self.letter}": rotation for bone, rotation in rotations.items()}


def legs_of(body: Body) -> dict[str, Leg]:
    """Measure both legs of a body."""
    vertices = body.posture({}, np.zeros((1, 3))).vertices_mm[0]
    return {side: _measure(body, vertices, side[0].upper()) for side in SIDES}


def _measure(body: Body, vertices_mm: Float[np.ndarray, "vertices 3"], letter: str) -> Leg:
    root = body.heads_mm[body.index["root"]]
    hip, knee, ankle = (
        body.heads_mm[body.index[f"{bone}.{letter}"]] - root for bone in ("upperleg01", "lowerleg01", "foot")
    )
    of_foot = np.array([bone.startswith(("foot", "toe")) and bone.endswith(letter) for bone in body.vertex_bones])
    foot = vertices_mm[of_foot]
    floor = foot[:, 2].min()
    toes = np.mean([body.heads_mm[body.index[f"{toe}.{letter}"]] for toe in TOES], axis=0) - root
    heel_y = foot[foot[:, 2] < floor + HEEL_BAND_MM, 1].max()
    return Leg(
        letter,
        hip,
        float(np.linalg.norm(knee - hip)),
        float(np.linalg.norm(ankle - knee)),
        _hang(knee - hip),
        _hang(ankle - knee),
        float(ankle[2] - floor),
        np.array([0.0, heel_y - ankle[1], floor - ankle[2]]),
        toes - ankle,
        np.array([toes[0] - ankle[0], foot[:, 1].min() - ankle[1], floor - ankle[2]]),
        of_foot,
    )


def _hang(bone: Float[np.ndarray, " 3"]) -> Rotation:
    return Rotation.align_vectors(np.array([[0.0, 0.0, -1.0]]), bone[None])[0]


def _corner(
    a: float, b: float | Float[np.ndarray, " instants"], opposite: float | Float[np.ndarray, " instants"]
) -> Float[np.ndarray, " instants"]:
    """Angle of a triangle between its sides ``a`` and ``b``."""
    return np.arccos(np.clip((a**2 + b**2 - opposite**2) / (2 * a * b), -1.0, 1.0))


class Footing(NamedTuple):
    """One place where a foot is, from when it comes there until it leaves.

    Attributes:
        ankle_mm: of the foot before it rolls.
        turn: rotation vector of the foot from the reference pose, in the world, before it rolls.
        come_rad, stand_rad, go_rad: how far the foot is rolled as it comes, while it stays, and as it leaves; positive
            with the heel up, negative with the toes up.
        lift_mm: how high the foot is carried on its way here.
    """

    land_s: float
    leave_s: float
    ankle_mm: Float[np.ndarray, " 3"]
    turn: Float[np.ndarray, " 3"]
    come_rad: float = 0.0
    stand_rad: float = 0.0
    go_rad: float = 0.0
    lift_mm: float = 0.0


class Tread(NamedTuple):
    """Where a foot is at some times: ankle, rotation in the world from the reference pose, bend of the toes."""

    ankle_mm: Float[np.ndarray, "instants 3"]
    foot: Rotation
    toe_rad: Float[np.ndarray, " instants"]


def tread(leg: Leg, footings: list[Footing], time_s: Float[np.ndarray, " instants"]) -> Tread:
    """Follow a foot from footing to footing: on the floor it rolls in its place, in between it swings."""
    land, leave, come, stand, go, lift = (
        np.array([getattr(footing, name) for footing in footings])
        for name in ("land_s", "leave_s", "come_rad", "stand_rad", "go_rad", "lift_mm")
    )
    ankles = np.stack([footing.ankle_mm for footing in footings])
    turns = Rotation.from_rotvec(np.stack([footing.turn for footing in footings]))
    here = np.clip(np.searchsorted(land, time_s, side="right") - 1, 0, len(land) - 1)
    there = np.minimum(here + 1, len(land) - 1)
    rising_s = np.clip(leave[here] - land[here], 1e-9, PUSH_S)
    settled, risen = smooth((time_s - land[here]) / STRIKE_S), smooth(1 - (leave[here] - time_s) / rising_s)
    share = np.clip((time_s - leave[here]) / np.maximum(land[there] - leave[here], 1e-9), 0.0, 1.0)
    way = smooth(share)
    roll = come[here] + (stand - come)[here] * settled + (go - stand)[here] * risen
    roll = roll + (come[there] - roll) * way
    turn = turns[here] * Rotation.from_rotvec((turns[here].inv() * turns[there]).as_rotvec() * way[:, None])
    ankle = ankles[here] + (ankles[there] - ankles[here]) * way[:, None] + turn.apply(leg.rolled(roll))
    ankle[:, 2] += lift[there] * np.sin(np.pi * share) ** 2
    foot = turn * about("x", roll)
    toe = np.maximum(roll, 0) * (1 - way * (stand[there] <= 0))
    ankle[:, 2] += np.maximum(-leg.lowest_mm(foot, toe) - ankle[:, 2], 0.0)
    return Tread(ankle, foot, toe)


def smooth(share: Float[np.ndarray, " instants"]) -> Float[np.ndarray, " instants"]:
    """From 0 to 1 with no speed at either end; constant before and after."""
    share = np.clip(share, 0.0, 1.0)
    return share**3 * (10 - 15 * share + 6 * share**2)
