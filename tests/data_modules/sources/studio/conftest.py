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
def tiny_store_path(made_once):
    """The tiny studio, built by one process; for reading only."""
    return made_once("tiny", lambda path: build_studio(PRESETS["tiny"], path, workers=1, progress=False))
