"""Which files are videos and images by their names, and the order of images by the numbers in them."""

import re
from pathlib import Path

from mcss.errors import InputError

VIDEO_SUFFIXES = (
    ".3gp", ".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv",
)  # fmt: skip
IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""In small letters; cameras write them in capitals, too."""
VIDEO_LIKE = (*VIDEO_SUFFIXES, ".360", ".braw", ".flv", ".h264", ".hevc", ".insv", ".mxf", ".ogv", ".r3d", ".vob")
IMAGE_LIKE = (*IMAGE_SUFFIXES, ".dng", ".gif", ".heic")
"""Recordings that no importer reads, too: where one lies about, somebody may miss it."""
POSES_LIKE = (".c3d", ".npz", ".trc")
CALIBRATION = re.compile(
    r"[ck]alib(?!rated)|intrinsi|extrinsi|checker|chess|charuco|aruco|apriltag|(?<![a-z])(boards?|wand|(?-i:cal))(?![a-z])",
    re.IGNORECASE,
)
"""In names of folders and files that show a board instead of a person."""


def is_video(path: Path) -> bool:
    """Whether a path is called like a video; names that begin with "." are the operating system's."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")


def is_image(path: Path) -> bool:
    """Whether a path is called like an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_folder_of_images(path: Path) -> bool:
    """Whether a path is a folder in which something is called like an image."""
    return path.is_dir() and not path.name.startswith(".") and any(map(is_image, path.iterdir()))


def is_video_like(path: Path) -> bool:
    """Whether a path is called like a video of any kind."""
    return path.suffix.lower() in VIDEO_LIKE


def is_image_like(path: Path) -> bool:
    """Whether a path is called like an image of any kind."""
    return path.suffix.lower() in IMAGE_LIKE


def is_of_somebody(path: Path) -> bool:
    """Whether a path is called like a video, an image or poses of any kind: somebody may miss what it holds."""
    return is_recorded(path) or path.suffix.lower() in POSES_LIKE


def is_recorded(path: Path) -> bool:
    """Whether a path is called like a video or an image of any kind, or ``poses``."""
    return is_video_like(path) or is_image_like(path) or path.stem.lower() == "poses"


def is_for_calibration(path: Path) -> bool:
    """Whether a path, relative to its source, is named after a calibration.

    >>> is_for_calibration(Path("calibration/intrinsics/cam1"))
    True
    """
    return CALIBRATION.search(str(path)) is not None


def readable(text: str) -> str:
    """Text that can be printed and saved, of a name that is not in UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def natural_order(path: Path) -> tuple[list[str | int], str]:
    """Key that sorts names with the numbers in them as numbers: ``f2.jpg`` comes before ``f10.jpg``."""
    parts: list[str | int] = list(re.split(r"(\d+)", path.name.lower()))
    parts[1::2] = [int(part) for part in parts[1::2]]
    return parts, path.name


def numbered_images(folder: Path) -> dict[int, Path]:
    """Images of a folder by the one number in their names that differs between them, ascending.

    Raises:
        InputError: a name has no number, two have the same, or they differ in more than one number, so that it says
            nothing about the order.
    """
    paths = sorted(filter(is_image, folder.iterdir()))
    if not paths:
        return {}
    parts = [re.split(r"(\d+)", path.stem) for path in paths]  # text and numbers by turns
    for path, own in zip(paths, parts, strict=True):
        if len(own) == 1:
            raise InputError(f"{path}: has no number in its name; number the images of the folder")
    first = parts[0]
    counting = {
        place
        for own in parts
        for place in range(1, len(own), 2)
        if len(own) == len(first) and int(own[place]) != int(first[place])
    } or {len(first) - 2}
    numbered: dict[int, Path] = {}
    for path, own in zip(paths, parts, strict=True):
        number = int(own[min(counting)]) if len(own) == len(first) else -1
        is_other = len(own) != len(first) or own[::2] != first[::2] or (len(counting) > 1 and path != paths[0])
        if number in numbered or is_other:
            other = numbered.get(number, paths[0])
            raise InputError(
                f"{folder}: images {other.name} and {path.name} are not numbered in one way; rename or remove one"
            )
        numbered[number] = path
    return {number: numbered[number] for number in sorted(numbered)}
