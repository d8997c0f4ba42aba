"""Which parts of the data sets are left out, and why: data, in exclusions.yaml or a file of the user's."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from data_modules.sources.base import Clip, Source
from mcss.errors import InputError

DEFAULT_FILE = Path(__file__).with_name("exclusions.yaml")


@dataclass(frozen=True)
class Exclusion:
    """A clip, or some frames of it, that is not imported."""

    clip: Clip
    reason: str
    frames: tuple[int, int] | None = None
    """First and last frame, from 0; None: the whole clip."""
    if_boxes_of_joints: bool = False
    """Only where the crops follow the projected joints (``Source.boxes_are_of_joints``)."""

    @property
    def sequence(self) -> str:
        """What is left out, as store.json names it."""
        name = clip_name(self.clip)
        return name if self.frames is None else f"{name} frames {self.frames[0]} to {self.frames[1]}"


def clip_name(clip: Clip) -> str:
    """Name a clip as everywhere on the command line.

    >>> clip_name(("S1", "Directions", 2))
    'S1/Directions/2'
    """
    subject, action, subaction = clip
    return f"{subject}/{action}/{subaction}"


def read_exclusions(choice: str, data_set: str) -> tuple[Exclusion, ...]:
    """Exclusions of ``data_set``: the project's (``default``), none (``none``), or those of a YAML file like it.

    Raises:
        InputError: the file is missing or is not written like exclusions.yaml.
    """
    if choice == "none":
        return ()
    path = DEFAULT_FILE if choice == "default" else Path(choice)
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")).get(data_set, [])
        return tuple(_exclusion(entry) for entry in entries)
    except FileNotFoundError:
        raise InputError(f"--exclusions {choice}: no such file; write default, none or a YAML file") from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"--exclusions {choice}: unreadable ({reason}); write it like {DEFAULT_FILE}") from None


def applicable(exclusions: tuple[Exclusion, ...], source: Source) -> tuple[Exclusion, ...]:
    """Those that the files of ``source`` need."""
    return tuple(item for item in exclusions if not item.if_boxes_of_joints or source.boxes_are_of_joints(item.clip))


def _exclusion(entry: dict) -> Exclusion:
    subject, action, subaction = entry["clip"].split("/")
    first_last = entry.get("frames")
    frames = None if first_last is None else (int(first_last[0]), int(first_last[1]))
    of_joints = bool(entry.get("if_boxes_of_joints", False))
    return Exclusion((subject, action, int(subaction)), str(entry["reason"]), frames, of_joints)
