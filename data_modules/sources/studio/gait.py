"""Walking: steps along a way, in which the feet do not slide."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from data_modules.sources.studio.actor import Actor, Stance
from data_modules.sources.studio.furniture import Seat
from data_modules.sources.studio.legs import SIDES, Footing
from data_modules.sources.studio.poses import ANGLES, GAIT, KEY_POSES, LIMITS_RAD
from data_modules.sources.studio.take import ALWAYS_S, Angles, Place
from data_modules.sources.studio.ways import draw_way

TURN_A_STEP_RAD = 0.9
"""Steps are shorter where the way turns more in one."""
BOTH_FEET_SHARE = 0.22
"""Share of a step's time that both feet are on the floor."""
STEP_SPREAD, TIME_SPREAD = 0.04, 0.03
"""Difference of one step from the next, as a share of its length and time."""
SIDEWAYS_MM = 9.0
KNEE_SHARE = 0.985
"""Distance of hip and ankle of the leading leg as it lands, as a share of the leg's length."""
SWING_LIFT_MM = 42.0
STEP_VARIATION_RAD = 0.03
FIRST_SHARE = 0.6
"""Length of the first step, as a share of the usual."""
PAUSE_CHANCE = 0.6
"""How often somebody who stops and has key poses takes one, rather than turning back."""
PAUSE_S = (0.1, 0.4)
"""How long somebody stands still before the first step."""
BOUT_S = (6.0, 14.0)
"""How long somebody walks before stopping."""
TURN_STEP_RAD, TURN_STEP_S = 0.8, 0.55
"""Largest turn on the spot for one step of each foot, and its time."""


class Step(NamedTuple):
    """One step: the foot comes down at ``landed_s``, as far along the way as ``to_mm``; the other is at ``from_mm``."""

    side: int
    start_s: float
    landed_s: float
    from_mm: float
    to_mm: float


