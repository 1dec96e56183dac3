"""What every test may ask for."""

from collections.abc import Iterator

import fakeredis
import hypothesis
import pytest
from rest_framework.test import APIClient

from nodes import inbox
from nodes.services import create_api_key
from tests.contracts.redis import broker, fake_broker, real_broker, real_redis
from tests.ota.desk import desk, nexus_data

__all__ = ["broker", "desk", "fake_broker", "nexus_data", "real_broker", "real_redis"]

# A slow moment of the machine is no failure.
hypothesis.settings.register_profile("hive", deadline=None)
hypothesis.settings.load_profile("hive")


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.FakeRedis]:
    """A Redis in memory, which the Nexus uses instead of its own."""
    client = fakeredis.FakeRedis()
    monkeypatch.setattr(inbox, "_client", client)
    monkeypatch.setattr(inbox, "_hurried", client)
    monkeypatch.setattr(inbox, "open_ear", lambda: client)
    yield client
    client.flushall()


@pytest.fixture
def api(db: None, redis: fakeredis.FakeRedis) -> APIClient:
    """A client of the REST API whose key has every scope."""
    return client_with("submit", "read", "control", "ota")


def client_with(*scopes: str) -> APIClient:
    """A client of the REST API whose key has these scopes."""
    _, secret = create_api_key(name="test", scopes=list(scopes))
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client
