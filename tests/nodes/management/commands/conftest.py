import pytest

from hive_site import wiring


class NoCourier:
    """Has nothing to carry."""

    def run(self, stop) -> None:
        stop.wait()


@pytest.fixture(autouse=True)
def courier(monkeypatch):
    """No thread of a test's Foreman looks into the database beside it."""
    monkeypatch.setattr(wiring, "build_courier", NoCourier)
