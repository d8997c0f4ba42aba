"""Which methods, supervision levels and metrics are compared in each table."""

from typing import NamedTuple

from mcss.metrics.reported import METRICS
from mcss.results.headlines import ONE_PERSON

CURVE_METHODS = ("mcss_plus", "mcss", "baseline_all_images", "baseline")
"""Methods of the README's table and of the curve; the others are in tables.md."""
README_LEVELS = ("all", *ONE_PERSON)
"""Levels of the README's table; the others are in the figure and in tables.md."""
COMPARED_METHODS = ("mcss", "baseline")
"""Methods whose predictions are shown side by side."""
CALIBRATION = "baseline_long"
"""Method whose errors measure the difficulty of the data."""
REFERENCE = "mcss"
"""Method whose error is divided by the error of each method at the same supervision and in the same frame."""
VARIANTS = {"view_synthesis": "view_synthesis", "view_synthesis_joint": "view_synthesis"}
"""Variants of one published method: it is credited with the one of lower error on the validation clips."""
CREDITED_BY = "validation_n_mpjpe_mm"
ACROSS_FRAMES = "pa_mpjpe_mm"
"""Error that can be compared between frames, because each prediction is rotated onto the true pose."""
PUBLISHED_AS = {
    "consistency": "rhodin_cvpr18_no_mpii",
    "view_synthesis": "rhodin_eccv18_resnet18",
    "view_synthesis_joint": "rhodin_eccv18_resnet18",
    "view_synthesis_resnet50": "rhodin_eccv18_resnet50",
    "skeleton_synthesis": "chen_cvpr19",
    "synchronisation": "jenni_favaro_resnet18_background",
}
"""Names of methods in ``paper_reference.csv`` where they differ."""


class Table(NamedTuple):
    """Title, supervision levels, methods and metrics of a table."""

    title: str
    levels: tuple[str, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...] = ("n_mpjpe_mm",)


TABLES = {
    "curve": Table("Amount of labels", ("all", "S1+S5", *ONE_PERSON, "50%S1", "10%S1", "5%S1"), CURVE_METHODS),
    "table1": Table(
        "Labels of all training subjects, and of S1",
        ("all", *ONE_PERSON),
        (
            *("baseline", "mcss", "mcss_plus"),
            *("consistency_canonical", "synchronisation", "synchronisation_difference"),
            *("baseline_camera", "consistency", "skeleton_synthesis"),
            *("view_synthesis", "view_synthesis_joint", "view_synthesis_resnet50"),
        ),
        tuple(METRICS),
    ),
    "table2": Table(
        "Target in the world's frame; a deeper network",
        ONE_PERSON,
        ("mcss", "mcss_global", "baseline_global", "mcss_resnet34"),
    ),
    "ablations": Table(
        "One part changed at a time",
        ONE_PERSON,
        (
            *("mcss", "mcss_threshold_at_once", "mcss_no_threshold", "mcss_random_negatives", "mcss_softmax"),
            *("mcss_squared", "mcss_mixed_subjects", "mcss_dim64", "mcss_dim256", "baseline_all_images", "baseline"),
        ),
    ),
}
"""The tables by name."""
