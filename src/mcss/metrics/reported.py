"""The pose errors that every table, figure and CSV file reports, with their headings and definitions."""

from typing import NamedTuple

from mcss.metrics.pose_error import MPJPE, NMPJPE, PAMPJPE


class ReportedError(NamedTuple):
    """Heading and definition of a metric."""

    heading: str
    definition: str
    metric: type[MPJPE] | type[NMPJPE] | type[PAMPJPE]


METRICS = {
    "mpjpe_mm": ReportedError("MPJPE", "mean joint distance, both poses relative to their own pelvis", MPJPE),
    "n_mpjpe_mm": ReportedError(
        "N-MPJPE", "mpjpe_mm after the prediction is scaled by <pred, true> / <pred, pred>, per pose", NMPJPE
    ),
    "pa_mpjpe_mm": ReportedError(
        "PA-MPJPE", "mpjpe_mm after the best similarity (scale, proper rotation, translation), per pose", PAMPJPE
    ),
}
"""Reported errors by their name in ``results.json`` and ``runs.csv``."""
