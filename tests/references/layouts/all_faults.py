"""The faults of every layout, registered."""

from tests.references.layouts import faults_h36m_mks0601, faults_h36m_original, faults_mpi_inf_3dhp, faults_videos  # noqa: F401
from tests.references.layouts.faults import FAULTS

__all__ = ["FAULTS"]
