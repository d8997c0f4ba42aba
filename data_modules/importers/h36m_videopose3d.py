"""Human3.6M's official videos with the world poses of https://github.com/facebookresearch/VideoPose3D.

``data_3d_h36m.npz`` (32 joints, **metres**), ``metadata.xml`` and ``S1/Videos``, ...: poses without any CDF file.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64

from data_modules.importers import h36m_names
from data_modules.importers.h36m_original import VIDEOS_ARCHIVE, H36mOriginal
from data_modules.importers.layout import Clip
from data_modules.importers.poses import MM_PER_M, select_joints
from data_modules.importers.unpickle import read_npz_object
from mcss.errors import InputError

RENAMED = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}
"""S1's file names that its prepare_data_h36m.py changes to those of the other subjects."""


class H36mVideoPose3d(H36mOriginal):
    """See the module."""

    name = "h36m-videopose3d"
    archives: ClassVar[dict[str, str]] = VIDEOS_ARCHIVE

    def clips(self) -> list[Clip]:
        """Clips that have poses; S11's Directions 2 has none there."""
        positions = _read(self.annotation(("S1", "Directions", 1)))
        return [clip for clip in super().clips() if self._key(clip) in positions.get(clip[0], {})]

    def annotation(self, clip: Clip) -> Path:
        """The one file of all poses."""
        return self.source / "data_3d_h36m.npz"

    def poses(self, clip: Clip) -> Float64[np.ndarray, "frames 17 3"]:
        """World poses, mm."""
        path = self.annotation(clip)
        points = np.asarray(_read(path)[clip[0]][self._key(clip)], dtype=np.float64)
        return select_joints(points * MM_PER_M, h36m_names.OF_32_JOINTS, 32, str(path))

    def _key(self, clip: Clip) -> str:
        name = self.metadata().file_names[clip]
        for original, renamed in RENAMED.items():
            name = name.replace(original, renamed)
        return name


@lru_cache(maxsize=1)
def _read(path: Path) -> dict[str, dict[str, Any]]:
    positions = read_npz_object(path, "positions_3d")
    if not isinstance(positions, dict) or not all(isinstance(clips, dict) for clips in positions.values()):
        raise InputError(f"{path}: positions_3d is no table of subjects; make it again by VideoPose3D's script")
    return positions
