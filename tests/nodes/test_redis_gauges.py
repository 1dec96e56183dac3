"""How Redis is."""

import pytest

from nodes.redis_gauges import EVERY_SECONDS, RedisGauges


@pytest.fixture
def client(real_broker):
    return real_broker.open()


def test_a_real_redis_tells_what_it_holds(client):
    told = RedisGauges(client).read(100.0)

    assert told["used_memory"] > 0
    assert told["connected_clients"] >= 1
    assert told["evicted_keys"] == 0
    assert told["write_failed"] is False
    assert 0 < told["answer_seconds"] < 5


def test_it_is_asked_now_and_then(client):
    gauges = RedisGauges(client)

    first, again = gauges.read(100.0), gauges.read(100.0 + EVERY_SECONDS / 2)
    later = gauges.read(100.0 + EVERY_SECONDS)

    assert first is again
    assert later is not first
    # The clock was set back.
    assert gauges.read(50.0) is not later
