"""Which files are videos and images by their names, and the order of images by the numbers in them."""

import re
from pathlib import Path

from mcss.errors import InputError

VIDEO_SUFFIXES = (".avi", ".mkv", ".mov", ".mp4")
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""In small letters; cameras write them in capitals, too."""
VIDEO_LIKE = (*VIDEO_SUFFIXES, ".3gp", ".m2ts", ".m4v", ".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv")
IMAGE_LIKE = (*IMAGE_SUFFIXES, ".dng", ".gif", ".heic")
"""Recordings that no importer reads, too: where one lies about, somebody may miss it."""
CALIBRATION = re.compile(r"[ck]alib|intrinsi|extrinsi|checker|chess|charuco|aruco", re.IGNORECASE)
"""In names of folders and files that show a board instead of a person."""
NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
"""Stem of a file: what stands before its last number, the number, and what stands behind it."""


def is_video(path: Path) -> bool:
    """Whether a path is called like a video; names that begin with "." are the operating system's."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def is_image(path: Path) -> bool:
    """Whether a path is called like an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_video_like(path: Path) -> bool:
    """Whether a path is called like a video of any kind."""
    return path.suffix.lower() in VIDEO_LIKE


def is_image_like(path: Path) -> bool:
    """Whether a path is called like an image of any kind."""
    return path.suffix.lower() in IMAGE_LIKE


def is_for_calibration(path: Path) -> bool:
    """Whether a path, relative to its source, is named after a calibration.

    >>> is_for_calibration(Path("calibration/intrinsics/cam1"))
    True
    """
    return CALIBRATION.search(str(path)) is not None


def natural_order(path: Path) -> tuple[list[str | int], str]:
    """Key that sorts names with the numbers in them as numbers: ``f2.jpg`` comes before ``f10.jpg``."""
    parts: list[str | int] = list(re.split(r"(\d+)", path.name.lower()))
    parts[1::2] = [int(part) for part in parts[1::2]]
    return parts, path.name


def numbered_images(folder: Path) -> dict[int, Path]:
    """Images of a folder by the last number in their names, ascending.

    Raises:
        InputError: a name has no number, two have the same, or they differ in more than the number, so that it says
            nothing about the order.
    """
    numbered: dict[int, Path] = {}
    form: tuple[str, str] | None = None
    for path in filter(is_image, sorted(folder.iterdir())):
        match = NUMBERED.fullmatch(path.stem)
        if match is None:
            raise InputError(f"{path}: has no number in its name; number the images of the folder")
        before, number, behind = match.groups()
        form = form or (before, behind)
        if int(number) in numbered or (before, behind) != form:
            other = numbered.get(int(number), next(iter(numbered.values())))
            raise InputError(
                f"{folder}: images {other.name} and {path.name} are not numbered in one way; rename or remove one"
            )
        numbered[int(number)] = path
    return {number: numbered[number] for number in sorted(numbered)}
