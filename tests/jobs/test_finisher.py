"""How jobs end: their reduction, their final state, and what is left of them."""

from datetime import timedelta

import pytest

from jobs.finisher import Settled, cancel_rest, settle_jobs, stop_job
from jobs.models import Job, Subtask
from jobs.services import submit_job
from tests.jobs.cast import NOW
from tests.jobs.stage import fresh, states

pytestmark = pytest.mark.usefixtures("db", "redis")


def job_with(*ends, reduce="", reduction="blocked", **columns):
    """A job whose items are in these states, with counters that agree."""
    job = submit_job(task="demo.echo", items=[0] * len(ends), reduce=reduce or None)
    for index, state in enumerate(ends):
        result = str(index) if state == "succeeded" else None
        error = '{"type":"x"}' if state == "failed" else None
        row = Subtask.objects.filter(job=job, index=index)
        row.update(state=state, result=result, error=error, attempt=1, attempts=1)
    Subtask.objects.filter(job=job, role="reduce").update(state=reduction, result="99")
    counts = {
        "succeeded": ends.count("succeeded"),
        "failed": ends.count("failed") + ends.count("quarantined"),
        "cancelled": ends.count("cancelled"),
    }
    Job.objects.filter(pk=job.pk).update(**{"state": "running", **counts, **columns})
    return fresh(job)


def settle(job, **also):
    settled = settle_jobs({job.pk}, NOW, seq=7, **also)
    return settled, fresh(job)


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        (("succeeded", "succeeded"), "succeeded"),
        (("succeeded", "failed"), "partial"),
        (("succeeded", "quarantined"), "partial"),
        (("failed", "failed"), "failed"),
    ],
)
def test_a_job_ends_when_all_its_items_have(ends, state):
    settled, job = settle(job_with(*ends))

    assert settled == [Settled(job.pk, state=state)]
    assert (job.state, job.finished_at, job.running) == (state, NOW, 0)


def test_a_job_of_which_something_is_left_goes_on():
    settled, job = settle(job_with("succeeded", "running"))

    assert (settled, job.state, job.finished_at) == ([], "running", None)


@pytest.mark.parametrize("state", ["queued", "running", "paused", "cancelling"])
def test_a_job_ends_from_every_open_state(state):
    _, job = settle(job_with("succeeded", state=state))

    assert job.state == "succeeded"


def test_settling_twice_changes_nothing():
    _, first = settle(job_with("succeeded"))

    settled = settle_jobs({first.pk}, NOW + timedelta(hours=1), seq=7)

    assert settled == []
    assert fresh(first).finished_at == NOW


def test_the_result_of_the_only_item_is_that_of_the_job():
    _, read = settle(job_with("succeeded"))
    other = job_with("succeeded")
    _, given = settle(other, results={other.pk: '"at hand"'})

    assert (read.result, read.error) == ("0", None)
    assert given.result == '"at hand"'


def test_the_error_of_the_only_item_is_that_of_the_job():
    _, job = settle(job_with("failed"))

    assert (job.state, job.result, job.error) == ("failed", None, '{"type":"x"}')


def test_a_job_of_which_nothing_succeeded_says_why_its_first_item_failed():
    _, job = settle(job_with("failed", "failed"))

    assert (job.state, job.error) == ("failed", '{"type":"x"}')


def test_a_job_of_several_items_has_no_result_of_its_own():
    _, job = settle(job_with("succeeded", "failed"))

    assert (job.result, job.error) == (None, None)


def test_a_job_that_never_showed_as_running_started_with_its_first_item():
    job = job_with("succeeded", "succeeded")
    Subtask.objects.filter(job=job, index=1).update(started_at=NOW - timedelta(seconds=9))

    _, job = settle(job)

    assert job.started_at == NOW - timedelta(seconds=9)


@pytest.mark.parametrize("ends", [("succeeded",), ("succeeded", "failed")])
def test_the_reduction_opens_when_all_items_ended(ends):
    settled, job = settle(job_with(*ends, reduce="demo.echo"))

    assert settled == [Settled(job.pk, reduction_ready=True)]
    assert (states(job)[-1], job.state) == ("waiting", "running")


