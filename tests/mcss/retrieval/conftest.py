import pytest
import torch

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
    content = torch.load(trained / "checkpoints/last.ckpt", weights_only=True)
    paths = [runs / f"run{seed}/checkpoints/last.ckpt" for seed in (0, 1)]
    for seed, path in enumerate(paths):
        path.parent.mkdir(parents=True)
        torch.save(content | {"run": content["run"] | {"seed": seed}}, path)
    return paths
