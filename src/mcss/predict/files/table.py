"""Motion as CSV: tidy (one row a joint and frame) or wide (one row a frame).

Lines that begin with # name joint set, frame and unit: ``pandas.read_csv(path, comment="#")``.
"""

from pathlib import Path

import pandas as pd

from mcss.predict.motion import Motion, description
from mcss.skeleton import JOINTS

DECIMALS = "%.4f"


def write_tidy(motion: Motion, path: Path) -> None:
    """Write columns frame, time_s, joint, x_mm, y_mm, z_mm, interval90_mm, bridged; cells of a gap are empty."""
    count = len(JOINTS)
    table = pd.DataFrame(
        {
            "frame": pd.RangeIndex(len(motion)).repeat(count),
            "time_s": motion.time_s.repeat(count),
            "joint": list(JOINTS) * len(motion),
            **{f"{axis}_mm": motion.pose_mm[..., number].ravel() for number, axis in enumerate("xyz")},
            "interval90_mm": motion.interval_mm.ravel(),
            "bridged": motion.is_bridged.repeat(count).astype(int),
        }
    )
    write_table(table, path, description(motion.frame))


def write_wide(motion: Motion, path: Path) -> None:
    """Write columns frame, time_s, bridged, and <joint>_<x|y|z>_mm of every joint; cells of a gap are empty."""
    names = [f"{joint}_{axis}_mm" for joint in JOINTS for axis in "xyz"]
    table = pd.DataFrame(motion.pose_mm.reshape(len(motion), -1), columns=names)
    table.insert(0, "frame", range(len(motion)))
    table.insert(1, "time_s", motion.time_s)
    table.insert(2, "bridged", motion.is_bridged.astype(int))
    write_table(table, path, description(motion.frame))


def write_table(table: pd.DataFrame, path: Path, facts: dict[str, str]) -> None:
    """Write a table below one comment line for each of ``facts``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {name}: {text}\n" for name, text in facts.items())
        table.to_csv(file, index=False, float_format=DECIMALS)
