"""What the Foreman's hands promise, on a Redis in memory and on a real one."""

import pytest
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from hive_site.kernel.envelope import Forged, node_key, unseal
from hive_site.kernel.errors import Deposed, Forgotten
from jobs.wire import BUNDLE_TTL_SECONDS, read_bundle
from nodes import wire
from tests.jobs.cast import FIRST, NOW, bundle, order, ready
from tests.jobs.hands import FLEET_KEY, HASH, POPPED, QUEUE, SENT, everything, pop, push


def test_a_bundle_arrives_signed_for_its_node_with_its_items_as_they_were(hands, any_redis):
    push(hands, kwargs='{"n": 1}', total=9, timeout=5.0, stop_token="job_a.2")

    envelope = any_redis.hget(HASH, "data")
    key = node_key(FLEET_KEY, SENT.node)
    body = unseal(envelope, key=key, purpose=wire.PURPOSE_BUNDLE)
    found = read_bundle(body, node=SENT.node, incarnation="born-1")
    assert any_redis.lrange(QUEUE, 0, -1) == [SENT.id.encode()]
    assert (found.id, found.first, found.gpus) == (SENT.id, FIRST, (1,))
    assert found.items == [(7, 3, 2, {"a": 2.5}), (8, 8, 1, 1)]
    assert (found.job, found.task, found.kwargs) == ("job_a", "demo.echo", {"n": 1})
    assert (found.total, found.timeout, found.stop_token) == (9, 5.0, "job_a.2")
    assert found.expires == NOW.timestamp() + BUNDLE_TTL_SECONDS
    assert b"2.50" in envelope
    with pytest.raises(Forged):
        unseal(envelope, key=node_key(FLEET_KEY, "spore-2"), purpose=wire.PURPOSE_BUNDLE)


def test_a_reduction_names_its_own_task_and_takes_no_keywords(hands, any_redis):
    job = order(reduce="text.merge_counts", kwargs='{"n": 1}')

    hands.push([(bundle(ready(9, reduce=True)), job.of(reduce=True))], NOW)

    key = node_key(FLEET_KEY, SENT.node)
    body = unseal(any_redis.hget(HASH, "data"), key=key, purpose=wire.PURPOSE_BUNDLE)
    assert (body["task"], body["kwargs"]) == ("text.merge_counts", {})


def test_rq_sees_a_bundle_as_one_of_its_jobs(hands, any_redis):
    push(hands)

    queue = Queue(SENT.node, connection=any_redis, serializer=JSONSerializer)
    assert queue.get_job_ids() == [SENT.id]
    found = RqJob(SENT.id, connection=any_redis, serializer=JSONSerializer)
    found.refresh()
    assert (found.get_status(), found.origin) == ("queued", SENT.node)


def test_a_hundred_pushes_of_the_same_bundle_are_one(hands, any_redis):
    push(hands, *[SENT] * 50)
    once = everything(any_redis)

    for _ in range(50):
        push(hands)

    assert everything(any_redis) == once
    assert any_redis.llen(QUEUE) == 1


def test_a_push_whose_answer_was_lost_is_not_repeated_behind_a_slot_that_popped_it(
    hands, any_redis
):
    push(hands)
    pop(any_redis)

    push(hands)

    assert (any_redis.llen(QUEUE), any_redis.llen(POPPED)) == (0, 1)


def test_bundles_wait_in_the_order_in_which_they_were_sent(hands, any_redis):
    sent = [bundle(ready(n), first=FIRST + n) for n in range(5)]

    push(hands, *sent)

    assert [pop(any_redis).decode() for _ in sent] == [each.id for each in sent]


def test_what_is_sent_does_not_stay_for_ever(hands, any_redis):
    push(hands)

    assert BUNDLE_TTL_SECONDS < any_redis.ttl(HASH) <= BUNDLE_TTL_SECONDS * 100