def test_the_reduction_stays_closed_while_an_item_is_left():
    settled, job = settle(job_with("succeeded", "retrying", reduce="demo.echo"))

    assert (settled, states(job)[-1]) == ([], "blocked")


def test_where_nothing_succeeded_there_is_nothing_to_reduce():
    _, job = settle(job_with("failed", "failed", reduce="demo.echo"))

    assert (job.state, states(job)[-1]) == ("failed", "cancelled")


@pytest.mark.parametrize("open_", ["waiting", "running", "retrying"])
def test_a_job_waits_for_its_open_reduction(open_):
    settled, job = settle(job_with("succeeded", reduce="demo.echo", reduction=open_))

    assert (settled, job.state) == ([], "running")


@pytest.mark.parametrize(
    ("ends", "state"), [(("succeeded",), "succeeded"), (("succeeded", "failed"), "partial")]
)
def test_the_result_of_the_reduction_is_that_of_the_job(ends, state):
    _, job = settle(job_with(*ends, reduce="demo.echo", reduction="succeeded"))

    assert (job.state, job.result) == (state, "99")


@pytest.mark.parametrize("end", ["failed", "quarantined"])
def test_a_job_whose_reduction_failed_has_failed_for_its_reason(end):
    job = job_with("succeeded", reduce="demo.echo", reduction=end)
    Subtask.objects.filter(job=job, role="reduce").update(error='{"type":"y"}', result=None)

    _, job = settle(job)

    assert (job.state, job.error) == ("failed", '{"type":"y"}')


@pytest.mark.parametrize("reduction", ["blocked", "cancelled"])
def test_a_job_that_is_cancelled_before_its_reduction_ran_was_cancelled(reduction):
    made = job_with("succeeded", reduce="demo.echo", reduction=reduction, state="cancelling")

    _, job = settle(made)

    assert (job.state, job.error, states(job)[-1]) == ("cancelled", None, "cancelled")


def test_a_reduction_that_was_faster_than_the_cancellation_counts():
    made = job_with("succeeded", reduce="demo.echo", reduction="succeeded", state="cancelling")

    _, job = settle(made)

    assert (job.state, job.result) == ("succeeded", "99")


@pytest.mark.parametrize("reduction", ["blocked", "cancelled", "succeeded"])
def test_a_deadline_that_passes_before_the_end_fails_the_job_whatever_still_ended(reduction):
    cut = {"state": "cancelling", "error": '{"type":"deadline"}'}
    made = job_with("succeeded", reduce="demo.echo", reduction=reduction, **cut)

    _, job = settle(made)

    assert (job.state, job.error) == ("failed", '{"type":"deadline"}')


def test_what_is_left_is_cancelled_and_counted_but_for_what_is_in_flight():
    job = job_with("succeeded", "waiting", "retrying", "running", reduce="demo.echo")
    flying = set(job.subtasks.filter(index=3).values_list("pk", flat=True))

    count = cancel_rest(job.pk, in_flight=flying, now=NOW, seq=7)

    assert (count, fresh(job).cancelled) == (2, 2)
    assert states(job) == ["succeeded", "cancelled", "cancelled", "running", "blocked"]
    assert cancel_rest(job.pk, in_flight=flying, now=NOW, seq=7) == 0


def test_when_nothing_is_in_flight_the_reduction_is_cancelled_too_and_not_counted():
    job = job_with("succeeded", "waiting", reduce="demo.echo", reduction="waiting")

    count = cancel_rest(job.pk, in_flight=set(), now=NOW, seq=7)

    assert (count, fresh(job).cancelled) == (1, 1)
    assert states(job) == ["succeeded", "cancelled", "cancelled"]


def test_a_job_is_stopped_once_for_the_first_reason():
    job = job_with("running")

    assert stop_job(job.pk, error='"first"')
    assert not stop_job(job.pk, error='"second"')

    assert (fresh(job).state, fresh(job).error) == ("cancelling", '"first"')


def test_a_job_that_somebody_cancels_keeps_no_reason_of_a_later_deadline():
    job = job_with("running", state="cancelling")

    assert not stop_job(job.pk, error='"deadline"')
    assert fresh(job).error is None
