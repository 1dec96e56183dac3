"""What a leader keeps in mind."""

import json
from datetime import timedelta
from random import Random

import pytest

from hive_site.kernel.envelope import seal
from jobs.dispatch import Dispatcher
from jobs.domain.batch import Ending
from jobs.domain.states import Outcome
from jobs.ledger import ledger_key, peek
from jobs.memory import Memory
from jobs.models import Subtask
from nodes import wire
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from tests.jobs.cast import FIRST, NOW, bundle, line, ready
from tests.jobs.hands import FLEET_KEY


@pytest.fixture
def memory(redis):
    return Memory(Dispatcher(redis, keyring=Keyring(FLEET_KEY)), Leadership(redis), Random(1))


def fly(memory, *items, first=FIRST, **fields):
    """Items of a line are sent."""
    sent = bundle(*items, first=first, **fields)
    memory.flight.add(sent)
    memory.backlog.get("job_a").in_flight += len(items)
    return sent


def end(outcome=Outcome.FAILED, work=None, **fields):
    return Ending(FIRST, work or ready(0), "job_a", "spore-1", outcome, **fields)


def test_what_came_back_is_in_flight_no_more(memory):
    mine = memory.backlog.open(line(items=3))
    sent = fly(memory, mine.ready.popleft(), mine.ready.popleft())

    assert memory.close(FIRST, again=False) is None
    assert memory.close(FIRST + 1, again=False) is sent

    assert (mine.in_flight, mine.remaining, len(mine.ready)) == (0, 3, 1)
    assert memory.close(FIRST, again=False) is None


def test_what_was_never_started_is_first_in_line_again(memory):
    mine = memory.backlog.open(line(items=3))
    fly(memory, mine.ready.popleft())

    memory.close(FIRST, again=True)

    assert [item.subtask for item in mine.ready] == [0, 1, 2]
    assert (mine.in_flight, mine.remaining) == (0, 3)


def test_nothing_returns_to_a_line_that_was_stopped(memory):
    mine = memory.backlog.open(line(items=1))
    fly(memory, mine.ready.popleft())
    mine.stopped = True

    memory.close(FIRST, again=True)
    memory.retry(end(), None)

    assert not mine.ready
    assert not mine.later


def test_what_flies_elsewhere_too_does_not_return(memory):
    mine = memory.backlog.open(line(items=1))
    work = mine.ready.popleft()
    fly(memory, work)
    fly(memory, work, first=FIRST + 1, node="spore-2")

    memory.close(FIRST, again=True)
    memory.retry(end(), NOW)
    assert (len(mine.ready), mine.later) == (0, [])
    memory.close(FIRST + 1, again=True)

    assert [item.subtask for item in mine.ready] == [0]


@pytest.mark.parametrize("again", [True, False])
def test_what_the_window_has_not_come_to_yet_is_left_to_its_page(memory, again):
    """A new leader finds work in flight far behind the pages that it has read."""
    mine = memory.backlog.open(line(items=2))
    mine.exhausted, work = False, ready(900)
    fly(memory, work)

    memory.close(FIRST, again=again)
    if not again:
        memory.retry(end(work=work), NOW)
        memory.retry(end(work=work), None)

    assert [item.subtask for item in mine.ready] == [0, 1]
    assert not mine.later


def test_a_reduction_lies_behind_the_last_page_and_returns_all_the_same(memory):
    mine = memory.backlog.open(line(items=2))
    mine.ready.clear()
    fly(memory, ready(9, reduce=True))

    memory.close(FIRST, again=True)

    assert [item.subtask for item in mine.ready] == [9]


def test_a_retry_is_the_next_attempt_at_its_time(memory):
    mine = memory.backlog.open(line(items=1))
    mine.ready.clear()

    memory.retry(end(), NOW)

    assert mine.next_due() == NOW.timestamp()
    mine.wake(NOW.timestamp())
    assert (mine.ready[0].number, mine.ready[0].avoid) == (2, set())


def test_a_retry_without_a_time_is_due_at_once(memory):
    mine = memory.backlog.open(line(items=2))

    memory.retry(end(Outcome.LOST), None)

    assert [item.number for item in mine.ready] == [2, 1, 1]
    assert mine.remaining == 2


def test_only_a_crash_is_a_reason_to_avoid_the_node(memory):
    mine = memory.backlog.open(line(items=1))
    mine.ready.clear()

    memory.retry(end(Outcome.LOST), None)
    memory.retry(end(Outcome.CRASHED), None)

    assert [item.avoid for item in mine.ready] == [{"spore-1"}, set()]


