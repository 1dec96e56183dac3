"""What every provider does, whatever it drives."""

import time

import pytest

from nodes.domain.names import NODE_NAME
from tests.nodes.cast import wait_until

NAMES = ["cpu-a1", "cpu-b2"]


def staying(provider):
    return [instance for instance in provider.list() if not instance.leaving]


def test_at_first_there_is_nothing(ground):
    assert list(ground.open().list()) == []


def test_what_is_started_is_listed_at_once_with_its_node_and_since_when(ground):
    provider = ground.open()

    provider.start(NAMES)

    found = provider.list()
    assert len({instance.id for instance in found}) == 2
    assert all(NODE_NAME.fullmatch(instance.node) for instance in found)
    assert all(abs(instance.started_at - time.time()) < 30 for instance in found)
    assert ground.names_itself or sorted(instance.node for instance in found) == NAMES


def test_a_new_leader_finds_what_the_last_one_started(ground):
    ground.open().start(NAMES)

    assert len(staying(ground.open())) == 2


def test_the_very_machine_that_is_to_end_does(ground):
    provider = ground.open()
    provider.start(NAMES)
    one, other = sorted(provider.list(), key=lambda instance: instance.node)

    provider.stop(other)

    wait_until(lambda: [i.node for i in provider.list()] == [one.node])


def test_stopping_what_is_gone_changes_nothing(ground):
    provider = ground.open()
    provider.start(NAMES[:1])
    [instance] = provider.list()
    provider.stop(instance)
    wait_until(lambda: not provider.list())

    provider.stop(instance)

    assert list(provider.list()) == []


def test_after_a_stop_more_can_be_started(ground):
    provider = ground.open()
    provider.start(NAMES)
    provider.stop(provider.list()[0])
    wait_until(lambda: len(provider.list()) == 1)

    provider.start(["cpu-c3"])

    assert len(staying(provider)) == 2


@pytest.mark.parametrize("ground", ["process", "command", "docker", "pods", "aws"], indirect=True)
def test_machines_of_other_pools_are_none_of_its_business(ground):
    ground.open("cpu").start(NAMES)

    other = ground.open("other")
    assert list(other.list()) == []
    other.close()
    assert len(staying(ground.open("cpu"))) == 2