class Walker:
    """Walks an actor along a way.

    Args:
        prefix: of the walking cycle among the key poses.
    """

    def __init__(self, actor: Actor, prefix: str, seat: Seat) -> None:
        self.actor, self.style, self.rng, self.take = actor, actor.style, actor.rng, actor.take
        self.way = draw_way(seat, self.rng)
        self.sense = int(self.rng.choice([-1, 1]))
        self.way_mm = self.rng.uniform(0, self.way.length_mm)
        self.usual_mm = self.style.step_share * self.take.legs["left"].length_mm
        phases = [KEY_POSES[f"{prefix}_{phase}"] for phase in GAIT]
        if self.style.left_handed:
            phases = [phase.mirrored() for phase in (*phases[2:], *phases[:2])]
        self.phases = [phase.angles_rad() for phase in phases]
        self.mean = np.mean(self.phases, axis=0)

    def walk(self, start_s: float, until_s: float, pause: Callable[[float], float] | None) -> None:
        """Walk from ``start_s`` until after ``until_s``, at times turning back, or pausing for what ``pause`` plays."""
        pose = KEY_POSES["stand"]
        stance = self.actor.stance(pose, self.actor.styled(pose, pose.angles_rad()))
        self.actor.place = Place.at(self.way.at(self.way_mm), stance.root_mm, self._yaw(self.way_mm))
        self.actor.stand(stance, self.actor.place, start_s, start_s)
        now = start_s
        while now < until_s:
            now = self._bout(now + self.rng.uniform(*PAUSE_S), now + self.rng.uniform(*BOUT_S), stance.root_mm)
            now = pause(now) if pause and self.rng.random() < PAUSE_CHANCE else self._turn_back(now, stance)

    def _bout(self, start_s: float, until_s: float, standing_mm: float) -> float:
        """Walk from a stand to a stand; return when both feet are together again."""
        steps = self._steps(start_s, until_s)
        root_mm = self.way_mm
        if not self.take.places or start_s > self.take.places[-1][0]:
            self.take.key(start_s, self._angles(self.mean, 0.0), self.actor.place)
        for step in steps:
            is_last = step is steps[-1]
            root_mm, before_mm = (step.from_mm + step.to_mm) / 2, root_mm
            share = abs(step.to_mm - step.from_mm) / self.usual_mm
            self._swing(step, is_last)
            half_s = (step.start_s + step.landed_s) / 2
            self.take.key(
                half_s,
                self._angles(self.phases[1 + 2 * step.side], share),
                self._passing(step, (before_mm + root_mm) / 2),
            )
            angles = self._angles(self.mean if is_last else self.phases[2 * step.side], share)
            height = standing_mm if is_last else self._contact_mm(abs(step.to_mm - step.from_mm))
            turn = 0.0 if is_last else (2 * step.side - 1) * self.style.hip_turn_rad
            self.actor.place = self._place(root_mm, 0.0, height, turn)
            self.take.key(step.landed_s, angles, self.actor.place)
        self.way_mm = root_mm
        return steps[-1].landed_s

    def _steps(self, start_s: float, until_s: float) -> list[Step]:
        """Draw the steps of a bout; the last brings the feet together."""
        steps: list[Step] = []
        side, now, foot_mm = int(self.rng.integers(2)), start_s, self.way_mm
        step_s = 1 / (self.style.cadence_hz * self.style.tempo**0.5)
        while not steps or steps[-1].from_mm != steps[-1].to_mm:
            longest = TURN_A_STEP_RAD / max(self.way.bend_rad_per_mm(foot_mm), 1e-9)
            uneven = 1 + (1 - 2 * side) * self.style.unevenness + STEP_SPREAD * self.rng.normal()
            length = min(self.usual_mm * uneven, longest) * (1.0 if steps else FIRST_SHARE)
            to_mm = foot_mm + self.sense * length * (now < until_s)
            landed = now + step_s * (1 + TIME_SPREAD * self.rng.normal())
            steps.append(Step(side, now, landed, foot_mm, to_mm))
            side, now, foot_mm = 1 - side, landed, to_mm
        return steps

    def _swing(self, step: Step, is_last: bool) -> None:
        """Write the footing that a step goes to."""
        side, style = SIDES[step.side], self.style
        outside = 1 - 2 * step.side
        yaw = self._yaw(step.to_mm)
        across = outside * style.track_mm / 2 + SIDEWAYS_MM * self.rng.normal()
        xy = self.way.at(step.to_mm) + across * np.array([np.cos(yaw), np.sin(yaw)])
        footing = Footing(
            step.landed_s,
            ALWAYS_S,
            np.array([*xy, self.take.legs[side].sole_mm]),
            np.array([0.0, 0.0, yaw + outside * style.toe_out_rad]),
            come_rad=0.0 if is_last else -style.strike_rad,
            lift_mm=SWING_LIFT_MM,
        )
        leave = step.start_s + BOTH_FEET_SHARE * (step.landed_s - step.start_s)
        self.take.step(side, leave, footing, style.push_rad * min(1.0, abs(step.to_mm - step.from_mm) / self.usual_mm))

    def _passing(self, step: Step, root_mm: float) -> Place:
        """Where the root bone is in the middle of a step: high, and over the other foot."""
        height = self._contact_mm(abs(step.to_mm - step.from_mm)) + self.style.bob_mm
        return self._place(root_mm, -(1 - 2 * step.side) * self.style.shift_mm, height, 0.0)

    def _place(self, way_mm: float, left_mm: float, height_mm: float, turn_rad: float) -> Place:
        """Place beside a point of the way; its yaw goes on from the last place's without a jump."""
        yaw = self._yaw(way_mm)
        xy = self.way.at(way_mm) + left_mm * np.array([np.cos(yaw), np.sin(yaw)])
        return Place.at(xy, height_mm, yaw + turn_rad)

    def _yaw(self, way_mm: float) -> float:
        """Yaw of somebody who walks there, nearest to the last place's."""
        # At yaw 0 a body faces -Y, a quarter turn behind +X.
        yaw = self.way.heading_rad(way_mm) + np.pi / 2 + (np.pi if self.sense < 0 else 0.0)
        last = self.actor.place.yaw_rad
        return float(last + np.mod(yaw - last + np.pi, 2 * np.pi) - np.pi)

    def _contact_mm(self, step_mm: float) -> float:
        """Height of the root bone as a foot comes down one step ahead of the other."""
        leg = self.take.legs["left"]
        across = leg.hip_mm[0] - self.style.track_mm / 2
        down = np.sqrt((KNEE_SHARE * leg.length_mm) ** 2 - (step_mm / 2) ** 2 - across**2)
        return float(leg.sole_mm + down - leg.hip_mm[2])

    def _angles(self, angles_rad: Angles, share: float) -> Angles:
        """Joint angles of a phase of the cycle as this person walks, in a step ``share`` times as long as usual."""
        swing = np.ones(len(ANGLES))
        for side, amount in zip(SIDES, self.style.arm_swing, strict=True):
            swing[[name.startswith(f"{side}_arm") for name in ANGLES]] = amount * share
        variation = STEP_VARIATION_RAD * self.rng.normal(size=len(ANGLES))
        angles = self.mean + swing * (angles_rad - self.mean) + self.style.posture_rad + variation
        return np.clip(angles, LIMITS_RAD[:, 0], LIMITS_RAD[:, 1])

    def _turn_back(self, now_s: float, stance: Stance) -> float:
        """Turn on the spot, foot by foot, to where one came from; return when that is over."""
        self.sense = -self.sense
        turn = self._yaw(self.way_mm) - self.actor.place.yaw_rad
        count = int(np.ceil(abs(turn) / TURN_STEP_RAD))
        for _ in range(count):
            place = self.actor.place._replace(z_mm=stance.root_mm, yaw_rad=self.actor.place.yaw_rad + turn / count)
            end = now_s + TURN_STEP_S / self.style.tempo
            self.actor.stand(stance, place, now_s, end)
            self.take.key(end, self._angles(self.mean, 0.0), place)
            self.actor.place, now_s = place, end
        return now_s
