"""Errands are done beside the loop: one at a time, and whatever breaks there is told."""

from threading import Event

import pytest
from django.db import OperationalError

from nodes.autoscaling.errands import Errand, Messenger
from nodes.domain.scaling_machines import Instance
from tests.nodes.autoscaling.cast import Fake
from tests.nodes.cast import wait_until


def outcome_of(messenger: Messenger):
    found = []
    wait_until(lambda: found.append(messenger.collect()) or found[-1])
    return found[-1]


def leads() -> bool:
    return True


@pytest.fixture
def provider() -> Fake:
    return Fake()


@pytest.fixture
def messenger(provider) -> Messenger:
    return Messenger(provider, pool="cpu")


def test_nobody_waits_for_a_provider_that_takes_long(messenger, provider):
    go = Event()
    provider.list = lambda: go.wait(20) and []

    messenger.send(Errand(), leads=leads)

    assert messenger.collect() is None
    assert messenger.away_seconds > 0
    go.set()
    assert outcome_of(messenger).instances == []
    assert messenger.away_seconds == 0


def test_what_is_stopped_and_started_shows_in_the_same_errand_s_list(messenger, provider):
    provider.start(["cpu-1"])

    messenger.send(Errand(stop=provider.list(), start=["cpu-2"]), leads=leads)

    outcome = outcome_of(messenger)
    assert [instance.node for instance in outcome.instances] == ["cpu-2"]
    assert (outcome.errors, outcome.start_failed) == ([], False)


def test_one_that_cannot_be_stopped_keeps_the_others_from_nothing(messenger, provider):
    provider.breaks = "stop"

    messenger.send(Errand([Instance("1", "a", 0), Instance("2", "b", 0)], ["c"]), leads=leads)

    outcome = outcome_of(messenger)
    assert outcome.errors == ["stop: no stop today"] * 2
    assert list(provider.machines) == ["c"]


def test_a_library_that_breaks_is_told_as_any_other_failure(messenger, provider):
    provider.start = lambda nodes: {}["quota"]

    messenger.send(Errand(start=["a"]), leads=leads)

    outcome = outcome_of(messenger)
    assert outcome.errors == ["start: KeyError: 'quota'"]
    assert (outcome.start_failed, outcome.instances) == (True, [])


def test_a_list_that_nobody_gave_is_none(messenger, provider):
    provider.breaks = "list"

    messenger.send(Errand(), leads=leads)

    assert outcome_of(messenger).instances is None


def test_whoever_leads_no_more_changes_nothing(messenger, provider):
    provider.start(["a"])

    messenger.send(Errand(stop=provider.list(), start=["b"]), leads=lambda: False)

    assert outcome_of(messenger).errors == ["another Foreman leads"]
    assert list(provider.machines) == ["a"]


def test_while_the_database_is_away_nothing_is_changed(messenger, provider):
    def ask() -> bool:
        raise OperationalError("it is away")

    messenger.send(Errand(start=["a"]), leads=ask)

    assert outcome_of(messenger).errors == ["nobody knows who leads: it is away"]
    assert provider.machines == {}


def test_the_end_waits_for_the_errand_and_closes_the_provider(messenger, provider):
    messenger.send(Errand(start=["a"]), leads=leads)

    messenger.dismiss(20)

    assert (list(provider.machines), provider.closed) == (["a"], True)
