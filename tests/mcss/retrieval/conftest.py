import json
import shutil

import pytest

from tests.references.synthetic_store import make_store


@pytest.fixture(scope="session")
def other_store(tmp_path_factory):
    """Data that the trained run has not seen: two test subjects, two cameras."""
    path = tmp_path_factory.mktemp("data") / "other"
    return make_store(path, ("S1", "S9", "S11"), cameras=("left", "right"), size_px=48, instants=5, seed=7)


@pytest.fixture(scope="module")
def checkpoints(trained, tmp_path_factory):
    """The trained run's checkpoint as that of two runs, with different seeds in their records."""
    runs = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        (runs / f"run{seed}/checkpoints").mkdir(parents=True)
        shutil.copy(trained / "checkpoints/last.ckpt", runs / f"run{seed}/checkpoints")
        facts = json.loads((trained / "run.json").read_text()) | {"seed": seed}
        (runs / f"run{seed}/run.json").write_text(json.dumps(facts))
    return [runs / f"run{seed}/checkpoints/last.ckpt" for seed in (0, 1)]