@pytest.mark.parametrize("known", [4, 2, None])
@pytest.mark.parametrize("verb", ["push", "reclaim", "withdraw", "abandon", "remember"])
def test_another_epoch_writes_nothing_anywhere(hands, any_redis, verb, known):
    push(hands)
    any_redis.set(wire.EPOCH, known) if known else any_redis.delete(wire.EPOCH)
    before = everything(any_redis)
    other = bundle(ready(1), first=FIRST + 9)
    acts = {
        "push": lambda: push(hands, SENT, other),
        "reclaim": lambda: hands.reclaim(SENT.node),
        "withdraw": lambda: hands.withdraw(SENT),
        "abandon": lambda: hands.abandon(SENT),
        "remember": lambda: hands.remember([other]),
    }

    with pytest.raises(Deposed if known else Forgotten):
        acts[verb]()

    assert everything(any_redis) == before


def test_the_ledger_gives_back_what_was_sent(hands, any_redis):
    also = {"memory_mb": 500, "short": True}
    other = bundle(ready(1), node="spore-2", first=FIRST + 9, job="job_b", **also)
    push(hands, SENT, other)

    entries = {entry.bundle: entry for entry in hands.ledger(["spore-1", "spore-2", "nobody"])}

    assert entries.keys() == {SENT.id, other.id}
    mine = entries[SENT.id]
    assert (mine.node, mine.incarnation, mine.job) == ("spore-1", "born-1", "job_a")
    assert (mine.first, mine.subtasks, mine.at, mine.gpus) == (FIRST, [7, 8], SENT.at, (1,))
    assert [(e.memory_mb, e.short) for e in (mine, entries[other.id])] == [(0, False), (500, True)]


def test_bundles_are_found_in_queues_and_in_the_hands_of_slots(hands, any_redis):
    others = [bundle(ready(n), first=FIRST + 9 + n) for n in range(2)]
    push(hands, SENT, *others)
    pop(any_redis)
    hands.withdraw(others[1])

    assert hands.whereabouts(["spore-1", "nobody"]) == {SENT.id, others[0].id}


def test_a_cancellation_lasts_for_a_day_and_wakes_the_nodes(hands, any_redis):
    ear = any_redis.pubsub(ignore_subscribe_messages=True)
    ear.subscribe(wire.control_channel("spore-1"))
    ear.get_message(timeout=5)

    hands.stop("job_a.1", ["spore-1", "spore-2"])

    assert 23 * 3600 < any_redis.ttl(wire.cancel_key("job_a.1")) <= 86_400
    assert ear.get_message(timeout=5)["data"] == b"look"


def test_a_redis_that_forgot_its_scripts_is_told_them_again(hands, any_redis):
    push(hands)
    any_redis.script_flush()
    other = bundle(ready(1), first=FIRST + 9)

    push(hands, SENT, other)
    any_redis.script_flush()
    assert hands.withdraw(other)
    any_redis.script_flush()

    assert hands.reclaim(SENT.node) == {SENT.id}


def test_a_redis_that_is_full_takes_all_of_a_bundle_or_nothing(hands, any_redis):
    if not any_redis.connection_pool.connection_kwargs.get("password"):
        pytest.skip("a Redis in memory is never full")
    any_redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(RedisError):
            push(hands)
    finally:
        any_redis.config_set("maxmemory", 0)

    assert everything(any_redis) == {wire.EPOCH.encode(): b"3"}
    push(hands)
    assert any_redis.llen(QUEUE) == 1


def test_a_long_bundle_travels_in_pieces(hands, any_redis):
    long = bundle(ready(1, item=f'"{"x" * 500_000}"'), node="spore-1", first=FIRST)
    push(hands, long)

    fields = any_redis.hgetall(wire.bundle_key(long.id))

    assert max(map(len, fields.values())) <= wire.PIECE_BYTES
    body = unseal(
        wire.whole("data", fields), key=node_key(FLEET_KEY, "spore-1"), purpose=wire.PURPOSE_BUNDLE
    )
    assert len(body["items"][0][3]) == 500_000
