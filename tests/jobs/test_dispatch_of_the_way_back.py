"""What the Foreman's hands take back and clear away, on both kinds of Redis."""

import json

from nodes import wire
from tests.jobs.cast import FIRST, bundle, ready
from tests.jobs.hands import HASH, LEDGER, POPPED, QUEUE, SENT, everything, pop, push


def test_reclaiming_tells_what_no_slot_had_popped_and_empties_the_lists(hands, any_redis):
    other = bundle(ready(1), first=FIRST + 9)
    push(hands, SENT, other)
    pop(any_redis)

    untouched = hands.reclaim(SENT.node)

    assert untouched == {other.id}
    assert not any_redis.exists(QUEUE, POPPED, HASH, wire.bundle_key(other.id))


def test_reclaiming_deletes_nothing_that_another_node_was_sent(hands, any_redis):
    other = bundle(ready(1), node="spore-2", first=FIRST + 9)
    push(hands, SENT, other)
    any_redis.lpush(QUEUE, other.id)

    hands.reclaim(SENT.node)

    assert any_redis.exists(wire.bundle_key(other.id))


def test_settling_goes_by_any_id_that_a_node_may_choose(hands, any_redis):
    stream = wire.report_key(SENT.node)
    for entry in (f"5-{2**64 - 1}", "6-1"):
        any_redis.xadd(stream, {"e": "x"}, id=entry)

    hands.settle(cursors={SENT.node: f"5-{2**64 - 1}"}, bundles=[], changed=None)

    assert [entry for entry, _ in any_redis.xrange(stream)] == [b"6-1"]


def test_reclaiming_forgets_what_no_slot_had_popped(hands, any_redis):
    push(hands)

    assert hands.reclaim(SENT.node) == {SENT.id}

    assert not any_redis.exists(LEDGER)


def test_a_bundle_is_abandoned_wherever_it_is(hands, any_redis):
    other = bundle(ready(1), first=FIRST + 9)
    push(hands, SENT, other)
    pop(any_redis)

    assert (hands.abandon(SENT), hands.abandon(other)) == (False, True)

    assert everything(any_redis).keys() == {wire.EPOCH.encode()}
    assert hands.abandon(SENT) is False


def test_what_redis_forgot_is_written_into_the_ledger_again(hands, any_redis):
    push(hands)
    before = hands.ledger([SENT.node])
    any_redis.delete(LEDGER)

    hands.remember([SENT])
    hands.remember([SENT])

    assert hands.ledger([SENT.node]) == before


def test_reclaiming_leaves_what_was_popped_in_the_ledger_until_it_is_recorded(hands, any_redis):
    push(hands)
    pop(any_redis)

    hands.reclaim(SENT.node)
    assert any_redis.hkeys(LEDGER) == [SENT.id.encode()]
    assert hands.reclaim(SENT.node) == set()
    hands.settle(cursors={}, bundles=[SENT], changed=None)

    assert not any_redis.exists(LEDGER)


def test_reclaiming_one_node_leaves_the_others_alone(hands, any_redis):
    push(hands, SENT, bundle(ready(1), node="spore-2", first=FIRST + 9))
    hands.reclaim("spore-1")

    assert any_redis.llen(wire.queue_key("spore-2")) == 1
    assert hands.reclaim("nobody") == set()


def test_withdrawing_takes_back_what_still_waits(hands, any_redis):
    push(hands)

    assert hands.withdraw(SENT)

    assert everything(any_redis) == {wire.EPOCH.encode(): b"3"}
    assert not hands.withdraw(SENT)


def test_withdrawing_leaves_alone_what_a_slot_has(hands, any_redis):
    push(hands)
    pop(any_redis)
    before = everything(any_redis)

    assert not hands.withdraw(SENT)

    assert everything(any_redis) == before


def test_what_a_slot_has_and_has_not_begun_can_be_halted(hands, any_redis):
    push(hands)
    pop(any_redis)

    assert not hands.withdraw(SENT, halt=True)

    assert any_redis.hget(wire.bundle_key(SENT.id), "halted") == b"1"


def test_nothing_is_left_of_a_bundle_that_was_over_when_it_was_halted(hands, any_redis):
    push(hands)
    pop(any_redis)
    any_redis.delete(wire.bundle_key(SENT.id))

    assert not hands.withdraw(SENT, halt=True)

    assert not any_redis.exists(wire.bundle_key(SENT.id))


def test_settling_trims_streams_up_to_their_cursors_and_no_further(hands, any_redis):
    stream = wire.report_key(SENT.node)
    first, second, third = (any_redis.xadd(stream, {"e": "x"}) for _ in range(3))

    hands.settle(cursors={SENT.node: second.decode()}, bundles=[], changed=None)

    assert [entry for entry, _ in any_redis.xrange(stream)] == [third]
    hands.settle(cursors={SENT.node: first.decode()}, bundles=[], changed=None)
    assert any_redis.xlen(stream) == 1


def test_settling_trims_within_a_millisecond(hands, any_redis):
    stream = wire.report_key(SENT.node)
    for sequence in range(3):
        any_redis.xadd(stream, {"e": "x"}, id=f"5-{sequence}")

    hands.settle(cursors={SENT.node: "5-1"}, bundles=[], changed=None)

    assert [entry for entry, _ in any_redis.xrange(stream)] == [b"5-2"]


def test_settling_tells_waiters(hands, any_redis):
    ear = any_redis.pubsub(ignore_subscribe_messages=True)
    ear.subscribe(wire.CHANGED)
    ear.get_message(timeout=5)

    hands.settle(cursors={}, bundles=[], changed=json.dumps({"ended": ["job_a"]}))

    assert json.loads(ear.get_message(timeout=5)["data"]) == {"ended": ["job_a"]}
