"""What every test may ask for."""

from collections.abc import Generator, Iterator

import fakeredis
import hypothesis
import pytest
from rest_framework.test import APIClient

from hive_site.kernel.subject import set_subject
from nodes import inbox, interest, picture
from nodes.services import create_api_key
from tests.contracts.redis import broker, fake_broker, real_broker, real_redis
from tests.ota.desk import desk, nexus_data
from tests.wire import speakable

__all__ = ["broker", "desk", "fake_broker", "nexus_data", "real_broker", "real_redis"]

# A slow moment of the machine is no failure.
hypothesis.settings.register_profile("hive", deadline=None)
hypothesis.settings.load_profile("hive")


#: What a test asks for if it touches the database.
DATABASE = {"db", "transactional_db", "django_db_reset_sequences", "database_url", "colony"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-db", action="store_true", help="only what touches the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--only-db`, leave out what would be the same on every database."""
    if config.getoption("--only-db"):
        rest = [item for item in items if not touches_database(item)]
        config.hook.pytest_deselected(items=rest)
        items[:] = [item for item in items if item not in set(rest)]


def touches_database(item: pytest.Item) -> bool:
    """Whether a test is marked so, or asks for it."""
    asked = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(asked & DATABASE)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    """Reports as pytest-xdist can send them."""
    report = yield
    return speakable(report)


@pytest.fixture(autouse=True)
def no_subject() -> Iterator[None]:
    """What one test works on is not what the next one's lines are about."""
    yield
    set_subject(dict)


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[fakeredis.FakeRedis]:
    """A Redis in memory, which the Nexus uses instead of its own."""
    client = fakeredis.FakeRedis()
    monkeypatch.setattr(inbox, "_client", client)
    monkeypatch.setattr(inbox, "_hurried", client)
    monkeypatch.setattr(inbox, "_hung_until", 0.0)
    monkeypatch.setattr(inbox, "open_ear", lambda: client)
    monkeypatch.setattr(interest, "_next_at", 0.0)
    monkeypatch.setattr(picture, "_glimpse", (picture.Picture(), 0.0))
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
