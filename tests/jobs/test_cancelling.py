"""Jobs that are stopped while their work is under way."""

import pytest

from jobs import bookkeeping, services
from nodes.leadership import TERM
from tests.jobs.leader import Leader, pop

pytestmark = pytest.mark.django_db


@pytest.fixture
def leader(redis):
    return Leader(redis)


def test_a_cancelled_job_ends_though_a_bundle_of_it_comes_back_in_parts(leader):
    leader.work._pace.learn("demo.echo", 0.001)
    job = leader.submit(items=list(range(40)))
    sent = leader.send()[0]
    for bundle in leader.in_flight():
        pop(leader, bundle)
    services.cancel_job(job_id=job.pk)
    leader.hint("cancel", job)

    for bundle in leader.in_flight():
        first, *rest = bundle.open
        leader.report(bundle, events=[{"k": "back", "attempts": rest}])
        leader.fail(bundle, first, "cancelled")

    assert len(sent.items) > 1
    assert leader.states(job) == ("cancelled", ["cancelled"] * 40)


def test_a_job_fails_fast_though_its_leader_died_right_after_the_failure(leader, monkeypatch):
    job = leader.submit(items=[1, 2], on_error="fail_fast", retries=0)
    sent = leader.send()[0]
    monkeypatch.setattr(bookkeeping, "crash_point", die_at("foreman.recorded"))

    with pytest.raises(Died):
        leader.fail(sent, sent.first)
    monkeypatch.undo()
    leader.now += TERM * 2
    leader.take_over()
    for bundle in leader.in_flight():
        leader.report(bundle, ok=bundle.open)

    assert leader.states(job)[0] == "failed"


def test_a_job_fails_fast_though_the_failure_was_its_last_subtask(leader):
    job = leader.submit(items=[1, 2], on_error="fail_fast", retries=0)
    first, last = leader.send()

    leader.report(first, ok=[first.first])
    leader.fail(last, last.first)

    assert leader.states(job) == ("failed", ["succeeded", "failed"])


class Died(Exception):
    """The process is no more."""


def die_at(point):
    def crash_point(name):
        if name == point:
            raise Died

    return crash_point


def test_an_interruption_from_an_earlier_round_does_not_cancel_the_new_one(leader):
    job = leader.submit()
    [sent] = leader.send()
    pop(leader, sent)
    leader.work.distrust(sent.node, leader.now)
    copy = leader.send()[-1]
    pop(leader, copy)
    services.cancel_job(job_id=job.pk)
    leader.hint("cancel", job)
    leader.fail(copy, copy.first, "cancelled")
    assert leader.states(job)[0] == "cancelled"

    services.retry_job(job_id=job.pk)
    leader.hint("job", job)
    leader.fail(sent, sent.first, "cancelled")
    for bundle in leader.send():
        leader.report(bundle, ok=bundle.open)

    assert leader.states(job) == ("succeeded", ["succeeded"])
