"""From what the user names to scenes: videos, folders of frames or crops, a scene's folder, a store."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from data_modules.sources.file_names import is_image, is_video, natural_order
from data_modules.sources.footage.recordings import recording_camera, recording_name, recordings_in
from data_modules.sources.footage.tables import SYNC_FILE, sync_rows
from data_modules.sources.footage.videos import Videos
from data_modules.store import open_store
from data_modules.store.format import STORE_FILE
from mcss.errors import InputError
from mcss.predict.found import found_once, states
from mcss.predict.scenes import CropScene, FilmedScene, Scene, filmed_scene, store_scenes

ImagesAre = Literal["frames", "crops"]


def open_scenes(
    sources: Sequence[Path],
    *,
    fps: float | None = None,
    images_are: ImagesAre | None = None,
    detector: str | None = None,
    subjects: Sequence[str] | None = None,
    clips: Sequence[str] | None = None,
    out: Path | None = None,
) -> Iterator[Scene]:
    """Scenes of the paths that a user names: a store's clips, a folder of images, or recordings of one scene.

    Args:
        sources: a store, a folder of images, a folder of recordings, or recordings of one scene.
        fps: frame rate of folders of images.
        images_are: whole frames, in which the person is found, or square crops around one person; by default crops
            where every image of the folder is square.
        detector: weights for ``mcss-data import --detector``.
        subjects: of a store, whose clips; all people's by default.
        clips: of a store, which clips; all by default.
        out: folder in which the boxes that are found are kept, see ``found_once``.

    Raises:
        InputError: nothing is there, it cannot be told what it is, it cannot be read, or nobody is seen in it.
    """
    for path in sources:
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder; name a video, a folder of images, or a store")
    first = sources[0]
    if len(sources) == 1 and (first / STORE_FILE).is_file():
        yield from store_scenes(open_store(first), subjects, clips)
        return
    images = sorted_images(first) if first.is_dir() else []
    if images and (unread := unread_files(first)):
        print(f"{first}: {len(unread)} files are no images and not read, the first: {unread[0].name}")
    if len(sources) == 1 and images and (images_are or kind_of(images)) == "crops":
        yield crop_scene(first, images, fps)
        return
    yield recorded_scene(sources, fps, detector, out)


def recorded_scene(sources: Sequence[Path], fps: float | None, detector: str | None, out: Path | None = None) -> Scene:
    """Recordings of one scene: videos and folders of frames, or the folder that they lie in.

    What the import would read of them holds here: sync.csv and boxes.csv two folders above the videos.

    Raises:
        InputError: they are no recordings, not of one folder, or nobody is seen in them.
    """
    paths = [path.resolve() for path in sources]
    if len(paths) == 1 and paths[0].is_dir() and not sorted_images(paths[0]):
        paths = recordings_in(paths[0])
        if not paths:
            raise InputError(f"{sources[0]}: holds no video, no image and no store; name one that does")
    _require_rate(paths, fps)
    for path, named in zip(paths, sources, strict=False):
        if not path.is_dir() and not is_video(path):
            raise InputError(f"{named}: not called like a video; name a video, a folder of images, or a store")
    folder = paths[0].parent
    if {path.parent for path in paths} != {folder}:
        raise InputError(
            f"{sources[0]}, {sources[-1]}: views of one scene lie in one folder; predict others one by one"
        )
    layout = Videos(folder.parent.parent, images_fps=fps)
    if detector is not None:
        layout.use_detector(detector)
    clip = (folder.parent.name, folder.name, 1)
    cameras = tuple(sorted(recording_camera(path) for path in paths))
    name = cameras[0] if len(cameras) == 1 else folder.name

    def find() -> FilmedScene:
        return filmed_scene(layout, clip, cameras, name)

    if out is None:
        return find()
    identity = [name, fps, detector, layout.options(), layout.table_rows(clip), states(paths)]
    return found_once(out, identity, find)


def _require_rate(paths: Sequence[Path], fps: float | None) -> None:
    """See that folders of frames have a frame rate.

    Raises:
        InputError: one has none.
    """
    sync = sync_rows(paths[0].parents[2] / SYNC_FILE) if fps is None and len(paths[0].parts) > 3 else {}
    for path in paths:
        if path.is_dir() and fps is None and not sync.get(recording_name(path), {}).get("fps"):
            raise InputError(
                f"{path}: its images are taken for whole frames, and have no frame rate; give --fps, or column fps of"
                f" {SYNC_FILE}; of square crops say --images crops"
            )


def crop_scene(folder: Path, images: Sequence[Path], fps: float | None) -> CropScene:
    """A folder of crops; without a frame rate one image is taken to be one second.

    Raises:
        InputError: an image is not square.
    """
    for path in images:
        width, height = image_size(path)
        if width != height:
            raise InputError(
                f"{path}: {width} x {height} pixels, and a crop is square; cut it, or say --images frames to have the"
                " person found"
            )
    time_s = np.arange(len(images)) / (fps or 1.0)
    return CropScene(name=folder.resolve().name, cameras=("images",), time_s=time_s, files=tuple(images))


def sorted_images(folder: Path) -> list[Path]:
    """Image files of a folder, ``f2`` before ``f10``."""
    return sorted(filter(is_image, folder.iterdir()), key=natural_order)


def unread_files(folder: Path) -> list[Path]:
    """Other files of a folder of images."""
    return sorted(path for path in folder.iterdir() if not is_image(path) and not path.name.startswith("."))


def kind_of(images: Sequence[Path]) -> ImagesAre:
    """Crops, where every image is square."""
    return "crops" if all(width == height for width, height in map(image_size, images)) else "frames"


def image_size(path: Path) -> tuple[int, int]:
    """Width and height, without decoding.

    Raises:
        InputError: it is no image.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: not a whole image ({error}); copy it again, or remove it") from None
