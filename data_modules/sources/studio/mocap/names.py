"""Which joint of a skeleton is which part of a person: small YAML files, one a naming."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from mcss.errors import InputError

MAPS = Path(__file__).parent / "maps"
OPTIONAL = frozenset({"toe", "collar"})
"""A person is recognised without these."""


@dataclass(frozen=True)
class Naming:
    """Names of the joints of one kind of skeleton.

    Attributes:
        name: of the naming.
        root: joint that carries the pelvis.
        spine: joints from the pelvis up to what carries the shoulders.
        left: joint of each part of the left limbs; ``right`` likewise.
    """

    name: str
    root: str
    spine: tuple[str, ...]
    neck: str
    head: str
    left: dict[str, str]
    right: dict[str, str]

    def limbs(self) -> dict[str, dict[str, str]]:
        """Parts of the limbs by side, ``L`` and ``R``."""
        return {"L": self.left, "R": self.right}

    def missing(self, joints: tuple[str, ...]) -> list[str]:
        """Joints that a skeleton would have to have and has not."""
        limbs = [name for limb in (self.left, self.right) for part, name in limb.items() if part not in OPTIONAL]
        return [name for name in (self.root, *self.spine, self.neck, self.head, *limbs) if name not in joints]


@cache
def namings() -> tuple[Naming, ...]:
    """All namings that are known."""
    read = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(MAPS.glob("*.yaml"))}
    return tuple(Naming(name=name, **values | {"spine": tuple(values["spine"])}) for name, values in read.items())


def naming_of(joints: tuple[str, ...], path: Path) -> Naming:
    """Find the naming of a skeleton by its joints.

    Raises:
        InputError: no naming has all of its joints there.
    """
    nearest = min(namings(), key=lambda naming: len(naming.missing(joints)))
    if lacking := nearest.missing(joints):
        raise InputError(
            f"{path}: the skeleton is of no known naming: for {nearest.name} it lacks {', '.join(lacking[:4])}"
            f"{' and others' * (len(lacking) > 4)}; rename its joints, or add a file to {MAPS}"
        )
    return nearest
