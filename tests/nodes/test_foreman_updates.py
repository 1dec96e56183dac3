"""What the Foreman does for new code: it asks who conducts it, and tells the nodes at once."""

from datetime import timedelta

import pytest

from hive_site.kernel.envelope import node_key, unseal
from nodes import wire
from nodes.domain.scoring import Weights
from nodes.foreman import Foreman
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Node
from tests.nodes.cast import FLEET_KEY, after

pytestmark = pytest.mark.django_db


class Notes:
    """Updates of which only the calls are kept."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.changed: set[str] = set()
        self.due = timedelta(seconds=1)
        self.wishes: dict[str, int] = {}
        self.breaks = False

    def take_over(self, leadership, now) -> None:
        self.calls.append("take_over")

    def heed(self, wakeups, now) -> None:
        self.calls += [f"heed {hint.subject}" for hint in wakeups if hint.what == "rollout"]

    def conduct(self, roster, now) -> set[str]:
        self.calls.append("conduct")
        if self.breaks:
            raise ValueError("a row that makes no sense")
        return self.changed

    def next_due(self, now) -> timedelta:
        return self.due

    def revs(self) -> dict[str, int]:
        return self.wishes

    def snapshot(self, now) -> dict:
        return {"updates": [{"id": "rollout_1"}]}


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def foreman(redis_client, work, notes) -> Foreman:
    return Foreman(
        client=redis_client,
        leadership=Leadership(redis_client),
        mailbox=Mailbox(redis_client, keyring=Keyring(FLEET_KEY)),
        workload=work,
        keyring=Keyring(FLEET_KEY),
        weights=Weights(),
        updates=notes,
    )


def rev_of(client, name: str) -> int:
    envelope = client.get(wire.orders_key(name))
    body = unseal(envelope, key=node_key(FLEET_KEY, name), purpose=wire.PURPOSE_ORDER)
    return body["ota_rev"]


def test_a_leader_takes_updates_over_and_conducts_them(foreman, notes):
    foreman.tick(after(0))

    assert notes.calls == ["take_over", "conduct"]


def test_a_hint_is_heeded_before_it_is_conducted(foreman, notes, redis_client):
    foreman.tick(after(0))
    redis_client.xadd(wire.INBOX, {"what": "rollout", "subject": "rollout_1"})
    notes.calls.clear()

    foreman.wait(timedelta(milliseconds=1))
    foreman.tick(after(0.1))

    assert notes.calls == ["heed rollout_1", "conduct"]


def test_nodes_of_which_something_else_is_wanted_hear_of_it_at_once(foreman, notes, redis_client):
    Node.objects.create(name="a")
    Node.objects.create(name="b")
    foreman.tick(after(0))
    notes.wishes, notes.changed = {"a": 3, "b": 5}, {"b"}

    foreman.tick(after(0.2))

    assert (rev_of(redis_client, "a"), rev_of(redis_client, "b")) == (0, 5)


def test_a_hint_that_was_lost_is_given_again_with_the_next_orders(foreman, notes, redis_client):
    Node.objects.create(name="a")
    foreman.tick(after(0))
    notes.wishes = {"a": 3}

    foreman.tick(after(6))

    assert rev_of(redis_client, "a") == 3


def test_it_rests_no_longer_than_updates_may_wait(foreman, notes):
    foreman.tick(after(0))
    notes.due = timedelta(milliseconds=200)

    assert foreman.tick(after(0.1)) == timedelta(milliseconds=200)


def test_updates_that_break_stop_no_work(foreman, notes, work):
    notes.breaks = True

    foreman.tick(after(0))
    foreman.tick(after(1))

    assert work.names().count("dispatch") == 2
    assert notes.calls.count("conduct") == 1


def test_the_picture_has_their_part(foreman, redis_client):
    foreman.tick(after(0))

    assert b"rollout_1" in redis_client.get(wire.SNAPSHOT)
