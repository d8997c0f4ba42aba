import json

import pytest

from mcss.results.collect import COLUMNS


def results(value):
    return [
        {"metric": metric, "value": value + offset + (0 if joints == "h36m16" else 50), "joint_set": joints}
        | {"average": average, "frame": "canonical"}
        for offset, metric in enumerate(("mpjpe_mm", "n_mpjpe_mm", "pa_mpjpe_mm"))
        for joints in ("h36m17", "h36m16")
        for average in ("macro", "micro")
    ]


@pytest.fixture
def finished(tmp_path):
    def run(name, method="mcss", seed=0, value=100.0, mean_pose=200.0, **changes):
        record = dict.fromkeys(COLUMNS, 1) | {"method": method, "seed": seed, "supervision": "S1", "wall_s": 90}
        record |= {"config_hash": f"{method}{seed}", "data_hash": "d", "frame": "canonical", "commit": "c"} | changes
        record |= {"results": results(value), "mean_pose_results": results(mean_pose)}
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps(record))
        return tmp_path / name

    return run
