"""What is broken in the database on purpose is found, and what is not is not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.domain.retry import MAX_CRASHES, MAX_LOSSES
from jobs.invariants import check_database, check_redis, repair, repairing
from jobs.invariants.violation import LISTED
from jobs.models import Attempt, Job, Subtask
from jobs.services import cancel_job, retry_job, submit_job
from nodes.models import Lease
from tests.jobs.cast import FIRST
from tests.jobs.stage import fresh

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def stage(unchecked_stage):
    return unchecked_stage


def rules(violations):
    return sorted({violation.rule for violation in violations})


def break_subtask(**columns):
    row = Subtask.objects.first()
    Subtask.objects.filter(pk=row.pk).update(**columns)
    return row


def test_a_cluster_in_the_middle_of_its_work_is_clean(stage):
    stage.submit(4, reduce="demo.echo")
    failing, cancelled = stage.submit(1, retries=0), stage.submit(2)
    stage.submit(1, delay=3600)
    for _ in range(3):
        spore, sent = stage.bundle()
        spore.happen(sent) if sent.job == failing.pk else spore.succeed(sent)
        spore.end(sent)
        stage.read()
    cancel_job(job_id=cancelled.pk)
    stage.hint(cancelled)
    stage.send()
    stage.tidy()

    assert check_database() == []
    assert check_redis(stage.redis) == []


def test_a_cluster_whose_work_is_done_is_clean(stage):
    stage.submit(9, reduce="demo.echo")
    stage.run()

    assert check_database() + check_redis(stage.redis) == []


def test_an_empty_cluster_is_clean(redis):
    assert check_database() + check_redis(redis) == []


@pytest.mark.parametrize("wrong", [{"attempt": 0}, {"result": None}])
def test_a_success_without_an_attempt_or_a_result_is_found(stage, wrong):
    job = stage.submit(1)
    stage.run()

    row = break_subtask(**wrong)

    [violation] = check_database()
    assert (violation.rule, violation.subject) == ("I1", str(row))
    assert fresh(job).state == "succeeded"


@pytest.mark.parametrize(("state", "accepted"), [("succeeded", 2), ("failed", 1)])
def test_two_accepted_attempts_or_one_of_what_failed_are_found(stage, state, accepted):
    stage.submit(1)
    stage.run()
    row = break_subtask(state=state, attempts=2)
    Job.objects.update(succeeded=int(state == "succeeded"), failed=int(state == "failed"))
    for n in range(accepted):
        Attempt.objects.create(id=FIRST + 9 + n, subtask=row, number=2, outcome="succeeded")

    assert rules(check_database()) == ["I1"]


@pytest.mark.parametrize(
    "spent", [{"errors": 3}, {"crashes": MAX_CRASHES + 2}, {"losses": MAX_LOSSES + 2}]
)
def test_a_budget_that_was_overdrawn_is_found(stage, spent):
    stage.submit(1, retries=1)
    break_subtask(**{name: count - 1 for name, count in spent.items()})
    assert check_database() == []

    break_subtask(**spent)

    assert rules(check_database()) == ["I4"]


def test_an_at_most_once_subtask_that_was_tried_twice_is_found(stage):
    stage.submit(1)
    Job.objects.update(at_most_once=True)
    break_subtask(attempts=2)

    assert rules(check_database()) == ["I4"]
    Job.objects.update(rounds=2)
    assert check_database() == []


@pytest.mark.parametrize("counter", ["total", "succeeded", "failed", "cancelled"])
def test_counters_that_do_not_equal_their_subtasks_are_found_and_mended(stage, counter):
    job = stage.submit(3, reduce="demo.echo")
    right = Job.objects.values().get()
    Job.objects.update(**{counter: 7})

    [violation] = check_database()
    assert (violation.rule, violation.subject) == ("I5", job.pk)
    assert len(repair(None)) == 1

    assert Job.objects.values().get() == right
    assert (check_database(), repair(None)) == ([], [])


def test_every_wrong_counter_is_mended_though_not_every_one_is_listed(redis):
    for _ in range(LISTED + 2):
        submit_job(task="demo.echo")
    Job.objects.update(failed=1)

    assert len(check_database()) == LISTED
    assert len(repair(None)) == LISTED + 2
    assert check_database() == []


def test_counters_that_a_foreman_moved_meanwhile_are_left_to_it(stage, monkeypatch):
    stage.submit(2)
    Job.objects.update(failed=1)
    look = repairing.wrong_counters

    def look_and_be_late():
        yield from list(look())
        Job.objects.update(failed=0, succeeded=2)

    monkeypatch.setattr(repairing, "wrong_counters", look_and_be_late)

    assert repair(None) == []
    assert (Job.objects.get().succeeded, Job.objects.get().failed) == (2, 0)


def test_a_job_that_ended_before_its_subtasks_is_found(stage):
    job = stage.submit(2)
    Job.objects.update(state="succeeded")

    [violation] = check_database()
    assert (violation.rule, violation.subject) == ("I5", job.pk)
    assert "2 subtasks" in violation.detail


def test_a_job_that_did_not_end_with_its_subtasks_is_found_after_a_while(stage):
    stage.submit(1)
    stage.run()
    Job.objects.update(state="running")
    assert check_database() == []  # its Foreman may be about to end it

    Job.objects.update(created_at=timezone.now() - timedelta(minutes=1))

    assert rules(check_database()) == ["I5"]


def test_a_second_leader_is_found(stage):
    Lease.objects.create(pk=2, holder="somebody else", epoch=9)

    assert rules(check_database()) == ["I6"]


def test_a_retried_job_is_clean(stage):
    job = stage.submit(2, retries=0)
    spore, sent = stage.bundle()
    spore.happen(sent)
    stage.read()
    stage.run()
    assert fresh(job).state == "partial"

    retry_job(job_id=job.pk)
    assert check_database() == []
    stage.hint(job)
    stage.run()

    assert (check_database(), fresh(job).state) == ([], "succeeded")
