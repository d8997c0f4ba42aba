import pytest
from hypothesis import settings

from tests.references.synthetic_store import make_store

# Time says nothing on a machine that others use as well.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def store_path(tmp_path_factory):
    """A synthetic store for reading only."""
    return make_store(tmp_path_factory.mktemp("data") / "synthetic")
