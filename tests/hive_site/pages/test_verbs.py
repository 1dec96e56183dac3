"""Verbs of pages: who may, what is asked first, what is done, and what is kept of it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from jobs.models import Job, Queue
from jobs.services import submit_job
from nodes.models import Node
from tests.hive_site.pages.cast import markup_of
from tests.ota.cast import make_release
from tests.people import browser_of

pytestmark = pytest.mark.django_db
PAUSE, RESUME = "/queues/background/pause/", "/queues/background/resume/"


@pytest.fixture
def operator(redis):
    return browser_of("operator")


@pytest.fixture
def job(redis):
    return submit_job(task="demo.echo", items=[1, 2])


def said(answer) -> str:
    return markup_of(answer).split('id="main"')[1]


def test_a_verb_asks_first_and_changes_nothing(operator, job):
    page = said(operator.get(f"/jobs/{job.pk}/cancel/"))

    assert "Cancel" in page
    assert job.pk in page
    assert Job.objects.get().state == "queued"
    assert not LogEntry.objects.exists()


def test_a_confirmed_verb_is_done_said_and_kept(operator):
    page = said(operator.post(PAUSE, follow=True))

    assert Queue.objects.get(paused=True).pk == "background"
    assert "background is paused." in page
    row = LogEntry.objects.get()
    assert (row.user.username, row.object_id) == ("operator", "background")
    assert row.change_message == "is paused. 0 subtasks wait there, of 0 jobs."


def test_doing_it_twice_is_fine(operator):
    for _ in range(2):
        assert operator.post(PAUSE, follow=True).status_code == 200

    assert Queue.objects.get().paused


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_may_only_look_is_refused(redis, method):
    answer = getattr(browser_of("viewer"), method)(PAUSE)

    assert answer.status_code == 403
    assert "takes the permission jobs.change_queue" in markup_of(answer)
    assert not Queue.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_not_logged_in_is_sent_to_the_login(client, redis, method):
    answer = getattr(client, method)(PAUSE)

    assert answer.headers["Location"].startswith("/login/?next=")
    assert not Queue.objects.exists()


def test_the_api_names_the_permission_that_its_verb_takes(redis):
    answer = browser_of("viewer").post("/api/v1/nodes/spore-1/drain/")

    assert answer.status_code == 403
    assert answer.json()["detail"] == "this takes the permission nodes.change_node"


def test_without_a_token_of_the_page_nothing_is_done(redis):
    strict = browser_of("operator", enforce_csrf_checks=True)

    assert strict.post(PAUSE).status_code == 403
    assert not Queue.objects.exists()


def test_with_the_token_of_the_page_it_is_done(redis):
    strict = browser_of("operator", enforce_csrf_checks=True)
    strict.get(PAUSE)
    token = strict.cookies["csrftoken"].value

    strict.post(PAUSE, {"csrfmiddlewaretoken": token})

    assert Queue.objects.get().paused


@pytest.mark.parametrize("method", ["put", "delete", "patch", "head"])
def test_other_methods_do_nothing(operator, method):
    assert getattr(operator, method)(PAUSE).status_code in (200, 405)
    assert not Queue.objects.exists()


def test_one_goes_back_to_where_it_was_asked(operator):
    answer = operator.post(PAUSE, {"next": "/queues/?window=24h"})

    assert answer.headers["Location"] == "/queues/?window=24h"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "\\\\evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(operator, elsewhere):
    answer = operator.post(PAUSE, {"next": elsewhere})

    assert answer.headers["Location"] == "/queues/"


def test_the_way_back_of_the_question_leads_to_the_page(operator, job):
    page = said(operator.get(f"/jobs/{job.pk}/cancel/?next=https://evil.example/"))

    assert f'href="/jobs/{job.pk}/"' in page
    assert 'href="https://evil.example' not in page


def test_a_verb_that_the_state_does_not_take_says_why_and_is_not_kept(operator, job):
    Job.objects.update(state="succeeded")

    page = said(operator.post(f"/jobs/{job.pk}/pause/", follow=True))

    assert 'class="notice warning"' in page
    assert "succeeded" in page
    assert not LogEntry.objects.exists()


def test_a_conflict_of_a_rollout_is_told(cluster, operator):
    rollout = cluster.roll_out(make_release())

    page = said(operator.post(f"/rollouts/{rollout.pk}/promote/", follow=True))

    assert "there is nothing to promote" in page


past_the_gate = pytest.mark.skipif(
    connection.vendor == "postgresql",
    reason="the gate refuses NUL characters, which PostgreSQL does not take",
)


@pytest.mark.parametrize(
    "path",
    [
        "/queues/none/pause/",
        "/jobs/job_none/cancel/",
        "/nodes/none/drain/",
        "/rollouts/none/abort/",
        pytest.param("/jobs/%00/cancel/", marks=past_the_gate),
        pytest.param("/nodes/%00/drain/", marks=past_the_gate),
        "/rollouts/%00/abort/",
        pytest.param("/queues/%00/pause/", marks=past_the_gate),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_verb_on_what_is_not_there_says_so(operator, path, method):
    answer = getattr(operator, method)(path)

    assert answer.status_code == 404
    assert 'class="card narrow"' in markup_of(answer)


def test_a_verb_that_there_is_not_is_not_found(operator):
    assert operator.get("/queues/background/explode/").status_code == 404


def test_what_is_gone_afterwards_leads_to_the_list(operator):
    Node.objects.create(name="spore-1", state="lost")

    answer = operator.post("/nodes/spore-1/forget/")

    assert answer.headers["Location"] == "/nodes/"
    assert LogEntry.objects.get().object_repr == "spore-1"


def test_a_rollout_is_moved_in_the_name_of_who_did_it(cluster, operator):
    rollout = cluster.roll_out(make_release())

    operator.post(f"/rollouts/{rollout.pk}/pause/")

    rollout.refresh_from_db()
    assert rollout.state == "paused"
    assert rollout.events.filter(what="paused").get().who == "operator"


def test_answers_are_never_cached(operator):
    for answer in (operator.get(PAUSE), operator.post(PAUSE), operator.get("/queues/none/pause/")):
        assert "no-store" in answer.headers["Cache-Control"]


def test_a_nasty_name_is_shown_as_text(operator):
    answer = operator.get("/queues/%3Cscript%3Ealert(1)%3C%2Fscript%3E/pause/".replace("%2F", "|"))

    assert "<script>alert(1)" not in markup_of(answer)
