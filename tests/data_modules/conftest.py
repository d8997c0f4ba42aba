import shutil

import pytest
from hypothesis import settings

from tests.references.film import shoot_film
from tests.references.layouts import MINIATURES
from tests.references.synthetic_store import make_store

# Time says nothing on a machine that others use as well.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def store_path(tmp_path_factory):
    """A synthetic store for reading only."""
    return make_store(tmp_path_factory.mktemp("data") / "synthetic")


@pytest.fixture(scope="session")
def film():
    return shoot_film()


@pytest.fixture(scope="session")
def sources(film, tmp_path_factory):
    """A function that gives the folder with the miniature of a layout, for reading only."""
    made = {}

    def source(layout):
        if layout not in made:
            made[layout] = tmp_path_factory.mktemp(layout)
            MINIATURES[layout].write(film, made[layout])
        return made[layout]

    return source


@pytest.fixture
def copied_source(sources, tmp_path):
    """A function that gives a copy of a miniature to break."""
    return lambda layout: shutil.copytree(sources(layout), tmp_path / "source")


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    """Weights of a detector lie on some machines only, and nothing is downloaded by tests."""
    monkeypatch.setattr("data_modules.sources.footage.detector_boxes.available_detector", lambda: None)
