"""Boxes of a person that were found, kept until the prediction is written, so that a killed run need not look again."""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mcss.predict.scenes import FilmedScene

PREFIX = ".found-"


def found_once(out: Path, identity: Any, find: Callable[[], FilmedScene]) -> FilmedScene:
    """What ``find`` returns, read from ``out`` where an earlier call with the same ``identity`` has found it.

    Args:
        out: folder of the prediction.
        identity: of the recordings and of all that decides where the person is found, as JSON has it.
        find: looks for the person, which takes as long as decoding the recordings.
    """
    path = out / f"{PREFIX}{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]}.npz"
    scene = _read(path)
    if scene is None:
        scene = find()
        forget(out)
        out.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp.npz")
        files = json.dumps([[str(file) for file in view] for view in scene.files])
        values = {"time_s": scene.time_s, "frame": scene.frame, "box_px": scene.box_px}
        np.savez(temporary, allow_pickle=False, name=scene.name, cameras=scene.cameras, files=files, **values)
        os.replace(temporary, path)
    return scene


def forget(out: Path) -> None:
    """Remove what was kept in ``out``."""
    for path in out.glob(f"{PREFIX}*"):
        path.unlink()


def states(paths: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Path, size and time of change of files, and of the files in folders."""
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]


def _read(path: Path) -> FilmedScene | None:
    """A scene that was kept; None where there is none, or it is damaged."""
    try:
        with path.open("rb") as file:
            content = dict(np.load(file, allow_pickle=False))
        return FilmedScene(
            name=str(content["name"]),
            cameras=tuple(content["cameras"].tolist()),
            time_s=content["time_s"],
            files=tuple(tuple(map(Path, view)) for view in json.loads(str(content["files"]))),
            frame=content["frame"],
            box_px=content["box_px"],
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
