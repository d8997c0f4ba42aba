"""Pose errors: functions in ``functional``, accumulating metrics in ``pose_error``, ``pck`` and ``retrieval_at_k``."""

from mcss.metrics.pck import AUC3D, PCK3D
from mcss.metrics.pose_error import MPJPE, NMPJPE, PAMPJPE
from mcss.metrics.retrieval_at_k import MeanPAMPJPEAtK

__all__ = ["AUC3D", "MPJPE", "NMPJPE", "PAMPJPE", "PCK3D", "MeanPAMPJPEAtK"]
