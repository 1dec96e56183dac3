"""A Foreman whose Redis lost its memory, and who may lead no more when it notices."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from jobs.workload import JobsWorkload
from nodes import wire
from nodes.domain.scoring import Weights
from nodes.foreman import Foreman
from nodes.keyring import Keyring
from nodes.leadership import TERM, Leadership
from nodes.mailbox import Mailbox

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def open_foreman(redis, name):
    leadership = Leadership(redis)
    leadership.holder = f"{name}:1"
    return Foreman(
        client=redis,
        leadership=leadership,
        mailbox=Mailbox(redis, keyring=Keyring("key")),
        workload=JobsWorkload(redis, keyring=Keyring("key"), weights=Weights(), random=Random(1)),
        keyring=Keyring("key"),
        weights=Weights(),
    )


@pytest.mark.django_db
def test_a_leader_reminds_redis_of_its_epoch(redis):
    foreman = open_foreman(redis, "a")
    foreman.tick(NOW)
    redis.flushall()

    foreman.tick(NOW + timedelta(seconds=2))

    assert (foreman.leads, redis.get(wire.EPOCH)) == (True, b"1")


@pytest.mark.django_db
def test_a_leader_that_finds_a_newer_one_in_a_fresh_redis_stands_by(redis):
    frozen, heir = open_foreman(redis, "a"), open_foreman(redis, "b")
    frozen.tick(NOW)
    redis.flushall()
    heir.tick(NOW + TERM * 2)

    frozen.tick(NOW + timedelta(seconds=2))  # the time at which its step was frozen

    assert (frozen.leads, heir.leads, redis.get(wire.EPOCH)) == (False, True, b"2")
