"""The layouts by name; a module is loaded when it is needed, because some ask for libraries of their own."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from data_modules.sources.base import Source
from data_modules.sources.file_names import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from mcss.errors import InputError

RECORDINGS = (*VIDEO_SUFFIXES, *(f"/*{suffix}" for suffix in IMAGE_SUFFIXES))
"""How names of videos end, and of images in folders."""


@dataclass(frozen=True)
class Entry:
    """Where a layout's class is, and what it is known by."""

    module: str
    class_name: str
    marks: tuple[str, ...]
    """Patterns of paths, of which one at least is in every such source; the first tells the layout best."""
    beside: tuple[str, ...] = ("*",)
    """Patterns of which one has to be there, too."""

    def is_in(self, source: Path) -> bool:
        """Whether a folder looks like such a source."""
        return all(any(any(source.glob(mark)) for mark in marks) for marks in (self.marks, self.beside))


OF_H36M = ("processed", "extracted", "images", "S[0-9]*/Videos")
"""Where Human3.6M's images are."""
OF_SEQUENCES = tuple(f"S*/Seq*/{name}" for name in ("annot.mat", "camera.calibration", "imageSequence", "imageFrames"))
"""What tells MPI-INF-3DHP's sequences from somebody's own clips called so."""
LAYOUTS = {
    "h36m-videopose3d": Entry("h36m.videopose3d", "H36mVideoPose3d", ("data_3d_h36m.npz",)),
    "h36m": Entry("h36m.original", "H36mOriginal", ("S[0-9]*/Videos", "S[0-9]*/*Pose*", "extracted/S*")),
    "h36m-karfly": Entry("h36m.karfly", "H36mKarfly", ("extra",), OF_H36M),
    "h36m-mmpose": Entry("h36m.mmpose", "H36mMmpose", ("annotation_body3d",)),
    "h36m-fetch": Entry("h36m.fetch", "H36mFetch", ("processed/S*",)),
    "h36m-mks0601": Entry("h36m.mks0601", "H36mMks0601", ("annotations/Human36M_subject*", "images/s_*_act_*")),
    "mpi-inf-3dhp": Entry("mpi_inf_3dhp.raw", "MpiInf3dhp", ("S*/Seq*",), OF_SEQUENCES),
    "mpi-inf-3dhp-test": Entry("mpi_inf_3dhp.test_set", "MpiInf3dhpTest", ("TS*/annot_data.mat", "TS*")),
    "mpi-inf-3dhp-test-metric": Entry("mpi_inf_3dhp.test_set", "MpiInf3dhpTestMetric", ("TS*/annot_data.mat", "TS*")),
    "mpi-inf-3dhp-mmpose": Entry(
        "mpi_inf_3dhp.mmpose", "MpiInf3dhpMmpose", ("annotations/*3dhp*", "annotations/cameras_t*")
    ),
    "videos": Entry(
        "footage.videos", "Videos", tuple(f"*/*/*{end}" for small in RECORDINGS for end in (small, small.upper()))
    ),
}
"""In the order in which the doctor looks for them: a lab's videos may have any name."""


def make_layout(name: str, source: Path, images: str | None = None) -> Source:
    """Source ``name`` of the files under ``source``.

    Labels of Human3.6M are read with the images of that name (``h36m.images``); without one with those that the layout
    comes with, or, where these are not there, with the first that are.

    Raises:
        InputError: there is no such layout or folder, no such images, or a library that it reads files with is not
            installed.
    """
    if name not in LAYOUTS:
        raise InputError(f"layout {name!r}: choose one of {', '.join(LAYOUTS)}")
    if not source.is_dir():
        raise InputError(f"--source {source}: there is no such folder")
    entry = LAYOUTS[name]
    try:
        layout = getattr(import_module(f"data_modules.sources.{entry.module}"), entry.class_name)(
            source.parent if name.startswith("h36m") and is_part_of_h36m_fetch(source) else source
        )
        if images is None and getattr(layout, "has_own_images", True):
            return layout
        return with_images(layout, images)
    except ModuleNotFoundError as error:
        raise InputError(
            f"layout {name!r} needs {error.name}: pip install -e '.[importers]' in the project's folder"
        ) from None


def is_part_of_h36m_fetch(source: Path) -> bool:
    """Whether a folder is what h36m-fetch unpacked or processed, beside the tables that it is read with."""
    return source.name in ("extracted", "processed") and not (source / "metadata.xml").exists()


def with_images(layout: Source, name: str | None) -> Source:
    """Labels of Human3.6M with the images of that name, or with the first that are there; alone if there are none.

    Raises:
        InputError: there are no images of that name, or the layout does not go with other images.
    """
    if name is not None and not layout.name.startswith("h36m"):
        raise InputError(f"--images {name}: layout {layout.name!r} has its own images; leave the option out")
    from data_modules.sources.h36m.images import choose_images
    from data_modules.sources.h36m.joined import H36mJoined
    from data_modules.sources.h36m.labels import H36mLabels

    if not isinstance(layout, H36mLabels):
        raise InputError(f"--images {name}: layout {layout.name!r} is of h36m-fetch's images; leave the option out")
    images = choose_images(layout.source, name)
    return layout if images is None else H36mJoined(layout, images)


def other_images(layout: Source) -> list[str]:
    """Names of images of Human3.6M that are there and not those that ``layout`` reads."""
    if not layout.images_name:
        return []
    from data_modules.sources.h36m.images import READERS

    there = [reader.name for reader in READERS if reader(layout.source).are_there]
    return [name for name in there if name != layout.images_name]
