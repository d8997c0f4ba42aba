"""Every setting of the studio."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from mcss.errors import InputError

RECIPE = 12
"""Raised when a change of code changes what the same settings render, for all clips."""
ACTIONS = (
    "Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting", "SittingDown",
    "Smoking", "TakingPhoto", "Waiting", "Walking", "WalkingDog", "WalkingTogether",
)  # fmt: skip
"""Human3.6M's."""
GARMENTS = (
    "t-shirt", "polo shirt", "shirt", "blouse", "tank top", "jumper", "roll-neck", "hoodie", "jacket", "trousers",
    "jeans", "wide trousers", "jogging trousers", "leggings", "three-quarter trousers", "shorts", "sports shorts",
    "skirt", "long skirt", "dress", "trainers", "leather shoes", "boots", "slippers", "cap", "beanie", "hat",
    "backpack", "shoulder bag",
)  # fmt: skip
_WHO_AND_WHAT = ("name", "subjects_train", "subjects_test", "actions", "garments", "subactions", "minutes")
"""Fields that tell which clips there are, or of which a clip uses a part: see ``fingerprints``."""


@dataclass(frozen=True)
class StudioConfig:
    """What is rendered. Two equal configurations render the same bytes on the same type of processor.

    Attributes:
        seed: of the people, of how they move, of the room and of its cameras.
        actions: what everybody does (``data_modules.sources.studio.poses``).
        garments: what may be worn (``data_modules.sources.studio.garments``).
        subactions: how often everybody does each action.
        instants: synchronised instants of a clip, ``frame_step`` source frames apart at ``fps`` frames a second.
        minutes: how long each training person is filmed, all clips together; None: as long as ``instants`` say.
        crop_size_px: side of the square image stored for a view.
        crop_margin: space around the person in a crop, as a share of its size; jittered by ``crop_jitter``.
        frame_size_px: side of the square camera frames that boxes refer to.
        cameras: their names.
        sync_error_ms: by how much the clocks of two cameras that filmed a training person may differ: each camera is
            half of it ahead of the labels or behind them, by a drawn sign. Whole source frames.
        mesh: topology of the body; ``notoes`` is ten times finer, for crops above 160 px.
        backgrounds: folder of photographs for the walls, or an equirectangular picture; empty for drawn walls.
        motion: folder of motion capture that everybody plays in place of the scripts; empty for the scripts.
    """

    name: str = "studio"
    seed: int = 0
    subjects_train: tuple[str, ...] = ("S1", "S5", "S6", "S7", "S8")
    subjects_test: tuple[str, ...] = ("S9", "S11")
    actions: tuple[str, ...] = ACTIONS
    garments: tuple[str, ...] = GARMENTS
    subactions: int = 2
    instants: int = 40
    fps: float = 50.0
    frame_step: int = 20
    minutes: float | None = None
    crop_size_px: int = 96
    crop_margin: float = 0.15
    crop_jitter: float = 0.03
    frame_size_px: int = 1000
    cameras: tuple[str, ...] = ("54138969", "55011271", "58860488", "60457274")
    sync_error_ms: float = 0.0
    mesh: str = "notoes_collapse10pc"
    backgrounds: str = ""
    motion: str = ""

    def __post_init__(self) -> None:
        if (self.sync_error_ms / 2000 * self.fps) % 1:
            step = 2000 / self.fps
            raise InputError(f"--sync-error {self.sync_error_ms:g}: choose 0 or a multiple of {step:g} ms")
        if self.motion and self.minutes is not None:
            raise InputError("--minutes counts the written actions; leave it out beside --motion")

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

    def instants_of(self, subject: str) -> int:
        """How many instants each clip of a subject has."""
        if self.minutes is None or subject not in self.subjects_train:
            return self.instants
        each_s = 60 * self.minutes / (len(self.actions) * self.subactions)
        return max(1, round(each_s / self.instant_gap_s))

    def sync_error_of(self, subject: str) -> float:
        """``sync_error_ms`` of the clips of a subject: people of the test are seen by synchronised cameras."""
        return self.sync_error_ms if subject in self.subjects_train else 0.0

    def of_all_clips(self) -> dict[str, Any]:
        """Settings that every clip follows from, as JSON gives them back."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return {name: value for name, value in values.items() if name not in _WHO_AND_WHAT}

    def with_people(self, count: int) -> "StudioConfig":
        """Return the same with ``count`` training subjects: the first of these, then more; test subjects stay."""
        more = (f"{self.subjects[0][0]}{number}" for number in range(1, count + len(self.subjects) + 100))
        others = (name for name in more if name not in self.subjects)
        missing = max(0, count - len(self.subjects_train))
        names = self.subjects_train[:count] + tuple(next(others) for _ in range(missing))
        return replace(self, subjects_train=names)

    def with_cameras(self, count: int) -> "StudioConfig":
        """Return the same with ``count`` cameras: the first of these, then more."""
        more = tuple(f"camera{number}" for number in range(len(self.cameras) + 1, count + 1))
        return replace(self, cameras=self.cameras[:count] + more)


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
        subjects_train=("P1", "P2", "P3"),
        subjects_test=("P4", "P5"),
        subactions=1,
        cameras=("B1", "B2", "B3", "B4", "B5"),
    ),
}
"""Named configurations: the whole studio, a small one for tests, and other people in another place."""
