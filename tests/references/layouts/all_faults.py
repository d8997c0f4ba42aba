"""The faults of every layout: the modules register them when they are imported."""

from importlib import import_module

from tests.references.layouts.faults import FAULTS

NAMES = (
    "h36m_fetch", "h36m_mks0601", "h36m_original", "h36m_videopose3d", "mmpose", "mpi_inf_3dhp", "mpi_inf_3dhp_test",
    "videos",
)  # fmt: skip
for name in NAMES:
    import_module(f"tests.references.layouts.faults_{name}")

__all__ = ["FAULTS"]
