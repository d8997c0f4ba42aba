"""Human3.6M with the labels of https://github.com/karfly/learnable-triangulation-pytorch.

``extra/human36m-multiview-labels-GTbboxes.npy`` (or of other boxes) beside the images of h36m-fetch in
``processed/`` or, without these, the official videos and ``metadata.xml``: world poses in mm, boxes and cameras of all
views in one file.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from data_modules.sources.array_files import read_npy_object
from data_modules.sources.base import Box, Clip, Instant, VideoFrame, View
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m.fetch import processed_image, processed_images
from data_modules.sources.h36m.labels import H36mLabels
from data_modules.sources.h36m.original import VIDEOS, H36mOriginal, has_videos
from data_modules.sources.poses import select_joints
from mcss.errors import InputError
from mcss.geometry.camera import Camera

LABELS = "human36m-multiview-labels-*.npy"
KEYPOINTS_OF_32 = (3, 2, 1, 6, 7, 8, 0, 12, 13, 15, 27, 26, 25, 17, 18, 19, 14)
"""The labels' joints among the 32 of the original files: 16 in MPII's order, then Neck (generate-labels-npy-*.py)."""
OF_17_KEYPOINTS = tuple(KEYPOINTS_OF_32.index(joint) for joint in h36m_names.OF_32_JOINTS)


class H36mKarfly(H36mLabels):
    """See the module."""

    name = "h36m-karfly"
    not_read = ("archives", "extracted")
    step_test = h36m_names.STEP_TEST

    def __init__(self, source: Path) -> None:
        super().__init__(source)
        is_of_videos = not (source / "processed").is_dir() and has_videos(source)
        self._videos = H36mOriginal(source) if is_of_videos else None
        self.images_name = "videos" if is_of_videos else "processed"

    def clips(self) -> list[Clip]:
        """Clips of the table."""
        labels = _read(self._labels())
        table = labels["table"]
        pairs = np.unique(np.stack([table["subject_idx"], table["action_idx"]], axis=1), axis=0)
        return [
            _clip(labels["subject_names"][subject], labels["action_names"][action], self._labels())
            for subject, action in pairs.tolist()
        ]

    def label_files(self, clip: Clip) -> list[Path]:
        """The labels."""
        return [self._labels()]

    def knows(self, clip: Clip) -> bool:
        """Whether the table has ``clip``."""
        return clip in self.clips()

    @property
    def has_own_images(self) -> bool:
        """Whether there are images of h36m-fetch, or videos."""
        return self._videos is not None or (self.source / "processed").is_dir()

    def files(self, clip: Clip) -> list[Path]:
        """The labels, and the four folders of images or videos with the table of their names."""
        if self._videos is None:
            return [self._labels(), *processed_images(self.source, clip)]
        return [self._labels(), *self._videos.video_files(clip)]

    def annotation(self, clip: Clip) -> Path:
        """The one file of all clips."""
        return self._labels()

    def options(self) -> dict[str, str]:
        """Which of the labels are read: they differ in their boxes."""
        return {"labels": self._labels().name}

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants of the clip's rows in the table."""
        return self.labelled(clip, cameras)

    def labelled(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """The same; images are not looked for."""
        labels = _read(self._labels())
        table = labels["table"]
        subject, action = labels["subject_names"].index(clip[0]), labels["action_names"].index(f"{clip[1]}-{clip[2]}")
        rows = table[(table["subject_idx"] == subject) & (table["action_idx"] == action)]
        rows = rows[np.argsort(rows["frame_idx"], kind="stable")]
        poses = select_joints(rows["keypoints"], OF_17_KEYPOINTS, len(KEYPOINTS_OF_32), str(self._labels()))
        for row, pose in zip(rows, poses, strict=True):
            frame = int(row["frame_idx"])
            views = tuple(
                View(camera, self._image(clip, camera, frame), _box(*box))
                for camera, box in zip(labels["camera_names"], row["bbox_by_camera_tlbr"].tolist(), strict=True)
                if camera in cameras and any(box)  # a box of zeros is a missing view
            )
            yield Instant(frame, frame / h36m_names.FPS, views, pose)

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """Cameras as they stood for the subject."""
        labels = _read(self._labels())
        rows = labels["cameras"][labels["subject_names"].index(clip[0])]
        return {name: _camera(row) for name, row in zip(labels["camera_names"], rows, strict=True)}

    def _image(self, clip: Clip, camera: str, frame: int) -> Path | VideoFrame:
        if self._videos is None:
            return processed_image(self.source, clip, camera, frame)
        return VideoFrame(self._videos.file(clip, VIDEOS, f".{camera}.mp4"), frame)

    def _labels(self) -> Path:
        found = sorted((self.source / "extra").glob(LABELS))
        if len(found) > 1:
            found = [path for path in found if path.name == LABELS.replace("*", "GTbboxes")] or found
        if len(found) != 1:
            raise InputError(
                f"{self.source / 'extra'}: {len(found)} files {LABELS}; put one of the labels there"
                " (those of GTbboxes go before others)"
            )
        return found[0]


@lru_cache(maxsize=1)
def _read(path: Path) -> dict[str, Any]:
    labels = read_npy_object(path)
    try:
        names = {key: [str(name) for name in labels[f"{key}_names"]] for key in ("subject", "camera", "action")}
        if labels["cameras"].shape != (len(names["subject"]), len(names["camera"])):
            raise ValueError(f"cameras of shape {labels['cameras'].shape}")
        for column in ("subject_idx", "action_idx", "frame_idx", "keypoints", "bbox_by_camera_tlbr"):
            if column not in labels["table"].dtype.names:
                raise ValueError(f"the table has no column {column}")
        fields = {f"{key}_names": value for key, value in names.items()}
        return fields | {"cameras": labels["cameras"], "table": labels["table"]}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: not the labels of learnable-triangulation ({error}); download them again") from None


def _clip(subject: str, name: str, path: Path) -> Clip:
    action, _, subaction = name.rpartition("-")
    if action not in h36m_names.ACTIONS.values() or not subaction.isdigit():
        raise InputError(f"{path}: unknown action {name!r}; names are like Directions-1, download the labels again")
    return subject, action, int(subaction)


def _box(top: int, left: int, bottom: int, right: int) -> Box:
    return float(left), float(top), float(right), float(bottom)


def _camera(row: np.void) -> Camera:
    rot, trans, matrix, distortion = (np.asarray(row[key], dtype=np.float64) for key in ("R", "t", "K", "dist"))
    return Camera(rot, trans.reshape(3), matrix, distortion.reshape(5), (0, 0))
