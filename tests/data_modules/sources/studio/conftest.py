import numpy as np
import pytest

from data_modules.sources.studio.clips import Studio
from data_modules.sources.studio.config import PRESETS
from data_modules.sources.studio.source import build_studio


@pytest.fixture(scope="session")
def studio():
    """The default studio with all its subjects."""
    config = PRESETS["studio"]
    return Studio(config, config.subjects)


@pytest.fixture(scope="session")
def performed(studio):
    """Joints in the world at all instants of every clip of the default studio."""
    return {clip: studio.perform(*clip).joints_mm for clip in studio.config.clips}


@pytest.fixture(scope="session")
def poses(performed):
    """All poses of the default studio: joints in the world, subject and action of each."""
    joints = np.concatenate(list(performed.values()))
    subjects, actions = (np.array([clip[part] for clip in performed for _ in performed[clip]]) for part in (0, 1))
    return joints, subjects, actions


@pytest.fixture(scope="session")
def tiny_store_path(tmp_path_factory):
    """The tiny studio, built by one process; for reading only."""
    path = tmp_path_factory.mktemp("studio") / "tiny"
    build_studio(PRESETS["tiny"], path, workers=1, progress=False)
    return path
