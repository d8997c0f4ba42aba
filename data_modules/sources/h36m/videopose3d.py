"""Human3.6M's images with the world poses of https://github.com/facebookresearch/VideoPose3D.

``data_3d_h36m.npz`` (32 joints, **metres**), ``metadata.xml`` and the official ``S1/Videos``, ..., or, where there are
none, h36m-fetch's ``processed/``: poses without any CDF file.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float32, Float64

from data_modules.sources.array_files import read_npz_object
from data_modules.sources.base import Clip, Instant, Remark, View
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m.fetch import processed_clips, processed_frames, processed_image, processed_images
from data_modules.sources.h36m.original import VIDEOS_ARCHIVE, H36mOriginal, has_videos
from data_modules.sources.poses import MM_PER_M, select_joints
from mcss.errors import InputError

RENAMED = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog"}
"""S1's file names that its prepare_data_h36m.py changes to those of the other subjects."""


class H36mVideoPose3d(H36mOriginal):
    """See the module."""

    name = "h36m-videopose3d"
    archives: ClassVar[dict[str, str]] = VIDEOS_ARCHIVE

    def __init__(self, source: Path) -> None:
        super().__init__(source)
        self._has_images = (source / "processed").is_dir() and not has_videos(source)
        if self._has_images:
            self.step = 1  # h36m-fetch has chosen the frames
            self.images_name = "processed"

    def clips(self) -> list[Clip]:
        """Clips of which there are videos or images."""
        return processed_clips(self.source) if self._has_images else super().clips()

    def shared(self, clip: Clip) -> dict[Path, str]:
        """The poses, and the archive of the subject's videos unless there are images."""
        poses = self.label_shared(clip)
        return poses if self._has_images else poses | super().shared(clip)

    def label_files(self, clip: Clip) -> list[Path]:
        """Poses, and the table of names and cameras."""
        return [self.annotation(clip), self._table]

    def label_shared(self, clip: Clip) -> dict[Path, str]:
        """The poses."""
        return {self.annotation(clip): "make it by VideoPose3D's prepare_data_h36m.py"}

    @property
    def has_own_images(self) -> bool:
        """Whether there are videos, or images of h36m-fetch."""
        return self._has_images or has_videos(self.source)

    def files(self, clip: Clip) -> list[Path]:
        """Poses, the table of names and cameras, and the four videos or folders of images."""
        if self._has_images:
            return [self.annotation(clip), self._table, *processed_images(self.source, clip)]
        return super().files(clip)

    def annotation(self, clip: Clip) -> Path:
        """The one file of all poses."""
        return self.source / "data_3d_h36m.npz"

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants up to the shortest of poses and videos, or those of which some camera has an image."""
        return self._instants_of_images(clip, cameras) if self._has_images else super().instants(clip, cameras)

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """Videos that end before the poses do."""
        return [] if self._has_images else super().remarks(clip, cameras)

    def boxes_are_of_joints(self, clip: Clip) -> bool:
        """Of images, and where the subject has no boxes of its own."""
        return self._has_images or super().boxes_are_of_joints(clip)

    def _instants_of_images(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        poses = self.poses(clip)
        frames = {camera: processed_frames(self.source, clip, camera) for camera in cameras}
        for frame in sorted(set().union(*frames.values())):
            if frame >= len(poses):
                raise InputError(
                    f"{self.annotation(clip)}: has {len(poses)} poses of {clip[0]}, {self._key(clip)}, and "
                    f"{processed_images(self.source, clip)[0].parent} an image of frame {frame}; make one of them again"
                )
            views = tuple(
                View(camera, processed_image(self.source, clip, camera, frame))
                for camera in cameras
                if frame in frames[camera]
            )
            yield Instant(frame, frame / h36m_names.FPS, views, poses[frame])

    def poses(self, clip: Clip) -> Float64[np.ndarray, "frames 17 3"]:
        """World poses, mm; S11's Directions 2 has none there."""
        path, key = self.annotation(clip), self._key(clip)
        positions = _read(path).get(clip[0], {})
        if key not in positions:
            raise InputError(f"{path}: has no poses of {clip[0]}, {key!r}; download it again or exclude the clip")
        return positions[key].astype(np.float64) * MM_PER_M

    def _key(self, clip: Clip) -> str:
        name = self.metadata().file_names[clip]
        for original, renamed in RENAMED.items():
            name = name.replace(original, renamed)
        return name


@lru_cache(maxsize=1)
def _read(path: Path) -> dict[str, dict[str, Float32[np.ndarray, "frames 17 3"]]]:
    """Poses by subject and file name, metres; every process holds them, so only the joints that are imported."""
    positions = read_npz_object(path, "positions_3d")
    if not isinstance(positions, dict) or not all(isinstance(clips, dict) for clips in positions.values()):
        raise InputError(f"{path}: positions_3d is no table of subjects; make it again by VideoPose3D's script")
    return {
        subject: {name: _joints(points, path) for name, points in clips.items()} for subject, clips in positions.items()
    }


def _joints(points: Any, path: Path) -> Float32[np.ndarray, "frames 17 3"]:
    return select_joints(np.asarray(points), h36m_names.OF_32_JOINTS, 32, str(path)).astype(np.float32)