@pytest.mark.django_db
def test_the_policy_of_a_job_that_is_stopped_or_unknown_is_none(memory):
    mine = memory.backlog.open(line(items=1))

    assert memory.policy_of("job_a", reduce=False) is mine.order.policy
    assert memory.policy_of("job_b", reduce=False) is None
    mine.stopped = True
    assert memory.policy_of("job_a", reduce=False) is None


def test_only_the_result_of_one_item_without_reduction_is_that_of_the_job(memory):
    memory.backlog.open(line("one", items=1))
    memory.backlog.open(line("two", items=2))
    memory.backlog.open(line("reduced", items=1, reduce="demo.echo"))

    assert [memory.is_single(job) for job in ("one", "two", "reduced", "none")] == [
        *(True, False, False, False)
    ]


def test_the_ledger_tells_a_new_leader_what_is_in_flight(stage):
    job = stage.submit(3)
    stage.bundle()
    before = stage.in_flight

    stage.take_over()

    assert [(s.id, s.node, s.at, s.gpus, s.open) for s in stage.in_flight] == [
        (s.id, s.node, s.at, s.gpus, s.open) for s in before
    ]
    assert stage.memory.backlog.get(job.pk).in_flight == len(before)
    assert len(stage.memory.backlog.get(job.pk).ready) == 3 - len(before)


def test_the_ledger_tells_a_new_leader_what_was_promised(stage):
    stage.submit(1, requires={"memory_mb": 500})
    stage.send()

    stage.take_over()

    assert [(s.memory_mb, s.short) for s in stage.in_flight] == [(500, False)]


def test_what_an_earlier_release_wrote_into_the_ledger_is_read(stage):
    stage.submit(1)
    spore, sent = stage.bundle()
    key = wire.flight_key(spore.name)
    entry = peek(stage.redis.hget(key, sent.id))
    known = json.dumps({name: entry[name] for name in "ijfstgk"})
    purpose = f"ledger|{spore.name}|{sent.id}"
    stage.redis.hset(key, sent.id, seal(known, key=ledger_key(Keyring(FLEET_KEY)), purpose=purpose))

    stage.take_over()

    assert [(s.id, s.memory_mb) for s in stage.in_flight] == [(sent.id, 0)]


def test_what_the_database_knows_to_be_over_is_struck_from_the_ledger(stage):
    stage.submit(1)
    spore, sent = stage.bundle()
    entry = stage.redis.hgetall(wire.flight_key(spore.name))
    spore.succeed(sent)
    stage.read()
    # the leader died before it could strike the entry
    stage.redis.hset(wire.flight_key(spore.name), mapping=entry)

    stage.take_over()

    assert stage.in_flight == []
    assert not stage.redis.exists(wire.flight_key(spore.name))


def test_an_attempt_that_was_closed_is_not_taken_for_the_one_that_follows_it(stage):
    job = stage.submit(1)
    spore, sent = stage.bundle()
    entry = stage.redis.hgetall(wire.flight_key(spore.name))
    spore.happen(sent)
    stage.read()
    stage.redis.hset(wire.flight_key(spore.name), mapping=entry)

    stage.take_over()

    assert stage.in_flight == []
    assert Subtask.objects.get(job=job).state == "retrying"
    assert stage.workload.next_due(stage.now) <= timedelta(seconds=1)


def test_nobody_tells_a_new_leader_of_work_that_no_foreman_sent(stage):
    """A stolen Spore would report for it: it may write to Redis, and is sure of its own key."""
    job = stage.submit(2)
    thief, sent = stage.bundle()
    mine = stage.redis.hget(wire.flight_key(thief.name), sent.id)
    other = Subtask.objects.filter(job=job).order_by("-index").first()
    told = {**peek(mine), "f": 2**40, "s": [other.pk]}
    flying = {(each.id, each.node) for each in stage.in_flight}
    for name, data in {
        "plain": json.dumps(told).encode(),
        "mine": mine,
        "signed by me": seal(json.dumps(told), key=thief.key, purpose="ledger"),
        "junk": b"\x80\x05.",
    }.items():
        stage.redis.hset(wire.flight_key(thief.name), name, data)
    stage.redis.hset(wire.flight_key("spore-2"), sent.id, mine)

    stage.take_over()

    assert {(each.id, each.node) for each in stage.in_flight} == flying
