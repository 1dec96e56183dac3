from threading import Thread

import pytest

from hive_site.kernel.envelope import Forged, node_key, seal
from hive_site.kernel.redis import connect
from nodes import wire
from nodes.keyring import Keyring
from nodes.mailbox import BATCH, Mailbox
from nodes.models import ReportCursor
from nodes.ports import Report, Wakeup
from tests.nodes.cast import FLEET_KEY, Spore

pytestmark = pytest.mark.django_db
AT_ONCE = 0.001


@pytest.fixture
def mailbox(redis_client):
    mailbox = Mailbox(redis_client, keyring=Keyring(FLEET_KEY))
    mailbox.open(["spore-1", "spore-2"])
    return mailbox


def hint(redis_client, what: bytes | str, subject: bytes | str = "") -> None:
    redis_client.xadd(wire.INBOX, {"what": what, "subject": subject})


def numbers(mail) -> list[int]:
    return [report.body["n"] for report in mail.reports]


def test_hints_and_reports_come_in_one_read_each_in_its_order(mailbox, redis_client, spore):
    hint(redis_client, "job", "job_1")
    entries = [spore.report({"n": n}) for n in range(3)]
    hint(redis_client, "cancel", "job_2")

    mail = mailbox.wait(AT_ONCE)

    assert mail.wakeups == [Wakeup("job", "job_1"), Wakeup("cancel", "job_2")]
    assert numbers(mail) == [0, 1, 2]
    assert mail.reports[0] == Report(
        "spore-1", "one", entries[0], {"v": 1, "incarnation": "one", "n": 0}
    )
    assert mail.cursors == {"spore-1": entries[2]}


def test_nothing_is_read_twice(mailbox, redis_client, spore):
    hint(redis_client, "job")
    spore.report({"n": 1})
    mailbox.wait(AT_ONCE)
    spore.report({"n": 2})

    mail = mailbox.wait(AT_ONCE)

    assert (mail.wakeups, numbers(mail)) == ([], [2])
    assert not mailbox.wait(AT_ONCE).cursors


def test_a_new_leader_reads_on_where_recording_got_to(redis_client, spore):
    recorded = spore.report({"n": 1})
    spore.report({"n": 2})
    ReportCursor.objects.create(node="spore-1", entry=recorded)
    mailbox = Mailbox(redis_client, keyring=Keyring(FLEET_KEY))

    mailbox.open(["spore-1"])

    assert numbers(mailbox.wait(AT_ONCE)) == [2]


def test_a_new_leader_needs_no_old_hints(redis_client):
    hint(redis_client, "job", "old")
    mailbox = Mailbox(redis_client, keyring=Keyring(FLEET_KEY))
    mailbox.open([])
    hint(redis_client, "job", "new")

    assert mailbox.wait(AT_ONCE).wakeups == [Wakeup("job", "new")]


def test_the_first_hint_of_all_is_read(mailbox, redis_client):
    hint(redis_client, "job", "first")

    assert mailbox.wait(AT_ONCE).wakeups == [Wakeup("job", "first")]


def test_a_wait_ends_with_the_first_thing_that_comes(mailbox, redis_client):
    ring = Thread(target=hint, args=(redis_client, "job", "job_1"))

    ring.start()
    mail = mailbox.wait(20)
    ring.join()

    assert mail.wakeups == [Wakeup("job", "job_1")]


def test_only_followed_nodes_are_read_from_their_cursor_on(mailbox, broker):
    stranger = Spore(broker, "spore-3")
    recorded = stranger.report({"n": 1})
    stranger.report({"n": 2})
    ReportCursor.objects.create(node="spore-3", entry=recorded)

    before = mailbox.wait(AT_ONCE)
    mailbox.follow("spore-3")
    after = mailbox.wait(AT_ONCE)
    mailbox.follow("spore-3")

    assert (numbers(before), numbers(after)) == ([], [2])
    assert numbers(mailbox.wait(AT_ONCE)) == []


def test_one_read_takes_a_bounded_part_of_each_stream(mailbox, spore):
    for n in range(BATCH + 1):
        spore.report({"n": n})

    assert numbers(mailbox.wait(AT_ONCE)) == list(range(BATCH))
    assert numbers(mailbox.wait(AT_ONCE)) == [BATCH]


