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


LAYOUTS = {
    "h36m-videopose3d": Entry("h36m.videopose3d", "H36mVideoPose3d", ("data_3d_h36m.npz",)),
    "h36m": Entry("h36m.original", "H36mOriginal", ("S*/Videos", "S*/MyPoseFeatures", "extracted/S*")),
    "h36m-karfly": Entry("h36m.karfly", "H36mKarfly", ("extra",)),
    "h36m-mmpose": Entry("h36m.mmpose", "H36mMmpose", ("annotation_body3d",)),
    "h36m-fetch": Entry("h36m.fetch", "H36mFetch", ("processed/S*",)),
    "h36m-mks0601": Entry("h36m.mks0601", "H36mMks0601", ("annotations/Human36M_subject*", "images/s_*_act_*")),
    "mpi-inf-3dhp": Entry("mpi_inf_3dhp.raw", "MpiInf3dhp", ("S*/Seq*",)),
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


def make_layout(name: str, source: Path) -> Source:
    """Source ``name`` of the files under ``source``.

    Raises:
        InputError: there is no such layout or folder, or a library that it reads files with is not installed.
    """
    if name not in LAYOUTS:
        raise InputError(f"layout {name!r}: choose one of {', '.join(LAYOUTS)}")
    if not source.is_dir():
        raise InputError(f"--source {source}: there is no such folder")
    entry = LAYOUTS[name]
    try:
        return getattr(import_module(f"data_modules.sources.{entry.module}"), entry.class_name)(source)
    except ModuleNotFoundError as error:
        raise InputError(
            f"layout {name!r} needs {error.name}: pip install -e '.[importers]' in the project's folder"
        ) from None
