"""Pose errors: per-pose functions in ``functional``, accumulating metrics in ``pose_error``."""

from mcss.metrics.pose_error import MPJPE, NMPJPE, PAMPJPE

__all__ = ["MPJPE", "NMPJPE", "PAMPJPE"]
