"""Cameras that ``mcss-data solve`` has found."""

import json
from collections.abc import Sequence
from pathlib import Path

from mcss.errors import InputError
from mcss.geometry.camera import Camera

CAMERAS_FILE = "cameras.json"


def solved_cameras(folders: Sequence[Path]) -> dict[str, Camera]:
    """Cameras of a person's clips, by name, where all of them were solved with the same (``--fixed-cameras``).

    None otherwise: clips that are solved one by one have a world of their own each, and a store has one camera of a
    name and person.

    Raises:
        InputError: a file of cameras is damaged.
    """
    paths = [folder / CAMERAS_FILE for folder in folders]
    if not paths or not all(path.is_file() for path in paths):
        return {}
    contents = {path.read_text(encoding="utf-8") for path in paths}
    if len(contents) > 1:
        return {}
    try:
        return {name: Camera.from_dict(values) for name, values in json.loads(contents.pop()).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{paths[0]}: not written by mcss-data solve ({error!r}); solve the clip again") from None
