"""The lists of tasks that nodes name by a digest."""

import pytest
from django.db import OperationalError

from nodes import wire
from nodes.catalogue import Catalogue
from tests.nodes.cast import START

TEXT = wire.list_tasks(["b.c", "a.b"])
DIGEST = wire.digest_tasks(TEXT)


@pytest.fixture
def catalogue(redis_client):
    return Catalogue(redis_client)


def test_a_list_is_found_by_its_digest(catalogue, redis_client):
    redis_client.set(wire.tasks_key(DIGEST), TEXT)

    catalogue.learn({DIGEST: "1.0", "": "1.0"})

    assert catalogue.tasks(DIGEST) == {"a.b", "b.c"}


def test_what_is_not_there_is_unknown_until_it_is(catalogue, redis_client):
    catalogue.learn({DIGEST: "1.0"})
    assert catalogue.tasks(DIGEST) is None

    redis_client.set(wire.tasks_key(DIGEST), TEXT)
    catalogue.learn({DIGEST: "1.0"})

    assert catalogue.tasks(DIGEST) == {"a.b", "b.c"}


def test_what_is_known_is_not_asked_for_again(catalogue, redis_client):
    redis_client.set(wire.tasks_key(DIGEST), TEXT)
    catalogue.learn({DIGEST: "1.0"})
    redis_client.delete(wire.tasks_key(DIGEST))

    catalogue.learn({DIGEST: "1.0"})

    assert catalogue.tasks(DIGEST) == {"a.b", "b.c"}


def test_a_list_that_somebody_changed_counts_for_nothing(catalogue, redis_client):
    redis_client.set(wire.tasks_key(DIGEST), wire.list_tasks(["evil.task"]))

    catalogue.learn({DIGEST: "1.0"})

    assert catalogue.tasks(DIGEST) is None


def test_who_still_loads_has_none_and_who_says_nothing_may_have_any(catalogue):
    assert catalogue.tasks("") == frozenset()
    assert catalogue.tasks(None) is None


def test_the_order_of_names_makes_no_difference():
    assert wire.list_tasks(["a.b", "b.c"]) == TEXT
    assert wire.digest_tasks(TEXT.encode()) == DIGEST
    assert len(DIGEST) == 32


def publish(client, text):
    """What a slot does; the digest."""
    client.set(wire.tasks_key(wire.digest_tasks(text)), text)
    return wire.digest_tasks(text)


def taught(catalogue):
    """All that is new, in the order in which it is told."""
    found = []
    for _ in range(5):
        catalogue.teach(lambda news, now: found.append(news), START)
    return found


def test_a_list_may_tell_more_of_each_task(catalogue, redis_client):
    digest = publish(redis_client, wire.list_tasks({"b.c": {"summary": "é"}, "a.b": None}))

    catalogue.learn({digest: "1.0"})

    assert catalogue.tasks(digest) == {"a.b", "b.c"}
    [news] = taught(catalogue)
    assert (news.digest, news.release) == (digest, "1.0")
    assert news.tasks == {"a.b": None, "b.c": {"summary": "é"}}


def test_every_list_is_told_once_and_that_of_the_newest_release_last(catalogue, redis_client):
    lists = {r: publish(redis_client, wire.list_tasks([f"a.v{n}"])) for n, r in enumerate(RELEASES)}

    catalogue.learn({digest: release for release, digest in lists.items()})

    assert [news.release for news in taught(catalogue)] == ["nightly", "1.9", "1.10"]
    assert taught(catalogue) == []


RELEASES = ("1.10", "nightly", "1.9")


def test_a_list_that_comes_back_after_a_rollback_is_news_once_more(catalogue, redis_client):
    digest, other = (publish(redis_client, wire.list_tasks([name])) for name in ("a.b", "a.c"))

    for digests in ({digest: "1"}, {digest: "1", other: "2"}, {other: "2"}, {digest: "1"}):
        catalogue.learn(digests)

    assert [news.release for news in taught(catalogue)] == ["1"]
    assert catalogue.tasks(other) is None


def test_what_could_not_be_stored_during_an_outage_is_told_again(catalogue, redis_client):
    redis_client.set(wire.tasks_key(DIGEST), TEXT)
    catalogue.learn({DIGEST: "1.0"})

    def away(news, now):
        raise OperationalError("gone away")

    with pytest.raises(OperationalError):
        catalogue.teach(away, START)

    assert len(taught(catalogue)) == 1


def test_what_breaks_who_is_told_is_not_told_again(catalogue, redis_client):
    redis_client.set(wire.tasks_key(DIGEST), TEXT)
    catalogue.learn({DIGEST: "1.0"})

    def broken(news, now):
        raise KeyError("options")

    with pytest.raises(KeyError):
        catalogue.teach(broken, START)

    assert taught(catalogue) == []


@pytest.mark.parametrize(
    "text", ["", "{", "7", "null", '{"a.b": NaN}', "[" * 100_000, f'["{"x" * wire.PIECE_BYTES}"]']
)
def test_nonsense_is_unknown_and_not_read_again(catalogue, redis_client, text):
    digest = publish(redis_client, text)

    catalogue.learn({digest: "1.0"})
    redis_client.delete(wire.tasks_key(digest))
    catalogue.learn({digest: "1.0"})

    assert catalogue.tasks(digest) is None
    assert taught(catalogue) == []


def test_of_a_list_of_names_only_the_names_count(catalogue, redis_client):
    digest = publish(redis_client, '["a.b", 7, {"a": 1}, null]')

    catalogue.learn({digest: "1.0"})

    assert catalogue.tasks(digest) == {"a.b"}
