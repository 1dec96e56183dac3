"""Who is somebody, before much is read of them."""

import time

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from hive_site import senders
from hive_site.kernel.envelope import node_key
from hive_site.kernel.signed_requests import authorization
from nodes.models import ApiKey
from nodes.services import create_api_key
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/blobs/0/"


def knows(**headers: str) -> bool:
    found = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return async_to_sync(senders.is_known)({"method": "PUT", "path": PATH, "headers": found})


def sign(*, path: str = PATH, key: bytes | None = None) -> str:
    mine = key or node_key(settings.HIVE_FLEET_KEY, "spore-1")
    return authorization(node="spore-1", key=mine, method="PUT", path=path, now=time.time())


def test_a_key_is_known_until_it_is_revoked():
    _, secret = create_api_key(name="x", scopes=["read"])

    assert knows(Authorization=f"Bearer {secret}")
    ApiKey.objects.update(revoked_at="2020-01-01T00:00:00Z")
    assert not knows(Authorization=f"Bearer {secret}")


def test_a_person_is_known_by_a_session():
    client = Client()
    client.force_login(person("viewer"))

    assert knows(Cookie=f"sessionid={client.cookies['sessionid'].value}")
    client.logout()
    assert not knows(Cookie="sessionid=guessed")


def test_a_node_is_known_by_its_signature_of_this_request():
    assert knows(Authorization=sign())
    assert not knows(Authorization=sign(path="/api/v1/ota/sync/"))
    assert not knows(Authorization=sign(key=b"another"))


@pytest.mark.parametrize("shown", ["", "Bearer ", "Bearer hive_guessed", "Basic YTpi", "Node x"])
def test_nobody_else_is(shown):
    assert not knows(Authorization=shown) if shown else not knows()


def test_while_the_database_is_away_nobody_is_sent_off_as_a_stranger(monkeypatch):
    def away(shown):
        raise OperationalError("gone")

    monkeypatch.setattr(senders, "find_key", away)

    assert knows(Authorization="Bearer hive_x")
