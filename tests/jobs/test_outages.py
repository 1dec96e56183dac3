"""What an outage leaves half done is found and finished, while the same leader leads on."""

import pytest
from django.db import connection

from jobs import services
from jobs.models import Job
from tests.jobs.leader import Leader, Outage, lost_answer

pytestmark = pytest.mark.django_db

#: Longer than a leader takes to compare its memory with the database.
A_WHILE = 12


@pytest.fixture
def leader(redis):
    return Leader(redis)


def test_a_job_that_was_cancelled_before_it_was_seen_ends_after_an_outage(leader):
    job = services.submit_job(task="demo.echo", items=[1, 2])
    services.cancel_job(job_id=job.pk)

    with Outage('UPDATE "jobs_subtask"'):
        leader.hint("cancel", job)
    leader.rest(A_WHILE)

    assert leader.states(job) == ("cancelled", ["cancelled", "cancelled"])


def test_a_reduction_runs_though_the_database_went_away_when_it_was_to_be_loaded(leader):
    leader.submit(reduce="demo.echo")
    [sent] = leader.send()

    with Outage('"role" = %s AND "jobs_subtask"."state" IN'):
        leader.report(sent, ok=[sent.first])
    leader.rest(A_WHILE)

    [sent] = leader.send()
    assert (sent.items[0].reduce, sent.items[0].item) == (True, "[1]")


def test_a_failure_counts_as_one_though_the_database_went_away_over_a_hint(leader):
    job = leader.submit()
    [sent] = leader.send()

    with Outage('FROM "jobs_job"'):
        leader.hint("again", job)
    leader.fail(sent, sent.first)

    assert leader.states(job) == ("queued", ["retrying"])


def test_nothing_is_in_flight_that_an_outage_kept_from_being_sent(leader):
    job = leader.submit(items=[1, 2])
    Job.objects.filter(pk=job.pk).update(at_most_once=True, idempotent=False)
    leader.take_over()

    with Outage('UPDATE "jobs_subtask"'):
        leader.send()

    assert leader.in_flight() == []
    sent = {bundle.id.encode() for bundle in leader.send()}
    pushed = {name for node in "ab" for name in leader.redis.lrange(f"rq:queue:{node}", 0, -1)}
    assert (len(sent), pushed) == (2, sent)


def test_what_may_run_once_ends_though_nobody_remembers_whether_it_was_sent(leader):
    job = leader.submit()
    # As a lost answer to the commit of the mark leaves it.
    Job.objects.filter(pk=job.pk).update(at_most_once=True, idempotent=False)
    job.subtasks.update(state="queued")
    leader.hint("again", job)

    leader.rest(A_WHILE)

    assert leader.states(job) == ("failed", ["failed"])


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_tried_again_though_the_answer_to_its_commit_was_lost(leader):
    job = leader.submit(items=[1, 2])
    first, second = leader.send()

    with lost_answer():
        leader.fail(first, first.first)
    leader.fail(first, first.first)  # the same mail once more
    leader.rest(A_WHILE)

    assert leader.states(job) == ("running", ["retrying", "waiting"])
    assert [sent.items[0].number for sent in leader.send() if sent is not second] == [2]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL says at once who won")
@pytest.mark.django_db(transaction=True)
def test_an_outage_while_it_is_looked_up_who_won_a_race_loses_nothing(leader):
    job = leader.submit()
    [sent] = leader.send()
    job.subtasks.update(state="succeeded", result="2", seq=1)  # by another attempt

    with Outage('"jobs_subtask"."attempt" AS "attempt" FROM'):
        leader.report(sent, ok=[sent.first])
    assert leader.in_flight() == [sent]

    leader.report(sent, ok=[sent.first])  # the same mail once more
    assert leader.in_flight() == []
    assert job.subtasks.get().result == "2"


def test_a_reduction_that_may_run_once_ends_though_redis_and_its_leader_forgot_it(leader):
    job = leader.submit(reduce="demo.echo")
    once = {"at_most_once": True, "idempotent": False}
    Job.objects.filter(pk=job.pk).update(**once, reduction={**job.reduction, **once})
    leader.take_over()
    [sent] = leader.send()
    leader.report(sent, ok=[sent.first])
    leader.send()

    leader.redis.flushall()
    leader.take_over()

    assert leader.states(job) == ("failed", ["succeeded", "failed"])
