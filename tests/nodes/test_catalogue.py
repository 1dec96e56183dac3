"""The lists of tasks that nodes name by a digest."""

import pytest

from nodes import wire
from nodes.catalogue import Catalogue

TEXT = wire.list_tasks(["b.c", "a.b"])
DIGEST = wire.digest_tasks(TEXT)


@pytest.fixture
def catalogue(redis_client):
    return Catalogue(redis_client)


def test_a_list_is_found_by_its_digest(catalogue, redis_client):
    redis_client.set(wire.tasks_key(DIGEST), TEXT)

    catalogue.learn({DIGEST, ""})

    assert catalogue.tasks(DIGEST) == {"a.b", "b.c"}


def test_what_is_not_there_is_unknown_until_it_is(catalogue, redis_client):
    catalogue.learn({DIGEST})
    assert catalogue.tasks(DIGEST) is None

    redis_client.set(wire.tasks_key(DIGEST), TEXT)
    catalogue.learn({DIGEST})

    assert catalogue.tasks(DIGEST) == {"a.b", "b.c"}


def test_what_is_known_is_not_asked_for_again(catalogue, redis_client):
    redis_client.set(wire.tasks_key(DIGEST), TEXT)
    catalogue.learn({DIGEST})
    redis_client.delete(wire.tasks_key(DIGEST))

    catalogue.learn({DIGEST})

    assert catalogue.tasks(DIGEST) == {"a.b", "b.c"}


def test_a_list_that_somebody_changed_counts_for_nothing(catalogue, redis_client):
    redis_client.set(wire.tasks_key(DIGEST), wire.list_tasks(["evil.task"]))

    catalogue.learn({DIGEST})

    assert catalogue.tasks(DIGEST) is None


def test_who_still_loads_has_none_and_who_says_nothing_may_have_any(catalogue):
    assert catalogue.tasks("") == frozenset()
    assert catalogue.tasks(None) is None


def test_the_order_of_names_makes_no_difference():
    assert wire.list_tasks(["a.b", "b.c"]) == TEXT
    assert wire.digest_tasks(TEXT.encode()) == DIGEST
    assert len(DIGEST) == 32
