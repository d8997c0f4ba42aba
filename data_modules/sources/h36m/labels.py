"""What layouts of Human3.6M have in common whose labels go with any images of it."""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

from data_modules.sources.base import Clip, Instant, Source
from data_modules.sources.h36m import names as h36m_names


class H36mLabels(Source):
    """Labels with the images that they come with; ``joined.H36mJoined`` takes the labels alone."""

    data_set = h36m_names.H36M

    @property
    @abstractmethod
    def has_own_images(self) -> bool:
        """Whether the images that this layout reads are there."""

    @abstractmethod
    def labelled(self, clip: Clip, cameras: tuple[str, ...]) -> Iterator[Instant]:
        """Instants with poses, and boxes if there are any; where their views have their images does not count.

        Raises:
            InputError: the labels cannot be read.
        """

    @abstractmethod
    def label_files(self, clip: Clip) -> list[Path]:
        """Files that the labels of ``clip`` are read from."""

    def label_shared(self, clip: Clip) -> dict[Path, str]:
        """What ``shared`` says of the labels."""
        return {}

    def knows(self, clip: Clip) -> bool:
        """Whether there are labels of ``clip``, as far as that is known without reading them."""
        return True

    def cameras(self, clip: Clip) -> tuple[str, ...]:
        """All four."""
        return h36m_names.CAMERAS

    def fps(self, clip: Clip) -> float:
        """Of all videos."""
        return h36m_names.FPS
