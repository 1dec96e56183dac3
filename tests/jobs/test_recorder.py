import json
from datetime import UTC, datetime
from random import Random

import pytest
from django.db import transaction

from hive_site.kernel.errors import Deposed
from jobs.domain.batch import Batch, Ending
from jobs.domain.retry import Policy
from jobs.domain.states import Outcome
from jobs.models import Attempt, Job, Subtask
from jobs.recorder import record_batch
from jobs.services import submit_job
from jobs.successes import store_successes
from nodes.leadership import Leadership
from nodes.models import ReportCursor
from tests.jobs.cast import FIRST, NOW, ready
from tests.jobs.stage import fresh, states

FACTS = json.dumps({"type": "ValueError", "message": "no", "traceback": ""})


@pytest.fixture
def leadership(db, redis):
    made = Leadership(redis)
    assert made.hold(NOW)
    return made


@pytest.fixture
def job(db, redis):
    return submit_job(task="demo.echo", items=[10, 20, 30], retries=1)


def end(job, index, outcome=Outcome.SUCCEEDED, *, attempt=FIRST, number=1, node="spore-1", **told):
    """How an attempt at one of the job's items ended."""
    subtask = Subtask.objects.get(job=job, index=index)
    work = ready(subtask.pk, index=index, number=number, reduce=subtask.role == "reduce")
    good = outcome is Outcome.SUCCEEDED
    told = {"started": 1.0, "ended": 2.5, **({"result": "7"} if good else {"error": FACTS}), **told}
    return Ending(attempt + index, work, job.pk, node, outcome, **told)


def record(leadership, *endings, policy=Policy(retries=1), cursors=None):
    batch = Batch()
    for ending in endings:
        batch.add(ending)
    with transaction.atomic():
        return record_batch(
            batch,
            cursors=cursors or {},
            leadership=leadership,
            policy_of=lambda job, *, reduce: policy,
            now=NOW,
            random=Random(1),
        )


def counters(job):
    job = fresh(job)
    return job.succeeded, job.failed, job.cancelled


def test_a_success_is_stored_with_its_result_node_attempt_and_times(leadership, job):
    done = record(leadership, end(job, 0))

    row = Subtask.objects.get(job=job, index=0)
    assert (row.state, row.result, row.error) == ("succeeded", "7", None)
    assert (row.node, row.attempt, row.attempts) == ("spore-1", FIRST, 1)
    assert row.started_at == datetime.fromtimestamp(1, UTC)
    assert row.finished_at == datetime.fromtimestamp(2.5, UTC)
    assert [e.attempt for e in done.accepted] == [FIRST]
    assert done.touched == {job.pk}


def test_a_plain_first_success_leaves_no_row_of_its_attempt(leadership, job):
    record(leadership, end(job, 0))
    record(leadership, end(job, 1, number=2))

    noted = list(Attempt.objects.values_list("id", "number", "outcome"))
    assert noted == [(FIRST + 1, 2, "succeeded")]


def test_recording_twice_changes_nothing(leadership, job):
    endings = end(job, 0), end(job, 1, Outcome.FAILED), end(job, 2, Outcome.LOST)
    record(leadership, *endings)
    before = list(Subtask.objects.values()), list(Attempt.objects.values()), counters(job)

    done = record(leadership, *endings)

    assert (list(Subtask.objects.values()), list(Attempt.objects.values()), counters(job)) == before
    assert (done.accepted, done.touched) == ([], set())
    # The row knows best: a commit whose answer was lost is told once more what comes next.
    assert [(verdict.state, e.ready.index) for e, verdict in done.again] == [
        ("retrying", 1),
        ("waiting", 2),
    ]


def test_the_first_success_wins_and_its_neighbours_in_the_batch_are_stored(leadership, job):
    record(leadership, end(job, 0, result='"first"'))

    done = record(leadership, end(job, 0, attempt=FIRST + 9, result='"late"'), end(job, 1))

    assert Subtask.objects.get(job=job, index=0).result == '"first"'
    assert [e.ready.index for e in done.accepted] == [1]
    assert counters(job) == (2, 0, 0)


def test_of_two_equal_successes_one_is_accepted(leadership, job):
    twice = end(job, 0)

    with transaction.atomic():
        accepted = store_successes([twice, twice, end(job, 1)], leadership.confirm(NOW))

    assert [ending.ready.index for ending in accepted] == [0, 1]


def test_a_success_wins_over_a_failure_that_was_to_be_tried_again(leadership, job):
    record(leadership, end(job, 0, Outcome.FAILED, attempt=FIRST + 9))
    record(leadership, end(job, 0))

    assert states(job)[0] == "succeeded"
    row = Subtask.objects.get(job=job, index=0)
    assert (row.error, row.retry_at) == (None, None)


def test_a_failure_after_the_end_changes_nothing(leadership, job):
    record(leadership, end(job, 0))
    record(leadership, end(job, 0, Outcome.FAILED, attempt=FIRST + 9))

    assert states(job)[0] == "succeeded"
    assert counters(job) == (1, 0, 0)


def test_a_failure_counts_only_from_an_attempt_newer_than_the_last_that_was_closed(leadership, job):
    record(leadership, end(job, 0, Outcome.FAILED, attempt=FIRST + 9))

    done = record(leadership, end(job, 0, Outcome.FAILED))

    row = Subtask.objects.get(job=job, index=0)
    assert (row.errors, row.attempt, row.state) == (1, FIRST + 9, "retrying")
    assert done.touched == set()
    assert [(verdict.state, verdict.at) for _, verdict in done.again] == [
        ("retrying", row.retry_at)
    ]


