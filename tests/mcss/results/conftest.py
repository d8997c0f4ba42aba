import json

import pandas as pd
import pytest

from mcss.results.record import table_row
from mcss.run.identity import settings_hash

METRICS = ("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm")


def results(value):
    return [
        {"metric": metric, "value": value + offset + (0 if joints == "h36m16" else 50), "joint_set": joints}
        | {"average": average, "frame": "canonical"}
        for offset, metric in enumerate(METRICS)
        for joints in ("h36m17", "h36m16")
        for average in ("macro", "micro")
    ]


@pytest.fixture
def record():
    """Content of a ``results.json``; its errors are ``value``, 1 and 2 mm more, and 10 mm more or less by subject."""

    def make(method="mcss", supervision="S1", seed=0, value=100.0, settings=(), **changes):
        if settings is not None:
            settings = {"data.supervision": supervision, "model.lr": 0.002, "data.test_store": "d"} | dict(settings)
        facts = {"method": method, "supervision": supervision, "seed": seed, "settings": settings, "steps": 3000}
        identity = settings_hash(settings or {})
        facts |= {"settings_hash": identity, "world_size": 1, "precision": "32-true", "dirty": False}
        facts |= {
            "commit": "c" * 40,
            "checkpoint_hash": f"{identity}{seed}",
            "labelled_instants": 1120,
            "labels_2d": "none",
        }
        facts |= {"images_seen": 330000, "wall_s": 90, "data": "studio", "data_hash": "d", "test_data_hash": "d"}
        facts |= {"frame": "canonical", "partial": False, "test_images": 144, "test_images_of_store": 144}
        errors = [dict(zip(METRICS, (value + x, value + x + 1, value + x + 2), strict=True)) for x in (-10, 10)]
        facts |= {"results": results(value), "mean_pose_results": results(200.0)}
        facts |= {"by_subject": dict(zip(("S9", "S11"), errors, strict=True)), "labelled_errors": {"mpjpe_mm": 20.0}}
        filmed = dict.fromkeys(METRICS, value / 2 + 1)
        facts |= {"filmed_people": {"images": 96, **filmed, "by_subject": {"S5": filmed}}}
        of_validation = {**dict.fromkeys(METRICS, value / 4), "mean_pose_mpjpe_mm": 160.0}
        facts |= {"validation_errors": {"images": 48, **of_validation}}
        return facts | changes

    return make


@pytest.fixture
def finished(record, tmp_path):
    """Folder of a tested run that holds nothing but its record."""

    def make(name, **changes):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps(record(**changes)))
        return tmp_path / name

    return make


@pytest.fixture
def table(record):
    """The table of all runs, from the changes of each record."""
    return lambda *runs: pd.DataFrame([table_row(record(**changes)) for changes in runs]).astype(str)
