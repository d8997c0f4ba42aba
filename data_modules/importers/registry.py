"""The layouts by name; a module is loaded when it is needed, because each asks for libraries of its own."""

from importlib import import_module
from pathlib import Path

from data_modules.importers.layout import Layout
from mcss.errors import InputError

LAYOUTS = {
    "h36m": ("h36m_original", "H36mOriginal"),
    "h36m-mks0601": ("h36m_mks0601", "H36mMks0601"),
    "mpi-inf-3dhp": ("mpi_inf_3dhp", "MpiInf3dhp"),
    "videos": ("videos", "Videos"),
}
"""Module and class of each layout."""


def make_layout(name: str, source: Path) -> Layout:
    """Layout ``name`` of the files under ``source``.

    Raises:
        InputError: there is no such layout or folder, or a library that it reads files with is not installed.
    """
    if name not in LAYOUTS:
        raise InputError(f"layout {name!r}: choose one of {', '.join(LAYOUTS)}")
    if not source.is_dir():
        raise InputError(f"--source {source}: there is no such folder")
    module, class_name = LAYOUTS[name]
    try:
        return getattr(import_module(f"data_modules.importers.{module}"), class_name)(source)
    except ModuleNotFoundError as error:
        raise InputError(f"layout {name!r} needs {error.name}: pip install 'mcss[importers]'") from None
