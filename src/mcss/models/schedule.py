"""The learning rate's course over a run."""

import math
from dataclasses import dataclass
from typing import Literal

from mcss.errors import InputError

ScheduleName = Literal["step", "cosine"]


@dataclass(frozen=True)
class LearningRateSchedule:
    """Factor of the highest learning rate at every step.

    Attributes:
        name: ``step`` (x 0.1 at half of the steps) or ``cosine`` (linear rise, constant, then down to 0).
        rise_fraction: of ``cosine``: share of the run in which the learning rate rises.
        hold_fraction: of ``cosine``: share of the run, after that, at the highest learning rate.

    Raises:
        InputError: the fractions are negative, or leave nothing for the fall.
    """

    name: ScheduleName = "step"
    rise_fraction: float = 0.0
    hold_fraction: float = 0.0

    def __post_init__(self) -> None:
        if min(self.rise_fraction, self.hold_fraction) < 0 or self.rise_fraction + self.hold_fraction >= 1:
            raise InputError(
                f"lr_rise_fraction {self.rise_fraction:g} and lr_hold_fraction {self.hold_fraction:g} are shares of the"
                " run, not numbers of steps: choose two that are not negative and add up to less than 1"
            )

    def factor(self, step: int, total_steps: int) -> float:
        """Factor at ``step``, counted from 0, of ``total_steps``.

        >>> [LearningRateSchedule().factor(step, total_steps=10) for step in (0, 4, 5)]
        [1.0, 1.0, 0.1]
        """
        if self.name == "step":
            return 1.0 if step < total_steps / 2 else 0.1
        rise = round(self.rise_fraction * total_steps)
        if step < rise:
            return (step + 1) / rise
        fall_begins = rise + round(self.hold_fraction * total_steps)
        progress = (step - fall_begins) / max(1, total_steps - fall_begins)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress))))
