"""`ctx.cache`: small things, that may be gone, and never a reason to fail."""

import fakeredis
import pytest

from jobs.invariants.redis import MAX_VALUE_BYTES
from jobs.spore.shared_cache import MAX_BYTES, SharedCache


@pytest.fixture
def server():
    return fakeredis.FakeServer()


@pytest.fixture
def cache(server):
    return SharedCache(fakeredis.FakeRedis(server=server))


def test_every_node_knows_what_one_remembers(cache, server):
    assert cache.set("a", {"n": [1, "ü"]}) is True

    assert SharedCache(fakeredis.FakeRedis(server=server)).get("a") == {"n": [1, "ü"]}


def test_everything_is_forgotten_in_time(cache, server):
    cache.set("a", 1)

    assert 86_000 < fakeredis.FakeRedis(server=server).ttl("hive:cache:a") <= 86_400


def test_without_redis_there_is_nothing_and_nothing_fails(cache, server):
    cache.set("a", 1)
    server.connected = False

    assert cache.get("a", "default") == "default"
    assert cache.set("a", 2) is False
    assert cache.get_or_set("a", lambda: 3) == 3


def test_what_is_missing_is_made_and_kept(cache):
    assert cache.get_or_set("a", lambda: None) is None
    assert cache.get_or_set("a", lambda: 2) is None


def test_what_somebody_else_put_there_is_no_value(cache, server):
    fakeredis.FakeRedis(server=server).set("hive:cache:a", b"\xff{")

    assert cache.get("a", 0) == 0


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb", 5, None, b"a"])
def test_a_name_is_a_short_line(cache, name):
    for ask in (lambda: cache.get(name), lambda: cache.set(name, 1)):
        with pytest.raises(ValueError, match="give 1 to 200 printable characters"):
            ask()


def test_large_values_are_refused_with_the_way_out(cache):
    assert MAX_BYTES == MAX_VALUE_BYTES
    cache.set("a", "x" * (MAX_BYTES - 2))

    with pytest.raises(ValueError, match="return it as a result instead"):
        cache.set("a", "x" * (MAX_BYTES - 1))


@pytest.mark.parametrize("value", [object(), float("nan"), "\ud800"])
def test_only_json_is_kept(cache, value):
    with pytest.raises(ValueError, match="the value of 'a'"):
        cache.set("a", value)


@pytest.mark.parametrize("ttl", [-1, float("nan"), float("inf")])
def test_a_time_is_a_time(cache, ttl):
    with pytest.raises(ValueError, match="ttl"):
        cache.set("a", 1, ttl=ttl)
