"""What was sent to a node that died, or by a Foreman that did."""

from datetime import timedelta

import pytest

from jobs import pages
from jobs.models import Attempt, Job, Subtask
from nodes import wire
from tests.jobs.stage import fresh, ledger, states


def test_late_reports_are_counted_and_change_nothing(stage):
    job = stage.submit()
    spore, sent = stage.bundle()
    stage.workload.reclaim(spore.name, "silent", stage.now)
    before = list(Subtask.objects.values())

    spore.succeed(sent)
    spore.happen(sent)
    stage.read()

    assert list(Subtask.objects.values()) == before
    assert (states(job), fresh(job).succeeded) == (["waiting"], 0)
    assert stage.workload.snapshot(stage.now)["dropped_reports"] == 2


def test_what_a_dead_node_had_not_begun_costs_nothing(stage):
    job = stage.submit(2)
    stage.send()

    taken = stage.workload.reclaim("spore-1", "silent", stage.now)

    assert (taken, Attempt.objects.count()) == (1, 0)
    assert (ledger(stage), len(stage.in_flight)) == ([stage.in_flight[0].id.encode()], 1)
    stage.run()
    assert fresh(job).state == "succeeded"


def test_what_a_dead_node_may_have_begun_costs_no_retry(stage):
    job = stage.submit(retries=0)
    spore, sent = stage.bundle()

    stage.workload.reclaim(spore.name, "silent", stage.now)

    row = Subtask.objects.get()
    assert (row.state, row.errors, row.losses, row.attempt) == ("waiting", 0, 1, sent.first)
    assert (ledger(stage), stage.in_flight) == ([], [])
    assert not stage.redis.exists(wire.intermediate_key(spore.name), wire.bundle_key(sent.id))
    stage.run()
    assert (fresh(job).state, Subtask.objects.get().attempts) == ("succeeded", 2)


def test_a_dead_node_keeps_nothing_that_is_at_most_once_from_ending(stage):
    job = stage.submit(retries=0)
    Job.objects.update(at_most_once=True)
    stage.take_over()
    spore, _ = stage.bundle()

    stage.workload.reclaim(spore.name, "silent", stage.now)

    assert (fresh(job).state, stage.send()) == ("failed", 0)
    assert "at_most_once" in fresh(job).error


def test_a_foreman_that_dies_while_it_takes_back_runs_nothing_twice(stage, monkeypatch):
    job = stage.submit()
    Job.objects.update(at_most_once=True)
    stage.take_over()
    spore, _ = stage.bundle()

    def die(*args, **also):
        raise SystemExit(137)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):  # noqa: PT012
        patch.setattr("jobs.bookkeeping.record_batch", die)
        stage.workload.reclaim(spore.name, "silent", stage.now)
    stage.take_over()

    assert stage.send() == 0
    stage.workload.reclaim(spore.name, "silent", stage.now)
    assert fresh(job).state == "failed"


def test_a_new_leader_sends_nothing_that_is_in_flight(stage):
    job = stage.submit(5)
    stage.send()
    flying = {item.subtask for sent in stage.in_flight for item in sent.items}

    stage.take_over()

    assert stage.send() == 0
    for spore in stage.spores:
        spore.succeed(spore.pop())
    stage.read()
    stage.run()
    assert (fresh(job).state, fresh(job).succeeded) == ("succeeded", 5)
    assert set(Subtask.objects.filter(attempts=1).values_list("pk", flat=True)) > flying


def test_a_new_leader_runs_nothing_twice_that_lies_behind_its_first_page(stage, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 2)
    monkeypatch.setattr(pages, "NEXT_PAGE", pages.page_query(2))
    monkeypatch.setattr(pages, "LOW_WATER", 4)
    stage.submit(8)
    for spore in stage.spores * 2:
        stage.send()
        spore.succeed(spore.pop())
        stage.read()
    stage.send()  # items 4 and 5 are on their way
    Subtask.objects.filter(index__lt=4).update(state="waiting", attempt=0, result=None)
    Job.objects.update(succeeded=0)

    stage.take_over()
    spore = stage.spores[0]
    sent = spore.pop()
    spore.happen(sent)
    spore.end(sent)
    stage.read()
    stage.send()  # its page is read while it waits for its next try
    stage.now += timedelta(seconds=60)
    ran = []
    while stage.send() or stage.in_flight:
        for spore in stage.spores:
            while stage.redis.llen(wire.queue_key(spore.name)):
                sent = spore.pop()
                ran += [item[1] for item in sent.items]
                spore.succeed(sent)
        stage.read()

    assert sorted(ran) == list(range(8))
