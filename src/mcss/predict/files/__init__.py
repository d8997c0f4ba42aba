"""Motion files, one format a module: each names frame, unit and joint set, and leaves gaps out."""

from collections.abc import Callable
from pathlib import Path

from mcss.predict.files.bvh import write_bvh
from mcss.predict.files.c3d import write_c3d
from mcss.predict.files.npz import write_npz
from mcss.predict.files.table import write_tidy, write_wide
from mcss.predict.files.trc import write_trc
from mcss.predict.motion import Motion

WRITERS: dict[str, tuple[str, Callable[[Motion, Path], object]]] = {
    "csv": ("motion.csv", write_tidy),
    "wide": ("motion_wide.csv", write_wide),
    "npz": ("motion.npz", write_npz),
    "trc": ("motion.trc", write_trc),
    "c3d": ("motion.c3d", write_c3d),
    "bvh": ("motion.bvh", write_bvh),
}
"""File name and writer by the name of a format."""
