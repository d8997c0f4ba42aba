"""Trajectories of named points as motion-capture programs export them: TRC (OpenSim, OpenCap, Cortex) and C3D."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from data_modules.sources.footage.c3d_process import read_in_process
from data_modules.sources.footage.tables import read_text
from mcss.errors import InputError

EXPORT_AGAIN = "export it again"
TRC_UP = "y"
"""The axis that OpenSim's ground frame has up; the file itself does not say which one is."""

MIPS = 86
"""Processor type in a C3D file, whose numbers have the high byte first."""


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Points over time, as the file gives them."""

    time_s: Float64[np.ndarray, " frames"]
    """On the clock of the capture."""
    names: tuple[str, ...]
    points: Float64[np.ndarray, "frames names 3"]
    """Not a number where a point was not seen."""
    unit: str | None
    """None where the file does not say."""
    up: str
    """Axis that points up."""
    rate_said: float | None = None
    """Frames a second by the header of a file that has times, too."""

    def __post_init__(self) -> None:
        self.points[not_seen(self.points, self.names)] = np.nan


def not_seen(points: Float64[np.ndarray, "frames names 3"], names: Sequence[str]) -> Bool[np.ndarray, "frames names"]:
    """Points that a program did not see, for which it has written one number three times: 0 0 0, or -9999 -9999 -9999.

    A pelvis that is always at 0 is seen: it is the origin of poses that have no place in the world.
    """
    zero = (points == 0).all(axis=-1)
    is_gap = ~np.isfinite(points).all(axis=-1)
    unseen = (points == points[..., :1]).all(axis=-1)
    for number, name in enumerate(names):
        if name == "Pelvis" and (zero | is_gap)[:, number].all():
            unseen[:, number] = False
    return unseen


def read_trc(path: Path) -> Trajectories:
    """Read a TRC file: five lines of header, then tab-separated frame number, time and coordinates.

    A marker's name stands above its three columns; where the cell is blank, the marker has no name (``""``).

    Raises:
        InputError: the file is no such table, or ends within a line.
    """
    try:
        lines = read_text(path).splitlines()
        header = dict(zip(*(_cells(line) for line in lines[1:3]), strict=False))
        count = int(header["NumMarkers"])
        names = _trc_names(lines[3].split("\t")[2:], count)
        width = 2 + 3 * count
        rows = [(number, line.split("\t")) for number, line in enumerate(lines[5:], start=6) if line.strip()]
        values = np.array([[_number(cell, number) for cell in (row + [""] * width)[:width]] for number, row in rows])
        if len(rows) != int(header["NumFrames"]) or not rows:
            raise ValueError(f"{len(rows)} frames, its header says {header['NumFrames']}")
        if any(cell.strip() for _, row in rows for cell in row[width:]):
            raise ValueError(f"more columns than its header's {count} markers have")
        rate = _number(header.get("DataRate", ""), 3)
    except KeyError as error:
        raise InputError(f"{path}: not a whole TRC file (its header has no {error}); {EXPORT_AGAIN}") from None
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path}: not a whole TRC file ({error}); {EXPORT_AGAIN}") from None
    points = values[:, 2:].reshape(len(rows), -1, 3)
    return Trajectories(values[:, 1], names, points, header.get("Units") or None, TRC_UP, rate if rate > 0 else None)


def _cells(line: str) -> list[str]:
    """Cells of a line of the header, which some programs separate by blanks."""
    return [cell.strip() for cell in line.split("\t")] if "\t" in line.strip() else line.split()


def _number(cell: str, line: int) -> float:
    """Number of a cell, with a decimal point or comma; not a number where it is blank or 1.#IND, as Windows says."""
    try:
        return float(cell.replace(",", ".")) if cell.strip() and "#" not in cell else np.nan
    except ValueError:
        raise ValueError(f"line {line}: {cell[:20]!r} is no number") from None


def _trc_names(cells: list[str], count: int) -> tuple[str, ...]:
    """Names of the markers: one above every third column, or, as some programs write them, one a cell.

    Raises:
        ValueError: there are more names than markers, or some stand above no first column.
    """
    spaced = [cell.strip() for cell in (cells + [""] * (3 * count))[: 3 * count : 3]]
    written = [cell.strip() for cell in cells if cell.strip()]
    if sum(map(bool, spaced)) == len(written):
        return tuple(spaced)
    if len(written) == count:
        return tuple(written)
    raise ValueError(f"{len(written)} names for {count} markers, not above their columns")


def read_c3d(path: Path) -> Trajectories:
    """Read the points of a C3D file. Its frames count from 1, which is where the capture's clock is at 0.

    Raises:
        InputError: the file is no C3D file, is cut off, or does not say its rate; or the library is missing.
    """
    if find_spec("ezc3d") is None:
        raise InputError(f"{path} needs ezc3d: pip install -e '.[importers]' in the project's folder")
    try:
        values = read_in_process(path)
        points, names, rate = values["points"], tuple(values["names"].tolist()), float(values["rate"])
        points[values["residuals"] < 0] = np.nan  # not seen
        names, count = names[: points.shape[1]], _c3d_frames(path)
        if len(points) < count or not len(points) or not 0 < rate < np.inf or len(names) != points.shape[1]:
            raise ValueError(f"{len(points)} of {count} frames, {len(names)} names, {rate} frames a second")
    except (OSError, KeyError, ValueError, IndexError, struct.error) as error:
        raise InputError(f"{path}: not a whole C3D file ({error}); {EXPORT_AGAIN}") from None
    time_s = (int(values["first_frame"]) + np.arange(len(points))) / rate  # ezc3d counts from 0
    return Trajectories(time_s, names, points, str(values["unit"]) or None, str(values["up"]).strip(" +").lower())


def _c3d_frames(path: Path) -> int:
    """Frames that the header announces, 65,535 at most; ezc3d corrects the number where the file is cut off."""
    with path.open("rb") as file:
        header = file.read(10)
        file.seek(512 * (header[0] - 1) + 3)
        is_big_endian = file.read(1)[0] == MIPS
    first, last = struct.unpack(">HH" if is_big_endian else "<HH", header[6:])
    return last - first + 1
