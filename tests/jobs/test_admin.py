"""The operator's pages of jobs."""

import re

import pytest
from django.contrib.auth.models import Permission

from jobs.models import Attempt, IdempotencyKey, Job, Queue, Subtask
from jobs.services import Idempotency, pause_queue, submit_job, submit_once
from nodes import wire
from tests.jobs.cast import FIRST

pytestmark = pytest.mark.usefixtures("db", "redis")
JOBS = "/admin/jobs/job/"


@pytest.fixture
def job(db, redis):
    return submit_job(task="demo.echo", items=[1, 2, 3])


@pytest.fixture
def staff(client, django_user_model):
    """Logs in somebody of the staff who may do only this."""

    def log_in(*codenames):
        user = django_user_model.objects.create_user("ann", password="x", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return log_in


def listed(client, path):
    page = client.get(path)
    assert page.status_code == 200
    return re.findall(r"(job_[0-9A-Z]{26})</a>", page.content.decode())


def act(client, action, *jobs, path=JOBS):
    chosen = [job.pk for job in jobs]
    wish = {"action": action, "_selected_action": chosen, "confirmed": "yes"}
    return client.post(path, wish, follow=True)


def test_jobs_are_listed_newest_first_with_their_progress(admin_client, job):
    other = submit_job(task="demo.sleep", items=[1])
    Job.objects.filter(pk=job.pk).update(succeeded=1, failed=1)

    assert listed(admin_client, JOBS) == [other.pk, job.pk]
    assert "1 of 3, 1 failed" in admin_client.get(JOBS).content.decode()


@pytest.mark.parametrize(
    "query", ["state=running", "queue=high_priority", "priority=9", "q=demo.sl", "q={id}"]
)
def test_jobs_are_found_by_filters_and_by_beginnings(admin_client, job, query):
    other = submit_job(task="demo.sleep", items=[], queue="high_priority", priority=9)
    Job.objects.filter(pk=other.pk).update(state="running")

    assert listed(admin_client, f"{JOBS}?{query.format(id=other.pk)}") == [other.pk]


@pytest.mark.parametrize("model", ["job", "subtask", "attempt"])
def test_a_list_takes_as_many_queries_for_many_rows_as_for_one(
    admin_client, job, model, django_assert_max_num_queries
):
    for n in range(60):
        other = submit_job(task="demo.echo", items=[1])
        subtask = other.subtasks.get()
        Attempt.objects.create(id=FIRST + n, subtask=subtask, number=1, outcome="failed")

    with django_assert_max_num_queries(8):
        admin_client.get(f"/admin/jobs/{model}/")


def test_a_job_leads_to_its_subtasks_and_no_others(admin_client, job):
    submit_job(task="demo.echo", items=[1])
    page = admin_client.get(f"{JOBS}{job.pk}/change/").content.decode()
    [link] = re.findall(r'href="(/admin/jobs/subtask/[^"]+)"', page)

    subtasks = admin_client.get(link).content.decode()

    assert len(re.findall(r"/admin/jobs/subtask/\d+/change/", subtasks)) == 3


def test_a_subtask_shows_its_tries_and_can_not_be_changed(admin_client, job):
    row = job.subtasks.first()
    Attempt.objects.create(id=FIRST, subtask=row, number=1, outcome="crashed", node="spore-9")

    page = admin_client.get(f"/admin/jobs/subtask/{row.pk}/change/").content.decode()

    assert "spore-9" in page
    assert 'name="_save"' not in page
    posted = admin_client.post(f"/admin/jobs/subtask/{row.pk}/change/", {"state": "succeeded"})
    assert posted.status_code == 403


@pytest.mark.parametrize(
    ("action", "before", "after", "said"),
    [
        ("cancel", "running", "cancelling", "Cancel"),
        ("pause", "running", "paused", "Pause"),
        ("resume", "paused", "queued", "Resume"),
        ("retry", "failed", "queued", "Retry failed"),
    ],
)
def test_verbs_are_actions_on_what_is_chosen(admin_client, job, action, before, after, said):
    other = submit_job(task="demo.echo", items=[1])
    Job.objects.update(state=before)

    page = act(admin_client, action, job)

    assert dict(Job.objects.values_list("pk", "state")) == {job.pk: after, other.pk: before}
    assert f"{said}: {job.pk}." in page.content.decode()


def test_a_verb_that_one_job_refuses_is_done_to_the_others(admin_client, job):
    ended = submit_job(task="demo.echo", items=[])

    page = act(admin_client, "cancel", ended, job).content.decode()

    assert dict(Job.objects.values_list("pk", "state")) == {
        job.pk: "cancelling",
        ended.pk: "succeeded",
    }
    assert f"job {ended.pk} is succeeded; it cannot be cancelled" in page
    assert f"Cancel: {job.pk}." in page


@pytest.mark.parametrize("action", ["cancel", "retry", "pause", "resume"])
def test_who_may_only_look_may_not_act(staff, job, action):
    client = staff("view_job")

    page = act(client, action, job)

    assert page.status_code == 200
    assert f'value="{action}"' not in page.content.decode()
    assert Job.objects.get().state == "queued"


def test_who_may_change_jobs_may_act(staff, job):
    act(staff("view_job", "change_job"), "cancel", job)

    assert Job.objects.get().state == "cancelling"


def test_who_may_do_nothing_sees_nothing(staff, job):
    assert staff().get(JOBS).status_code == 403


def test_saving_a_job_writes_nothing(admin_client, job, django_assert_max_num_queries):
    """The Foreman counts meanwhile; whoever wrote back what was read would undo that."""
    with django_assert_max_num_queries(12) as asked:
        admin_client.post(f"{JOBS}{job.pk}/change/", {"_save": "Save", "state": "succeeded"})

    assert not [q["sql"] for q in asked if 'UPDATE "jobs_job"' in q["sql"]]
    assert Job.objects.get().state == "queued"


def test_the_confirmation_counts_a_large_job_without_loading_it(
    admin_client, redis, django_assert_max_num_queries
):
    job, _ = submit_once(Idempotency("k", "ann", "f"), task="demo.echo", items=[0] * 3000)
    Job.objects.update(state="succeeded")

    with django_assert_max_num_queries(8) as asked:
        page = admin_client.get(f"{JOBS}{job.pk}/delete/").content.decode()

    assert f"{job.pk} with 3000 subtasks and their results" in page
    assert not [q["sql"] for q in asked if 'FROM "jobs_subtask"' in q["sql"]]
    assert admin_client.post(f"{JOBS}{job.pk}/delete/", {"post": "yes"}).status_code == 302
    assert [model.objects.count() for model in (Job, Subtask, IdempotencyKey)] == [0, 0, 0]


def test_what_has_not_ended_can_not_be_deleted(admin_client, job):
    assert admin_client.get(f"{JOBS}{job.pk}/delete/").status_code == 403
    page = act(admin_client, "delete_selected", job)

    assert 'value="delete_selected"' not in page.content.decode()
    assert Job.objects.exists()


def test_who_may_not_delete_may_not_delete(staff, job):
    Job.objects.update(state="succeeded")
    client = staff("view_job", "change_job")

    assert client.post(f"{JOBS}{job.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Job.objects.exists()


@pytest.mark.parametrize(
    ("action", "before", "after"), [("pause", False, True), ("resume", True, False)]
)
def test_a_queue_is_paused_and_resumed_through_the_service(
    admin_client, redis, django_capture_on_commit_callbacks, action, before, after
):
    queue = Queue.objects.create(name="background", paused=before)

    with django_capture_on_commit_callbacks(execute=True):
        act(admin_client, action, queue, path="/admin/jobs/queue/")

    assert Queue.objects.get(pk="background").paused is after
    assert redis.xrange(wire.INBOX)[0][1][b"what"] == b"queue"


def test_a_queue_is_paused_on_its_page(admin_client, redis, django_capture_on_commit_callbacks):
    pause_queue(name="background")

    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post("/admin/jobs/queue/background/change/", {})

    assert not Queue.objects.get().paused
    assert redis.xrange(wire.INBOX)[0][1][b"what"] == b"queue"


@pytest.mark.parametrize("way", ["list", "page"])
def test_a_queue_that_the_settings_no_longer_name_is_no_error(admin_client, way):
    queue = Queue.objects.create(name="renamed", paused=True)

    if way == "list":
        page = act(admin_client, "resume", queue, path="/admin/jobs/queue/")
    else:
        page = admin_client.post("/admin/jobs/queue/renamed/change/", {}, follow=True)

    assert page.status_code == 200
    assert "no queue is named" in page.content.decode().lower()


def test_pages_say_why_a_job_and_its_subtasks_wait(admin_client, job):
    pause_queue(name="background")
    first = job.subtasks.first()

    pages = [f"{JOBS}{job.pk}/change/", f"/admin/jobs/subtask/{first.pk}/change/"]

    for page in pages:
        assert "the queue background is paused" in admin_client.get(page).content.decode()
