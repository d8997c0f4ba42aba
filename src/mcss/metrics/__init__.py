"""Pose errors: per-pose functions in ``functional``, accumulating metrics in ``pose_error`` and ``retrieval_at_k``."""

from mcss.metrics.pose_error import MPJPE, NMPJPE, PAMPJPE
from mcss.metrics.retrieval_at_k import MeanPAMPJPEAtK

__all__ = ["MPJPE", "NMPJPE", "PAMPJPE", "MeanPAMPJPEAtK"]
