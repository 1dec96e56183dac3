"""What a node that was taken over may do in Redis with its own key and its own user."""

import pytest

from nodes import wire
from nodes.catalogue import Catalogue
from nodes.keyring import Keyring
from nodes.mailbox import Mailbox
from nodes.watch import MAX_BEAT_BYTES
from tests.nodes.cast import FLEET_KEY, SAID

#: The last entry that a stream of Redis can have; nothing can be put behind it.
LAST = f"{2**64 - 1}-{2**64 - 1}"


@pytest.mark.parametrize("ms", [2**64 - 1, 10**15])
def test_a_heartbeat_out_of_time_is_refused(watch, roster, spore, ms):
    spore._beat_ms = ms
    spore.seal_beat(SAID)

    assert watch.look(roster).joined == []


def test_a_heartbeat_without_end_is_not_even_read(watch, roster, spore, redis_client):
    spore.seal_beat({**SAID, "metrics": {"x": "x" * MAX_BEAT_BYTES}})

    assert watch.look(roster).joined == []


def test_names_that_nobody_has_are_not_looked_for_again(watch, roster, spore, redis_client):
    redis_client.sadd(wire.NODES, *(f"made-up-{n}" for n in range(250)))
    spore.beat()

    watch.look(roster)

    assert redis_client.smembers(wire.NODES) == {b"spore-1"}


@pytest.mark.django_db
@pytest.mark.parametrize("opened", [True, False])
def test_nobody_can_close_the_inbox_for_good(redis_client, opened):
    mailbox = Mailbox(redis_client, keyring=Keyring(FLEET_KEY))
    if opened:
        mailbox.open([])
    redis_client.xadd(wire.INBOX, {"what": "joined"}, id=LAST)
    if not opened:
        mailbox.open([])

    mailbox.wait(0.001)
    mailbox.wait(0.001)
    redis_client.xadd(wire.INBOX, {"what": "job", "subject": "job_1"})

    assert [hint.what for hint in mailbox.wait(0.001).wakeups] == ["job"]


def test_of_a_list_of_tasks_without_end_no_more_is_read_than_one_may_have(redis_client):
    catalogue, read = Catalogue(redis_client), []
    redis_client.set(wire.tasks_key("d" * 32), b"x" * 10 * wire.PIECE_BYTES)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "digest_tasks", lambda text: read.append(len(text)))
        catalogue.learn({"d" * 32: "1.0"})

    assert read == [wire.PIECE_BYTES + 1]
