"""Every number of the studio."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from data_modules.sources.studio.poses import SCRIPTS

RECIPE = 10
"""Raised when a change of code changes what the same numbers render."""


@dataclass(frozen=True)
class StudioConfig:
    """What is rendered. Two equal configurations render the same bytes on the same type of processor.

    Attributes:
        instants: synchronised instants of a clip, ``frame_step`` source frames apart at ``fps`` frames a second.
        crop_size_px: side of the square image stored for a view.
        crop_margin: space around the person in a crop, as a share of its size; jittered by ``crop_jitter``.
        frame_size_px: side of the square camera frames that boxes refer to.
        key_hold_s, key_move_s: shortest and longest time that a key pose is held, and that the way to it takes.
        amplitude_spread: spread between people of how far a gesture departs from its action's mean posture.
        style_rad: spread between people of each joint angle, constant over all that a person does.
        sway_rad: slow wandering of each joint angle around its script.
        site: where it is filmed (``data_modules.sources.studio.sites``).
        motion: folder of motion capture that everybody plays in place of the scripts; empty for the scripts.
        garments: what is worn (``data_modules.sources.studio.garments``).
        mesh: topology of the body; ``notoes`` is ten times finer, for crops above 160 px.
    """

    name: str = "studio"
    seed: int = 0
    subjects_train: tuple[str, ...] = ("S1", "S5", "S6", "S7", "S8")
    subjects_test: tuple[str, ...] = ("S9", "S11")
    actions: tuple[str, ...] = tuple(SCRIPTS)
    subactions: int = 2
    instants: int = 40
    fps: float = 50.0
    frame_step: int = 20
    crop_size_px: int = 96
    crop_margin: float = 0.15
    crop_jitter: float = 0.03
    jpeg_quality: int = 92
    frame_size_px: int = 1000
    focal_px: float = 1150.0
    camera_distance_mm: float = 4500.0
    camera_height_mm: float = 1500.0
    room_half_width_mm: float = 3900.0
    room_height_mm: float = 3000.0
    key_hold_s: tuple[float, float] = (0.5, 1.2)
    key_move_s: tuple[float, float] = (0.6, 1.0)
    step_s: tuple[float, float] = (0.5, 0.62)
    amplitude_spread: float = 0.05
    style_rad: float = 0.05
    sway_rad: float = 0.045
    mesh: str = "notoes_collapse10pc"
    garments: tuple[str, ...] = (
        "t-shirt", "polo shirt", "shirt", "blouse", "tank top", "jumper", "roll-neck", "hoodie", "jacket", "trousers",
        "jeans", "wide trousers", "jogging trousers", "leggings", "three-quarter trousers", "shorts", "sports shorts",
        "skirt", "long skirt", "dress", "trainers", "leather shoes", "boots", "slippers", "cap", "beanie", "hat",
        "backpack", "shoulder bag",
    )  # fmt: skip
    site: str = "a"
    motion: str = ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """All subjects, training subjects first."""
        return self.subjects_train + self.subjects_test

    @property
    def clips(self) -> tuple[tuple[str, str, int], ...]:
        """(subject, action, subaction) of every clip, in the order of the store; subactions count from 1."""
        return tuple(
            sorted((s, a, n) for s in self.subjects for a in self.actions for n in range(1, self.subactions + 1))
        )

    @property
    def instant_gap_s(self) -> float:
        """Time between two neighbouring instants of a clip."""
        return self.frame_step / self.fps

    def recorded(self) -> dict[str, Any]:
        """All values as JSON gives them back; the first site goes unnamed, as in stores older than the second."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        if self.site == StudioConfig.site:
            del values["site"]
        if not self.motion:
            del values["motion"]
        return values

    def fingerprint(self) -> str:
        """Hexadecimal digest of all values and of the recipe's version."""
        text = json.dumps({"recipe": RECIPE, **self.recorded()}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


_STUDIO = StudioConfig()
PRESETS: dict[str, StudioConfig] = {
    "studio": _STUDIO,
    "tiny": replace(
        _STUDIO,
        name="tiny",
        subjects_train=("S1", "S5"),
        subjects_test=("S9",),
        actions=("Directions", "Sitting", "Walking"),
        instants=6,
        frame_step=60,
    ),
    "studio-b": replace(
        _STUDIO,
        name="studio-b",
        seed=1,
        site="b",
        subjects_train=("P1", "P2", "P3"),
        subjects_test=("P4", "P5"),
        subactions=1,
        focal_px=1000.0,
        camera_distance_mm=4000.0,
        room_half_width_mm=4200.0,
    ),
}
"""Named configurations: the whole studio, a small one for tests, and other people in another place."""