@pytest.mark.parametrize(
    ("outcome", "tally", "state"),
    [
        (Outcome.FAILED, (1, 0, 0), "retrying"),
        (Outcome.TIMEOUT, (1, 0, 0), "retrying"),
        (Outcome.CRASHED, (0, 1, 0), "retrying"),
        (Outcome.LOST, (0, 0, 1), "waiting"),
        (Outcome.CANCELLED, (0, 0, 0), "cancelled"),
    ],
)
def test_every_ending_is_tallied_by_its_kind(leadership, job, outcome, tally, state):
    record(leadership, end(job, 0, outcome))

    row = Subtask.objects.get(job=job, index=0)
    assert (row.errors, row.crashes, row.losses) == tally
    assert row.state == state
    assert (row.retry_at is not None) == (state == "retrying")
    assert Attempt.objects.get().outcome == outcome


def test_what_is_tried_again_is_told_with_its_time_and_not_counted(leadership, job):
    done = record(leadership, end(job, 0, Outcome.FAILED))

    [(ending, verdict)] = done.again
    assert ending.ready.index == 0
    assert verdict.at == Subtask.objects.get(job=job, index=0).retry_at
    assert (done.accepted, done.failed_jobs, counters(job)) == ([], {}, (0, 0, 0))


def test_the_last_failure_is_counted_and_its_job_is_told(leadership, job):
    record(leadership, end(job, 0, Outcome.FAILED))

    done = record(leadership, end(job, 0, Outcome.FAILED, attempt=FIRST + 9, number=2))

    assert states(job)[0] == "failed"
    assert counters(job) == (0, 1, 0)
    assert done.failed_jobs == {job.pk: FACTS}


def test_what_ends_without_ever_having_started_ends_now(leadership, job):
    record(leadership, end(job, 0, Outcome.CANCELLED, started=None, ended=None))

    assert Subtask.objects.get(job=job, index=0).finished_at == NOW


def test_poison_is_told_by_its_nodes(leadership, job):
    for n, node in enumerate(("spore-1", "spore-1", "spore-2")):
        assert states(job)[0] != "quarantined"
        record(leadership, end(job, 0, Outcome.CRASHED, attempt=FIRST + 10 * n, node=node))

    row = Subtask.objects.get(job=job, index=0)
    assert (row.state, counters(job)) == ("quarantined", (0, 1, 0))
    assert json.loads(row.error)["message"] == "no; crashed its process 3 times on 2 nodes"


def test_a_job_that_is_being_cancelled_tries_nothing_again(leadership, job):
    record(leadership, end(job, 0, Outcome.FAILED), end(job, 1), policy=None)

    assert states(job) == ["cancelled", "succeeded", "waiting"]
    assert counters(job) == (1, 0, 1)


def test_counters_move_by_all_of_a_batch_and_leave_the_reduction_out(leadership, redis):
    job = submit_job(task="text.word_count", items=["a", "b"], reduce="text.merge_counts")
    Subtask.objects.filter(role="reduce").update(state="waiting")

    done = record(leadership, end(job, 0), end(job, 1, Outcome.FAILED, final=True), end(job, 2))

    assert counters(job) == (1, 1, 0)
    assert len(done.accepted) == 3


def test_cursors_move_with_the_batch(leadership, job):
    record(leadership, end(job, 0), cursors={"spore-1": "5-0"})
    record(leadership, cursors={"spore-1": "6-0", "spore-2": "1-0"})

    moved = dict(ReportCursor.objects.values_list("node", "entry"))
    assert moved == {"spore-1": "6-0", "spore-2": "1-0"}


def test_a_leader_that_was_deposed_records_nothing(leadership, job, redis):
    leadership.release()
    assert Leadership(redis).hold(NOW)

    with pytest.raises(Deposed):
        record(leadership, end(job, 0), cursors={"spore-1": "5-0"})

    assert states(job)[0] == "waiting"
    assert not ReportCursor.objects.exists()
    assert not leadership.held


def test_a_crash_in_the_middle_leaves_neither_results_nor_cursors(leadership, job, monkeypatch):
    def crash(done):
        raise SystemExit(137)

    monkeypatch.setattr("jobs.recorder._move_counters", crash)
    with pytest.raises(SystemExit):
        record(leadership, end(job, 0), end(job, 1, Outcome.FAILED), cursors={"spore-1": "5-0"})

    assert states(job) == ["waiting"] * 3
    assert not ReportCursor.objects.exists()
    assert not Attempt.objects.exists()


def test_a_thousand_successes_take_a_handful_of_statements(
    leadership, redis, django_assert_max_num_queries
):
    job = submit_job(task="demo.echo", items=[0] * 1000)
    rows = dict(Subtask.objects.values_list("index", "pk"))
    endings = [
        Ending(FIRST + n, ready(rows[n]), job.pk, "spore-1", Outcome.SUCCEEDED, 1.0, 2.0, "1")
        for n in range(1000)
    ]

    with django_assert_max_num_queries(10):
        record(leadership, *endings)

    assert Job.objects.get(pk=job.pk).succeeded == 1000
