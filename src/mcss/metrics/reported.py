"""The pose errors that every table, figure and CSV file reports, with their headings and definitions."""

from typing import NamedTuple

from mcss.metrics.pose_error import MPJPE, NMPJPE, PAMPJPE


class ReportedError(NamedTuple):
    """A metric with the words that stand for it."""

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
"""By name in ``results.json`` and ``runs.csv``."""
