"""What the Foreman makes of nodes that are revoked, and invited anew."""

import json
from datetime import UTC, datetime

import pytest

from hive_site.kernel.envelope import node_key, seal
from nodes import wire
from nodes.domain.liveness import REVOKED
from nodes.joining_models import NodeCredential
from nodes.models import Node
from tests.nodes.cast import FLEET_KEY, SAID, Spore, after

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, tzinfo=UTC)


def revoke(name: str) -> None:
    NodeCredential.objects.update_or_create(name=name, defaults={"revoked_at": NOW})


def state_of(name: str) -> tuple[str, str]:
    node = Node.objects.get(name=name)
    return node.state, node.reason


@pytest.fixture
def leader(foreman, spore):
    """A Foreman with one node online."""
    spore.listen().beat()
    foreman.tick(after(0))
    return foreman


def test_a_revoked_node_is_lost_and_its_work_taken_back(leader, spore, work, redis_client):
    revoke("spore-1")

    spore.beat()
    leader.tick(after(6))

    assert state_of("spore-1") == ("lost", REVOKED)
    assert work.of("reclaim") == [("spore-1", REVOKED)]
    assert not redis_client.sismember(wire.NODES, "spore-1")


def test_what_it_says_afterwards_is_refused_and_counted(leader, spore):
    revoke("spore-1")
    leader.tick(after(6))

    spore.beat()
    leader.tick(after(12))

    assert state_of("spore-1") == ("lost", REVOKED)
    assert leader._mailbox.refused == 1


def test_a_leader_that_comes_later_knows_it_before_it_sends_anything(foreman, spore, work):
    Node.objects.create(name="spore-1", state="online")
    revoke("spore-1")
    spore.listen().beat()

    foreman.tick(after(0))

    assert state_of("spore-1") == ("lost", REVOKED)
    assert [names for names in work.of("dispatch") if names] == []


def test_it_comes_back_with_the_key_of_its_next_generation_only(leader, broker):
    revoke("spore-1")
    leader.tick(after(6))
    NodeCredential.objects.update(generation=2, revoked_at=None)
    old = Spore(broker, incarnation="two").listen()

    old.beat()
    leader.tick(after(12))
    refused = state_of("spore-1")
    body = {"v": wire.PROTOCOL, "incarnation": "two", **SAID}
    new = node_key(FLEET_KEY, "spore-1", generation=2)
    envelope = seal(json.dumps(body), key=new, purpose=wire.PURPOSE_BEAT)
    old._admin.xadd(wire.beat_key("spore-1"), {"e": envelope})
    old._admin.sadd(wire.NODES, "spore-1")
    leader.tick(after(18))

    assert refused == ("lost", REVOKED)
    assert state_of("spore-1")[0] == "online"


def test_nobody_sends_orders_to_a_revoked_node(leader, redis_client):
    revoke("spore-1")

    leader.tick(after(6))

    assert redis_client.get(wire.orders_key("spore-1")) is None


def test_whoever_was_revoked_during_an_outage_is_not_let_in_after_it(leader, spore, work):
    seen = []

    class Door:
        def doubt(self) -> None: ...

        def look(self, now) -> bool:
            seen.append(leader._rounds._registrar._keyring.is_revoked("spore-1"))
            return False

    leader._rounds._access = Door()
    leader._rounds.away = True
    revoke("spore-1")

    leader.tick(after(2))

    assert seen == [True]
