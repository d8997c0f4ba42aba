"""An actor: one person in one clip, who takes key poses in the person's own style and writes them into a take."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from data_modules.sources.studio.body import Body
from data_modules.sources.studio.furniture import FREE_RADIUS_MM, Seat
from data_modules.sources.studio.kinematics import bone_rotations
from data_modules.sources.studio.legs import SIDES, Footing
from data_modules.sources.studio.poses import ANGLES, KEY_POSES, LIMITS_RAD, TORSO, KeyPose
from data_modules.sources.studio.style import OTHER_HAND_SHARE, Style
from data_modules.sources.studio.take import ALWAYS_S, Angles, Place, Take
from mcss.skeleton import JOINTS

VARIATION_RAD, DRIFT_RAD = 0.055, 0.02
"""Spread of each joint angle between two times that somebody takes a key pose, and while it is held."""
KEEP_FROM_SEAT_MM = 600.0
"""Nobody who does not sit comes nearer to the middle of the chair."""
MARGIN_MM = 110.0
"""Room for the sway of somebody whose way just keeps clear."""
FACING_UP, LEVEL_RAD, HIGHEST_HEEL_RAD = -0.3, 0.3, 0.7
"""A foot stands unless its sole faces up (cosine to upright): flat, or on its ball if it is steeper than the angle."""
STAYS_MM, STAYS_RAD = 45.0, 0.25
"""A foot that should move or turn less stays where it is."""
STEP_LIFT_MM, STEP_LIFT_SHARE = 40.0, 0.2
"""How high a foot is carried at most, and as a share of its way; more where it turns."""
TURN_AS_MM = 250.0
"""A turn by 1 rad decides as much as such a way which foot steps first."""
STEP_PUSH_RAD, STEP_WITH_PUSH_MM = 0.35, 100.0
"""How far the heel is up when a foot leaves for a place that is farther away."""
SITTERS_REACH = 0.96
"""How far the ankle of a sitter is from the hip at most, as a share of the leg's length."""
BEHIND_SEAT_MM = 40.0
"""How far behind the hips of a sitter the middle of the seat is, at least."""
BACK_REST_MM = 165.0
"""From the middle of the seat to its back rest."""

MIDFOOT_MM, BALANCE_SHARE = 40.0, 0.7
"""How far the centre of mass is ahead of the ankles in balance, and how much of the difference is made up."""
_MASS_SHARES = {
    "HeadTop": 0.04, "Neck": 0.04, "Thorax": 0.24, "Spine": 0.15, "Pelvis": 0.13, "LElbow": 0.03, "RElbow": 0.03,
    "LWrist": 0.02, "RWrist": 0.02, "LKnee": 0.12, "RKnee": 0.12, "LAnkle": 0.03, "RAnkle": 0.03,
}  # fmt: skip
MASSES = np.array([_MASS_SHARES.get(joint, 0.0) for joint in JOINTS])
"""Share of a body's mass that is counted at each joint."""

_UPPER = np.array([name in TORSO or "arm" in name for name in ANGLES])


class Ground(NamedTuple):
    """A disc of the floor on which nothing stands."""

    center_mm: Float[np.ndarray, " 2"]
    radius_mm: float

    def nearest(self, xy_mm: Float[np.ndarray, " 2"]) -> Float[np.ndarray, " 2"]:
        """Point of the disc nearest to ``xy_mm``."""
        away = xy_mm - self.center_mm
        return self.center_mm + away * min(1.0, self.radius_mm / max(float(np.linalg.norm(away)), 1e-9))


def free_ground(seat: Seat) -> Ground:
    """Find the largest disc within the room's free disc that keeps clear of the seat."""
    distance = float(np.linalg.norm(seat.center_mm))
    away = -seat.center_mm / distance if distance else np.array([1.0, 0.0])
    radius = (FREE_RADIUS_MM + distance - KEEP_FROM_SEAT_MM) / 2
    return Ground((FREE_RADIUS_MM - radius) * away, radius - MARGIN_MM)


class Stance(NamedTuple):
    """What holds a posture at yaw 0, with the root bone above the world's origin; left foot, then right.

    Attributes:
        root_mm: height of the root bone.
        ahead_mm: how far the root bone is ahead of the middle of the seat.
        ankles_mm: heights above the floor.
        turns: rotation vectors of the feet from the reference pose.
        planted: whether each foot stands on sole or ball; ankles and turns are then those of flat feet.
        heels_rad: how far the heels of planted feet are up.
    """

    root_mm: float
    ahead_mm: float
    ankles_mm: Float[np.ndarray, "2 3"]
    turns: Float[np.ndarray, "2 3"]
    planted: Bool[np.ndarray, " 2"]
    heels_rad: Float[np.ndarray, " 2"]


