"""The work of a Foreman as its port sees it."""

import pytest
from django.db import IntegrityError

from jobs import reception
from jobs.mail import halve, split
from jobs.models import Job, LogChunk, Subtask
from jobs.recorder import record_batch
from jobs.services import pause_queue
from nodes import wire
from nodes.models import ReportCursor
from nodes.ports import Mail, Report, Wakeup
from tests.jobs.stage import fresh, outage


def report(entry, events, node="spore-1"):
    body = {"ok": [0] * (events // 2), "events": [0] * (events - events // 2)}
    return Report(node, "born-1", entry, body)


def test_mail_is_split_by_events_and_each_part_says_how_far_it_got():
    reports = [report("1-0", 6), report("2-0", 6), report("1-0", 2, "spore-2"), report("3-0", 9)]
    mail = Mail(reports=reports, cursors={"spore-1": "4-0", "spore-2": "1-0"})

    first, second = split(mail, 12)

    assert [r.entry for r in first.reports] == ["1-0", "2-0"]
    assert first.cursors == {"spore-1": "2-0"}
    assert second.reports == reports[2:]
    assert second.cursors == {"spore-1": "4-0", "spore-2": "1-0"}


def test_mail_without_reports_is_one_part_with_its_cursors():
    mail = Mail(cursors={"spore-1": "4-0"})

    assert split(mail, 1) == [mail]


def test_halves_of_mail_say_how_far_they_got():
    reports = [report("1-0", 6), report("2-0", 6), report("1-0", 2, "spore-2")]
    mail = Mail(reports=reports, cursors={"spore-1": "4-0", "spore-2": "1-0"})

    first, second = halve(mail)

    assert (first.reports, first.cursors) == (reports[:1], {"spore-1": "1-0"})
    assert (second.reports, second.cursors) == (reports[1:], mail.cursors)


def test_of_the_halves_of_a_report_the_second_says_that_it_was_recorded_and_has_what_ended():
    body = {"bundle": "b", "ok": ["ended"], "events": ["said", "more"]}
    mail = Mail(reports=[Report("spore-1", "born-1", "1-0", body)], cursors={"spore-1": "1-0"})

    first, second = halve(mail)

    assert first.reports[0].body == {"bundle": "b", "ok": [], "events": ["said"]}
    assert second.reports[0].body == {"bundle": "b", "ok": ["ended"], "events": ["more"]}
    assert (first.cursors, second.cursors) == ({}, {"spore-1": "1-0"})


@pytest.mark.parametrize("reports", [[], [report("1-0", 0)], [report("1-0", 1)]])
def test_mail_of_one_event_has_no_halves(reports):
    mail = Mail(reports=reports, cursors={"spore-1": "1-0"})

    assert halve(mail) == [mail]


def test_large_mail_is_recorded_in_several_transactions(stage, monkeypatch):
    monkeypatch.setattr(reception, "EVENTS_AT_ONCE", 1)
    seen = []
    monkeypatch.setattr(
        "jobs.bookkeeping.record_batch",
        lambda batch, **also: seen.append(len(batch.endings)) or record_batch(batch, **also),
    )
    job = stage.submit(4)
    for _ in range(2):
        stage.send()
        for spore in stage.spores:
            spore.succeed(spore.pop())
        stage.read()

    assert (fresh(job).state, seen) == ("succeeded", [1, 1, 1, 1])


def poison(monkeypatch, subtask, error=IntegrityError):
    """The database refuses whatever is about this subtask."""

    def refuse(batch, **also):
        if any(ending.ready.subtask == subtask for ending in batch.endings):
            raise error("refused")
        return record_batch(batch, **also)

    monkeypatch.setattr("jobs.bookkeeping.record_batch", refuse)


def test_a_poisoned_report_does_not_take_its_neighbours_along(stage, monkeypatch):
    stage.roster["spore-1"].beat = stage.roster["spore-1"].beat.__class__("born-1", slots=500)
    job = stage.submit(500)
    while stage.send():
        pass
    spore = stage.spores[0]
    bundles = [spore.pop() for _ in range(stage.redis.llen(wire.queue_key(spore.name)))]
    bad = bundles[len(bundles) // 2]
    poison(monkeypatch, bad.items[0][0])
    for sent in bundles:
        spore.succeed(sent)

    for _ in range(9):
        stage.read()

    assert fresh(job).succeeded == len(bundles) - 1 > 400
    assert stage.workload.snapshot(stage.now)["dead_letters"] == 1
    assert [sent.id for sent in stage.in_flight if sent.node == spore.name] == [bad.id]
    assert stage.redis.xlen(wire.report_key(spore.name)) == 0


@pytest.mark.parametrize("error", [IntegrityError, RecursionError, AttributeError])
def test_one_poisoned_event_does_not_take_its_report_along(stage, monkeypatch, error):
    job = stage.submit(200)
    spore, sent = stage.bundle()
    while len(sent.items) < 3:  # bundles grow once it is known that items are short
        spore.report(bundle=sent.id, ok=[(sent.first, 1.0, 1.001, "1")])
        spore.end(sent)
        stage.read()
        spore, sent = stage.bundle()
    before = fresh(job).succeeded
    poison(monkeypatch, sent.items[0][0], error)
    rows = [(sent.first + n, 1.0, 2.0, "1") for n in range(len(sent.items))]
    said = [{"k": "log", "a": sent.first + 1, "n": 1, "text": "said"}]
    spore.report(bundle=sent.id, ok=rows, events=said)

    stage.read()

    assert fresh(job).succeeded - before == len(sent.items) - 1
    assert LogChunk.objects.get().text == "said"
    assert stage.workload.snapshot(stage.now)["dead_letters"] == 1
    assert stage.redis.xlen(wire.report_key(spore.name)) == 0


def test_one_poisoned_event_of_many_costs_few_transactions(stage, monkeypatch):
    stage.submit()
    spore, sent = stage.bundle()
    poison(monkeypatch, sent.items[0][0])
    tries, commit = [], stage.workload._reception._book.commit
    monkeypatch.setattr(
        stage.workload._reception._book,
        "commit",
        lambda *said: tries.append(said) or commit(*said),
    )
    said = [{"k": "log", "a": sent.first, "n": n + 1, "text": "said"} for n in range(500)]
    spore.report(bundle=sent.id, ok=[(sent.first, 1.0, 2.0, "1")], events=said)

    stage.read()

    assert LogChunk.objects.count() == 500
    assert stage.workload.snapshot(stage.now)["dead_letters"] == 1
    assert len(tries) < 25


def test_a_poisoned_report_is_passed_over_for_good(stage, monkeypatch):
    stage.submit()
    spore, sent = stage.bundle()
    poison(monkeypatch, sent.items[0][0])
    spore.succeed(sent)

    stage.read()

    stage.mailbox.open([spore.name])
    assert stage.mail().cursors == {}
    assert ReportCursor.objects.get().node == spore.name


@pytest.mark.parametrize("body", [{"ok": 5}, {"ok": [[None] * 4]}, {"events": "x"}, {"job": []}])
def test_a_report_that_keeps_to_no_protocol_is_counted_and_passed_over(stage, body):
    stage.submit()
    spore, _ = stage.bundle()
    spore.report(**body)

    stage.read()

    assert len(stage.in_flight) == 1
    assert stage.redis.xlen(wire.report_key(spore.name)) == 0
    assert stage.workload.snapshot(stage.now)["dropped_reports"] == (0 if "job" in body else 1)


def test_a_push_whose_answer_was_lost_is_found_by_its_node(stage):
    job = stage.submit()
    with outage(stage.redis):
        stage.send()
    assert len(stage.in_flight) == 1

    for _ in range(2):
        stage.tidy(after=60)

    stage.run()
    assert (fresh(job).state, Subtask.objects.get().errors) == ("succeeded", 0)


def test_a_job_that_ended_without_the_foreman_is_forgotten(stage):
    job = stage.submit()
    Subtask.objects.update(state="cancelled", seq=1)
    Job.objects.update(state="cancelled", cancelled=1)

    stage.hint(job)

    assert stage.send() == 0


def test_a_paused_queue_is_heeded_at_once(stage):
    stage.submit()
    pause_queue(name="background")

    stage.workload.heed([Wakeup("queue", "background")], stage.now)

    assert stage.send() == 0


def test_a_snapshot_tells_what_is_in_flight_and_how_fast_it_goes(stage):
    stage.submit(20)
    stage.send()

    assert stage.workload.snapshot(stage.now)["active_subtasks"] == 2
    stage.run()

    assert stage.workload.snapshot(stage.now)["active_subtasks"] == 0
    assert stage.workload.snapshot(stage.now)["throughput"]["succeeded_per_second"] > 0


def test_with_nothing_due_the_foreman_may_rest_a_second(stage):
    assert stage.workload.next_due(stage.now).total_seconds() == 1
