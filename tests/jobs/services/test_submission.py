import pytest
from django.db import IntegrityError

from hive_site.kernel.errors import Invalid
from jobs.models import IdempotencyKey, Job, Subtask
from jobs.services import Idempotency, KeyReused, submission, submit_job, submit_once
from nodes import inbox, wire

pytestmark = pytest.mark.usefixtures("db", "redis")


def key(name="k", *, caller="ann", fingerprint="f"):
    return Idempotency(name, caller, fingerprint)


def test_a_job_is_stored_with_a_subtask_for_each_item():
    job = submit_job(task="demo.echo", items=["a", None], submitted_by="ann", priority=7)

    assert (job.state, job.total, job.priority, job.submitted_by) == ("queued", 2, 7, "ann")
    rows = Subtask.objects.values_list("index", "role", "state", "item", "attempt", "attempts")
    assert list(rows) == [
        (0, "map", "waiting", '"a"', 0, 0),
        (1, "map", "waiting", "null", 0, 0),
    ]


def test_a_job_is_stored_as_it_is_returned():
    job = submit_job(task="demo.echo", items=[1], labels={"a": "b"}, requires={"gpu": 1}, delay=5)

    stored = Job.objects.values().get()
    assert stored == {name: getattr(job, name) for name in stored}


@pytest.mark.parametrize(
    ("items", "state", "item"), [([1], "blocked", "null"), ([], "waiting", "[]")]
)
def test_a_reduction_comes_after_the_last_item_and_of_none_at_once(items, state, item):
    job = submit_job(task="demo.echo", items=items, reduce="demo.echo")

    reduction = job.subtasks.get(role="reduce")
    assert (reduction.index, reduction.state, reduction.item) == (len(items), state, item)
    assert (job.total, job.state) == (len(items), "queued")


def test_a_job_of_nothing_has_succeeded():
    job = submit_job(task="demo.echo", items=[])

    assert (job.state, job.finished_at) == ("succeeded", job.created_at)


def test_many_items_take_few_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        submit_job(task="demo.echo", items=[0] * 5000)


def test_whoever_submits_may_have_any_name():
    assert submit_job(task="demo.echo", submitted_by="x" * 300).submitted_by == "x" * 150


def test_nothing_is_stored_of_a_wish_that_does_not_hold():
    with pytest.raises(Invalid):
        submit_job(task="demo.echo", items=[1, float("nan")])

    assert not Job.objects.exists()


def test_the_foreman_is_woken_once_the_job_is_there(redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = submit_job(task="demo.echo")
        assert not redis.exists(wire.INBOX)

    [(_, hint)] = redis.xrange(wire.INBOX)
    assert hint == {b"what": b"job", b"subject": job.pk.encode()}


def test_a_job_is_accepted_without_redis(monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(inbox, "_client", None)  # the settings of tests name a port nobody has

    with django_capture_on_commit_callbacks(execute=True):
        submit_job(task="demo.echo")

    assert Job.objects.count() == 1


def test_the_same_key_gives_the_same_job():
    first, replayed = submit_once(key(), task="demo.echo", items=[1])
    again = submit_once(key(), task="demo.echo", items=[1])

    assert (replayed, again) == (False, (first, True))
    assert Job.objects.count() == 1


def test_a_key_belongs_to_its_caller():
    first, _ = submit_once(key(), task="demo.echo")
    second, replayed = submit_once(key(caller="ben"), task="demo.echo")

    assert (first != second, replayed) == (True, False)


def test_a_key_that_came_with_another_request_is_refused_even_if_that_makes_no_sense():
    submit_once(key(), task="demo.echo")

    with pytest.raises(KeyReused, match="'k' came with another request"):
        submit_once(key(fingerprint="other"), task="no.such")


def test_a_request_that_is_refused_leaves_its_key_free():
    with pytest.raises(Invalid):
        submit_once(key(), task="no.such")

    assert submit_once(key(), task="demo.echo")[1] is False


def test_two_equal_requests_at_once_are_one_job(monkeypatch):
    """The other request commits between our look and our insert."""
    look, others = submission._find_earlier, []

    def look_too_early(idempotency):
        if not others:
            others.append(None)
            others.append(submit_once(key(), task="demo.echo")[0])
            return None
        return look(idempotency)

    monkeypatch.setattr(submission, "_find_earlier", look_too_early)

    job, replayed = submit_once(key(), task="demo.echo")

    assert (job, replayed) == (others[1], True)
    assert (Job.objects.count(), IdempotencyKey.objects.count()) == (1, 1)


def test_what_else_the_database_refuses_is_no_replay(monkeypatch):
    taken = submit_job(task="demo.echo").pk
    monkeypatch.setattr(submission, "new_job_id", lambda: taken)

    with pytest.raises(IntegrityError):
        submit_once(key(), task="demo.echo")

    assert not IdempotencyKey.objects.exists()
