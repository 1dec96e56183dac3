"""Limits: counted together in Redis, alone without it."""

import pytest
from redis import Redis

from hive_site.kernel.limits import AWAY_SECONDS, Limiter, parse_rate


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def two_a_minute(client, now=Clock()):
    return Limiter("guesses", parse_rate("2/minute"), client=client, now=now)


def test_two_processes_count_together(broker):
    here, there = two_a_minute(broker.open), two_a_minute(broker.open)

    assert (here.take("ann"), there.take("ann")) == (0, 0)
    assert 0 < here.take("ann") <= 60
    assert 0 < there.take("ann") <= 60


def test_each_caller_has_an_allowance_of_its_own(broker):
    limiter = two_a_minute(broker.open)

    assert [limiter.take("ann") for _ in range(2)] == [0, 0]
    assert limiter.take("bob") == 0


def test_a_look_counts_nothing(broker):
    limiter = two_a_minute(broker.open)

    assert [limiter.look("ann") for _ in range(5)] == [0] * 5


def test_who_is_forgotten_begins_anew(broker):
    limiter = two_a_minute(broker.open)
    for _ in range(3):
        limiter.take("ann")

    limiter.forget("ann")

    assert limiter.take("ann") == 0


def test_every_key_goes_by_itself(broker):
    client = broker.open()
    limiter = two_a_minute(broker.open)
    for _ in range(3):
        limiter.take("ann")

    names = list(client.scan_iter())
    assert names
    assert all(name.startswith(b"hive:limit:") for name in names)
    assert all(0 < client.ttl(name) <= 120 for name in names)


def test_without_redis_a_process_counts_alone_and_asks_redis_again_later():
    asked = []

    def nowhere():
        asked.append(1)
        return Redis(port=1)

    clock = Clock()
    limiter = two_a_minute(nowhere, clock)

    assert [limiter.take("ann") > 0 for _ in range(3)] == [False, False, True]
    assert len(asked) == 1
    clock.now += AWAY_SECONDS
    limiter.take("ann")
    assert len(asked) == 2


@pytest.mark.parametrize("text", ["many", "5", "-1/minute", "5/fortnight"])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ValueError):
        parse_rate(text)