def test_a_stream_is_drained_without_touching_the_others(mailbox, redis_client, broker, spore):
    other = Spore(broker, "spore-2")
    other.report({"n": 9})
    hint(redis_client, "job")
    for n in range(BATCH + 1):
        spore.report({"n": n})

    assert numbers(mailbox.drain("spore-1")) == list(range(BATCH + 1))
    assert not mailbox.drain("spore-1").cursors
    mail = mailbox.wait(AT_ONCE)
    assert (numbers(mail), len(mail.wakeups)) == ([9], 1)


def test_a_stream_that_nobody_followed_can_be_drained(mailbox, broker):
    Spore(broker, "spore-3").report({"n": 1})

    assert numbers(mailbox.drain("spore-3")) == [1]


@pytest.mark.parametrize(
    "forge",
    [
        lambda spore: spore.report({"n": 0}, by="spore-2"),
        lambda spore: spore.report({"n": 0}, purpose=wire.PURPOSE_BUNDLE),
        lambda spore: spore.report({"n": 0}, purpose=wire.PURPOSE_BEAT),
        lambda spore: spore.report({"n": 0}, version=wire.PROTOCOL + 1),
        lambda spore: spore.put({"e": b"\xff\x00 noise"}),
        lambda spore: spore.put({"x": "no envelope"}),
    ],
    ids=["wrong-node", "bundle", "beat", "protocol", "noise", "empty"],
)
def test_what_the_node_did_not_report_is_refused_counted_and_passed(mailbox, spore, forge):
    spore.report({"n": 1})
    forged = forge(spore)

    mail = mailbox.wait(AT_ONCE)

    assert (numbers(mail), mailbox.refused) == ([1], 1)
    assert mail.cursors == {"spore-1": forged}


def test_a_report_copied_to_another_nodes_stream_is_refused(mailbox, broker, redis_client, spore):
    envelope = spore.seal({"n": 1}, purpose=wire.PURPOSE_REPORT)

    Spore(broker, "spore-2").put({"e": envelope})

    assert numbers(mailbox.wait(AT_ONCE)) == []
    assert mailbox.refused == 1


#: Read in a moment, and more than Python can turn into text.
DEEP = b'{"v": 1, "incarnation": ' + b"[" * 1000 + b"]" * 1000 + b"}"


@pytest.mark.parametrize("text", [b"[]", b'"v"', b"{", b'{"v": 1}', DEEP])
def test_a_signed_report_of_another_shape_is_refused(mailbox, spore, text):
    key = node_key(FLEET_KEY, "spore-1")
    spore.put({"e": seal(text.decode(), key=key, purpose=wire.PURPOSE_REPORT)})
    spore.report({"n": 2})

    assert numbers(mailbox.wait(AT_ONCE)) == [2]
    assert mailbox.refused == 1


def test_a_hint_that_is_no_text_does_no_harm(mailbox, redis_client):
    hint(redis_client, b"\xff\xfe", b"\xff")
    redis_client.xadd(wire.INBOX, {"other": "fields"})
    hint(redis_client, "job", "job_1")

    assert mailbox.wait(AT_ONCE).wakeups[-1] == Wakeup("job", "job_1")


def test_a_message_is_verified_for_its_node_purpose_and_protocol(mailbox, spore):
    envelope = spore.seal({"n": 1}, purpose=wire.PURPOSE_BEAT)

    assert mailbox.verify("spore-1", envelope, wire.PURPOSE_BEAT)["n"] == 1
    with pytest.raises(Forged):
        mailbox.verify("spore-2", envelope, wire.PURPOSE_BEAT)
    with pytest.raises(Forged):
        mailbox.verify("spore-1", envelope, wire.PURPOSE_REPORT)


@pytest.mark.processes
@pytest.mark.parametrize("protocol", [2, 3])
def test_either_protocol_that_an_address_may_ask_for_is_understood(real_broker, protocol):
    mailbox = Mailbox(connect(f"{real_broker.url}?protocol={protocol}"), keyring=Keyring(FLEET_KEY))
    mailbox.open(["spore-1"])
    hint(real_broker.open(), "job", "job_1")
    Spore(real_broker).report({"n": 1})

    mail = mailbox.wait(AT_ONCE)

    assert (mail.wakeups, numbers(mail)) == ([Wakeup("job", "job_1")], [1])
