from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import QuerySet
from django.utils import timezone

from nodes import services
from nodes.models import ApiKey
from nodes.services import create_api_key, find_api_key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forget():
    """Keys of other tests had the same ids."""
    services._tried.clear()


@pytest.fixture
def locked(monkeypatch):
    """Writes that a locked database refused."""
    tried = []

    def update(self, **changes):
        tried.append(changes)
        raise OperationalError("database is locked")

    monkeypatch.setattr(QuerySet, "update", update)
    return tried


def test_a_key_opens_reads_while_nobody_can_write(locked):
    _, secret = create_api_key(name="test", scopes=["read"])

    assert [find_api_key(secret) is not None for _ in range(3)] == [True] * 3
    assert len(locked) == 1  # each would wait for the lock


def test_a_use_is_noted_again_after_a_minute():
    key, secret = create_api_key(name="test", scopes=["read"])
    long_ago = timezone.now() - timedelta(minutes=2)
    ApiKey.objects.update(last_used_at=long_ago)
    services._tried[key.pk] = long_ago

    find_api_key(secret)

    assert ApiKey.objects.get().last_used_at > long_ago


def test_a_key_ends_with_the_account_of_its_owner(django_user_model):
    owner = django_user_model.objects.create_user("bee")
    _, secret = create_api_key(name="test", scopes=["read"], owner=owner)
    before = find_api_key(secret)
    django_user_model.objects.update(is_active=False)

    assert (before is None, find_api_key(secret)) == (False, None)