class Actor:
    """One person in one clip."""

    def __init__(self, body: Body, style: Style, rng: np.random.Generator, seat: Seat | None) -> None:
        self.take = Take(body, seat)
        self.style = style
        self.rng = rng
        self.place = Place(0.0, 0.0, 0.0, 0.0)

    def other_hand(self) -> bool:
        """Draw whether a key pose, written for the right hand, is taken mirrored."""
        return self.style.left_handed != bool(self.rng.random() < OTHER_HAND_SHARE)

    def styled(self, pose: KeyPose, mean_rad: Angles) -> Angles:
        """Joint angles of a key pose as this person takes it this time.

        Gestures of torso and arms depart from ``mean_rad`` by the person's amplitude.
        """
        angles = pose.angles_rad()
        angles = np.where(_UPPER, mean_rad + self.style.amplitude * (angles - mean_rad), angles)
        spread = np.where(_UPPER, VARIATION_RAD, VARIATION_RAD / 2)
        angles = angles + self.style.posture_rad + spread * self.rng.normal(size=len(ANGLES))
        return np.clip(angles, LIMITS_RAD[:, 0], LIMITS_RAD[:, 1])

    def drifted(self, angles_rad: Angles) -> Angles:
        """The same a moment later."""
        return np.clip(angles_rad + DRIFT_RAD * self.rng.normal(size=len(ANGLES)), LIMITS_RAD[:, 0], LIMITS_RAD[:, 1])

    def stance(self, pose: KeyPose, angles_rad: Angles) -> Stance:
        """Find how a posture stands on the floor, or sits on the seat."""
        body, seat = self.take.body, self.take.seat
        rotations = bone_rotations(body, dict(zip(ANGLES, angles_rad[:, None], strict=True)), np.zeros(1))
        turns, heads = (values[0] for values in body.forward_kinematics(rotations, np.zeros((1, 3))))
        posture = body.posture(rotations, np.zeros((1, 3)))
        vertices = posture.vertices_mm[0]
        root, ahead = -float(body.lowest_mm(posture.vertices_mm)[0]), 0.0
        if seat:
            root = seat.top_mm - vertices[self.take.resting, 2].min()
            height = vertices[:, 2] + root - seat.top_mm
            back = vertices[(height > 0) & (height < seat.back_mm) & (np.abs(vertices[:, 0]) < BACK_REST_MM), 1]
            ahead = max(BEHIND_SEAT_MM, float(back.max(initial=0.0)) - BACK_REST_MM * bool(seat.back_mm))
        feet = [body.index[f"foot.{side[0].upper()}"] for side in SIDES]
        ankles = heads[feet]
        if seat:
            near = self._within_reach(ankles, turns[body.index["root"]], float(root))
            ankles = np.where([[side == pose.free] for side in SIDES], ankles, near)
        stance = self._planted(pose, ankles + np.array([0, 0, root]), turns[feet], float(root), ahead)
        if stance.planted.all() and not seat:
            over = MASSES @ posture.joints_mm[0, :, :2] - stance.ankles_mm[:, :2].mean(axis=0) + [0, MIDFOOT_MM]
            stance.ankles_mm[:, :2] += BALANCE_SHARE * over
        return stance

    def _within_reach(
        self, ankles_mm: Float[np.ndarray, "2 3"], pelvis: Float[np.ndarray, "3 3"], root_mm: float
    ) -> Float[np.ndarray, "2 3"]:
        """Bring ankles of a sitter, from the root bone, so near that the legs reach the floor there."""
        near = ankles_mm.copy()
        for foot, leg in enumerate(self.take.legs.values()):
            hip = pelvis @ leg.hip_mm
            farthest = np.sqrt((SITTERS_REACH * leg.length_mm) ** 2 - (hip[2] + root_mm - leg.sole_mm) ** 2)
            way = ankles_mm[foot, :2] - hip[:2]
            near[foot, :2] = hip[:2] + way * min(1.0, farthest / float(np.linalg.norm(way)))
        return near

    def _planted(
        self,
        pose: KeyPose,
        ankles_mm: Float[np.ndarray, "2 3"],
        turns: Float[np.ndarray, "2 3 3"],
        root_mm: float,
        ahead_mm: float,
    ) -> Stance:
        """Put feet whose soles do not face up on their soles, or on their balls with the heels up."""
        vectors, heels, planted = Rotation.from_matrix(turns).as_rotvec(), np.zeros(2), np.zeros(2, dtype=bool)
        heights = ankles_mm[:, 2].copy()
        for foot, (side, leg) in enumerate(self.take.legs.items()):
            if side == pose.free or turns[foot, 2, 2] < FACING_UP:
                continue
            planted[foot] = True
            vectors[foot] = 0, 0, np.arctan2(turns[foot, 1, 0], turns[foot, 0, 0])
            heel = float(np.arcsin(turns[foot, 2, 1]))  # how steeply the toes point down
            if heel > LEVEL_RAD and not self.take.seat:
                heels[foot] = min(heel, HIGHEST_HEEL_RAD)
            rolled = leg.rolled(heels[foot : foot + 1])
            heights[foot] -= leg.sole_mm + rolled[0, 2]
            ankles_mm[foot] = *(ankles_mm[foot] - Rotation.from_rotvec(vectors[foot]).apply(rolled)[0])[:2], leg.sole_mm
        if planted.all() and not self.take.seat:
            root_mm -= heights.min()
        return Stance(root_mm, ahead_mm, ankles_mm, vectors, planted, heels)

    def footing(self, stance: Stance, place: Place, foot: int, land_s: float) -> Footing:
        """Where a foot of a stance is once the root bone is at ``place``."""
        yaw = Rotation.from_rotvec([0, 0, place.yaw_rad])
        ankle = yaw.apply(stance.ankles_mm[foot]) + np.array([place.x_mm, place.y_mm, 0.0])
        turn = (yaw * Rotation.from_rotvec(stance.turns[foot])).as_rotvec()
        heel = float(stance.heels_rad[foot])
        return Footing(land_s, ALWAYS_S, ankle, turn, come_rad=heel, stand_rad=heel)

    def stand(self, stance: Stance, place: Place, start_s: float, end_s: float) -> None:
        """Bring the feet to a stance between two times: those that have to move step one after the other."""
        moving = []
        for foot, side in enumerate(SIDES):
            new, footings = self.footing(stance, place, foot, start_s), self.take.footings[side]
            if not footings:
                self.take.step(side, start_s, new._replace(land_s=-ALWAYS_S))
            elif not (stance.planted[foot] and _is_near(footings[-1], new)):
                moving.append((side, new))
            elif abs(new.stand_rad - footings[-1].stand_rad) > STAYS_RAD:
                old = footings[-1]
                self.take.step(side, start_s, new._replace(land_s=end_s, ankle_mm=old.ankle_mm, turn=old.turn))
        if len(moving) == 2 and not self._left_first(place, [new for _, new in moving]):
            moving.reverse()
        for number, (side, new) in enumerate(moving):
            first = start_s + (end_s - start_s) * (0.04 + number * 0.46 if len(moving) == 2 else 0.2)
            last = first + (end_s - start_s) * (0.5 if len(moving) == 2 else 0.6)
            way = float(np.linalg.norm(new.ankle_mm - self.take.footings[side][-1].ankle_mm))
            turn = Rotation.from_rotvec(self.take.footings[side][-1].turn).inv() * Rotation.from_rotvec(new.turn)
            lift = min(STEP_LIFT_MM, STEP_LIFT_SHARE * way + STEP_LIFT_MM * float(turn.magnitude()))
            push = STEP_PUSH_RAD if way > STEP_WITH_PUSH_MM and _is_level(self.take.footings[side][-1]) else 0.0
            self.take.step(side, first, new._replace(land_s=last, lift_mm=lift), push)

    def _left_first(self, place: Place, new: list[Footing]) -> bool:
        """Whether the left foot steps first: that of the side to which one goes or turns, so that none has to cross."""
        old = [self.take.footings[side][-1] for side in SIDES]
        way = np.mean([b.ankle_mm - a.ankle_mm for a, b in zip(old, new, strict=True)], axis=0)
        left = way[0] * np.cos(place.yaw_rad) + way[1] * np.sin(place.yaw_rad)
        turns = [
            Rotation.from_rotvec(b.turn) * Rotation.from_rotvec(a.turn).inv() for a, b in zip(old, new, strict=True)
        ]
        return bool(left + TURN_AS_MM * np.mean([turn.as_rotvec()[2] for turn in turns]) > 0)

    def standing_place(self, stance: Stance, yaw_rad: float, travel_mm: Float[np.ndarray, " 2"]) -> Place:
        """Where the root bone goes for a stance: its feet stay where they are, as far as may be, but for ``travel_mm``.

        If both feet are and were planted, one of them stays exactly; otherwise the middle of the feet does.
        """
        old = [footings[-1] for footings in self.take.footings.values() if footings]
        if not old:
            return Place.at(self.place.xy_mm + travel_mm, stance.root_mm, yaw_rad)
        turned = Rotation.from_rotvec([0, 0, yaw_rad]).apply(stance.ankles_mm)[:, :2]
        moves = np.stack([footing.ankle_mm[:2] for footing in old]) - turned
        planted = stance.planted.all() and all(_is_level(footing) for footing in old)
        xy = moves[self.rng.integers(2)] if planted else moves.mean(axis=0)
        return Place.at(xy + travel_mm, stance.root_mm, yaw_rad)


def script_mean(names: list[str], mirrored: bool) -> Angles:
    """Mean posture of some key poses."""
    poses = [KEY_POSES[name].mirrored() if mirrored else KEY_POSES[name] for name in names]
    return np.mean([pose.angles_rad() for pose in poses], axis=0)


def _is_near(old: Footing, new: Footing) -> bool:
    """Whether a foot may as well stay where it is."""
    turned = (Rotation.from_rotvec(old.turn).inv() * Rotation.from_rotvec(new.turn)).magnitude()
    return bool(np.linalg.norm(new.ankle_mm - old.ankle_mm) < STAYS_MM and turned < STAYS_RAD)


def _is_level(footing: Footing) -> bool:
    """Whether the foot stands on its sole or its ball."""
    return bool(np.linalg.norm(footing.turn[:2]) < 1e-6)
