import pytest

from ota import trust_desk
from tests.ota.desk import FakeDesk, use_data


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The data directory of the Nexus, for this test alone."""
    return use_data(monkeypatch, tmp_path / "data")


@pytest.fixture
def desk(db, data, monkeypatch):
    """A desk that signs for everything."""
    found = FakeDesk()
    monkeypatch.setattr(trust_desk, "open_desk", lambda: found)
    return found
