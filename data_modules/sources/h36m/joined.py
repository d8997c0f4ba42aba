"""Human3.6M of labels and images that were not made for each other, joined by clip, frame and camera."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from data_modules.sources.base import Clip, Instant, Remark, Source, View
from data_modules.sources.h36m import names as h36m_names
from data_modules.sources.h36m.images import Images
from data_modules.sources.h36m.labels import H36mLabels
from data_modules.sources.h36m.original import SHORTER_BY
from data_modules.sources.video_lengths import short_videos
from mcss.errors import InputError
from mcss.geometry.camera import Camera


class H36mJoined(Source):
    """The layout ``labels.name`` with other images."""

    data_set = h36m_names.H36M
    not_read = (
        "archives", "extracted", "processed", "images", "annotations", "annotation_body3d", "extra", "data_2d_h36m_*",
        "S*/Videos", "S*/MyPoseFeatures", "S*/MySegmentsMat",
    )  # fmt: skip

    def __init__(self, labels: H36mLabels, images: Images) -> None:
        super().__init__(labels.source)
        self.name = labels.name  # type: ignore[misc]
        self.labels, self.images = labels, images
        self.images_name = images.name
        self.step = 1 if images.are_chosen else labels.step
        self.step_test = h36m_names.STEP_TEST

    def clips(self) -> list[Clip]:
        """Clips of which there are images."""
        return self.images.clips()

    def shared(self, clip: Clip) -> dict[Path, str]:
        """Of the labels."""
        return self.labels.label_shared(clip)

    def files(self, clip: Clip) -> list[Path]:
        """Of labels and images."""
        if not self.labels.knows(clip):
            raise InputError(f"{self.source}: the labels of layout {self.name} have no {'/'.join(map(str, clip))}")
        videos = [self.images.path(clip, camera) for camera in h36m_names.CAMERAS]
        return list(dict.fromkeys([*self.labels.label_files(clip), *self.images.tables(), *videos]))

    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """All four."""
        return h36m_names.CAMERAS

    def fps(self, clip: Clip) -> float:
        """Of all videos."""
        return h36m_names.FPS

    def annotation(self, clip: Clip) -> Path:
        """Of the labels."""
        return self.labels.annotation(clip) if self.labels.knows(clip) else self.source

    def options(self) -> dict[str, str]:
        """Which images are read, and what decides the labels."""
        return self.labels.options() | {"images": self.images_name}

    def boxes_are_of_joints(self, clip: Clip) -> bool:
        """As the labels say: images have no boxes."""
        return self.labels.boxes_are_of_joints(clip)

    def calibration(self, clip: Clip) -> dict[str, Camera]:
        """Of the labels."""
        return self.labels.calibration(clip)

    def instants(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Labelled instants with the views of which there is an image."""
        frames = {camera: self.images.frames(clip, camera) for camera in cameras}
        for instant in self.labels.labelled(clip, cameras):
            views = tuple(
                View(view.camera, self.images.image(clip, view.camera, instant.frame), view.box)
                for view in instant.views
                if instant.frame in frames[view.camera]
            )
            if views:
                yield replace(instant, views=views)

    def remarks(self, clip: Clip, cameras: tuple[str, ...]) -> list[Remark]:
        """Videos that end before the labels do."""
        paths = [self.images.path(clip, camera) for camera in cameras]
        if any(path.is_dir() for path in paths):
            return []
        last = max((instant.frame for instant in self.labels.labelled(clip, cameras[:1])), default=-1)
        return short_videos(paths, last + 1, SHORTER_BY, "unpack the videos' archive again")
