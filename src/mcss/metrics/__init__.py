"""Pose errors: per-pose functions in ``functional``, accumulating metrics in ``pose_error`` and ``retrieval``."""

from mcss.metrics.pose_error import MPJPE, NMPJPE, PAMPJPE
from mcss.metrics.retrieval import MeanPAMPJPEAtK

__all__ = ["MPJPE", "NMPJPE", "PAMPJPE", "MeanPAMPJPEAtK"]
