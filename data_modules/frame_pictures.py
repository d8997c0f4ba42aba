"""Small pictures of some whole frames of a clip, kept while it is imported: they show whether the boxes are right."""

from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from jaxtyping import UInt8

from data_modules.crop import Square

WIDTH_PX = 240
SQUARE_COLOR = (255, 60, 60)
QUALITY = 80


class FramePictures:
    """Keeps in ``folder`` the frames of a clip's first instant and of one from its second half.

    How long a clip is shows at its end, so the later one is replaced each time the number of instants has doubled.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._later: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():  # of a build before
            path.unlink()

    def add(
        self, number: int, frame: int, pictures: dict[str, tuple[UInt8[np.ndarray, "rows columns 3"], Square]]
    ) -> None:
        """Take the frame and the crop's square of each camera at source frame ``frame``, instant ``number`` from 0."""
        if number & (number - 1):
            return
        for path in self._later:
            path.unlink()
        paths = []
        for camera, (image, square) in pictures.items():
            paths.append(self.folder / f"{frame}_{camera}.jpg")
            paths[-1].write_bytes(simplejpeg.encode_jpeg(_small(image, square), quality=QUALITY))
        self._later = paths if number else []


def _small(image: UInt8[np.ndarray, "rows columns 3"], square: Square) -> UInt8[np.ndarray, "_ _ 3"]:
    scale = WIDTH_PX / image.shape[1]
    size = (WIDTH_PX, max(1, round(image.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.ascontiguousarray(cv2.resize(image, size, interpolation=method))
    left, top, side = (value * scale for value in square)
    low, high = np.rint(np.array([[left, top], [left + side, top + side]])).astype(int).tolist()
    last = (size[0] - 2, size[1] - 2)  # a square that leaves the frame is drawn along its edge
    corners = [(min(max(x, 1), last[0]), min(max(y, 1), last[1])) for x, y in (low, high)]
    cv2.rectangle(small, corners[0], corners[1], SQUARE_COLOR, 2)
    return small
