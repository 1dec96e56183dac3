"""One node: what it is, what it does, what was on it, what one can do with it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Attempt, Job, Subtask
from jobs.services import submit_job
from nodes.models import Node, NodeEvent
from ota.models import Home
from tests.hive_site.live.cast import draw_node
from tests.hive_site.pages.cast import show_picture, take_redis_away, text_of

pytestmark = pytest.mark.django_db
WORK = {
    **{"task": "demo.sleep", "job": "job_1", "index": 7, "items": 3, "reduce": False},
    **{"started_at": "2027-01-15T08:00:00+00:00", "progress": 0.4, "message": "page 4 of 10"},
    "attempt": 1,
}


@pytest.fixture
def node():
    return Node.objects.create(
        name="a", slots=2, platform="Linux", own_labels={"site": "lab"}, last_seen=timezone.now()
    )


def buttons(answer):
    page = answer.content.decode()
    return set(re.findall(r'(?:href|action)="/nodes/a/(\w+)/', page))


def test_a_node_that_is_none_is_not_found(admin_client, redis):
    answer = admin_client.get("/nodes/none/")

    assert answer.status_code == 404
    assert "no node is named 'none'" in text_of(answer)


def test_a_node_tells_what_it_is(admin_client, redis, node):
    show_picture(redis, draw_node("a", gpus=[{"index": 0, "name": "T4", "memory_mb": 16_000}]))

    text = text_of(admin_client.get("/nodes/a/"))

    for said in ("Last seen now", "1 of 2 busy", "site=lab", "ffmpeg", "T4, 16,000 MB", "Linux"):
        assert said in text


def test_a_slot_tells_what_it_runs_and_how_far_it_is(admin_client, redis, node):
    show_picture(redis, draw_node("a", work=[WORK]))

    answer = admin_client.get("/nodes/a/")

    assert "demo.sleep job_1[7] and 2 more after it" in text_of(answer)
    assert "page 4 of 10" in text_of(answer)
    assert 'value="0.4"' in answer.content.decode()
    assert "/jobs/job_1/subtasks/7/" in answer.content.decode()


def test_slots_that_nobody_looked_at_are_only_counted(admin_client, redis, node):
    show_picture(redis, draw_node("a", running=2))

    assert "2 busy. What they do shows in a moment" in text_of(admin_client.get("/nodes/a/"))


def test_until_somebody_looks_closely_slots_tell_what_the_database_knows(admin_client, redis, node):
    job = submit_job(task="demo.sleep", items=[1, 2])
    Subtask.objects.filter(index=1).update(state="running", node="a", started_at=timezone.now())
    show_picture(redis, draw_node("a", running=2))

    text = text_of(admin_client.get("/nodes/a/"))

    assert f"demo.sleep {job.pk}[1]" in text
    assert "1 busy. What they do shows in a moment" in text


def test_an_idle_node_says_what_it_waits_for(admin_client, redis, node):
    show_picture(redis, draw_node("a", running=0))

    assert "Idle: it takes whatever comes next." in text_of(admin_client.get("/nodes/a/"))


@pytest.mark.parametrize(
    ("state", "intent", "verbs"),
    [
        ("online", "work", {"drain", "cordon", "revoke"}),
        ("draining", "drain", {"resume", "revoke"}),
        ("cordoned", "cordon", {"drain", "resume", "revoke"}),
        ("quarantined", "work", {"drain", "cordon", "resume", "revoke"}),
        ("lost", "work", {"cordon", "revoke", "forget"}),
    ],
)
def test_only_verbs_that_make_sense_are_offered(admin_client, redis, node, state, intent, verbs):
    Node.objects.update(state=state, intent=intent)

    assert buttons(admin_client.get("/nodes/a/")) == verbs


def test_who_may_only_read_is_offered_no_verb(client, redis, node, django_user_model):
    from django.contrib.auth.models import Permission

    reader = django_user_model.objects.create_user("reader")
    reader.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    client.force_login(reader)

    answer = client.get("/nodes/a/")

    assert answer.status_code == 200
    assert buttons(answer) == set()


def test_a_drain_says_first_how_many_subtasks_run_there(admin_client, redis, node):
    show_picture(redis, draw_node("a", running=1, slots=2))

    assert "1 subtask runs there now, on 1 node with 2 of 2 slots" in text_of(
        admin_client.get("/nodes/a/drain/")
    )


def test_a_release_that_is_on_its_way_is_told(admin_client, redis, node):
    Home.objects.create(node="a", wanted_own=True, active_version="2.0", reported_at=timezone.now())

    assert "→ its own code is wanted" in text_of(admin_client.get("/nodes/a/"))


def test_a_lost_node_says_what_moved_where(admin_client, redis, node):
    Node.objects.update(state="lost", reason="silent for 45 s")
    job = submit_job(task="demo.echo", items=[1, 2])
    for index, state in enumerate(("running", "waiting")):
        Subtask.objects.filter(job=job, index=index).update(state=state, node="b")
        subtask = Subtask.objects.get(job=job, index=index)
        later = timezone.now() + timedelta(seconds=1)
        Attempt.objects.create(
            id=index, subtask=subtask, number=1, node="a", outcome="lost", ended_at=later
        )

    answer = admin_client.get("/nodes/a/")

    text = text_of(answer)
    assert "This node is lost." in text
    assert f"{job.pk}[0] → b running" in text
    assert f"{job.pk}[1] waiting" in text
    assert 'href="/nodes/b/"' in answer.content.decode()


def test_fifty_of_the_newest_subtasks_are_shown_and_the_rest_on_request(admin_client, redis, node):
    job = submit_job(task="demo.echo", items=list(range(60)))
    now = timezone.now()
    Subtask.objects.filter(job=job).update(
        state="succeeded", node="a", seq=1, started_at=now - timedelta(seconds=2), finished_at=now
    )
    Job.objects.filter(pk=job.pk).update(state="succeeded", succeeded=60, finished_at=now)

    first, all_ = admin_client.get("/nodes/a/"), admin_client.get("/nodes/a/?show=100")

    assert first.content.decode().count(f">{job.pk}[") == 50
    assert "?show=60#ended" in first.content.decode()
    assert all_.content.decode().count(f">{job.pk}[") == 60
    assert "Show more" not in text_of(all_)
    assert "succeeded 0 2.0 s" in text_of(first)


def test_events_are_told_with_their_reasons(admin_client, redis, node):
    NodeEvent.objects.create(node="a", at=timezone.now(), what="joined", reason="release 1.0")
    NodeEvent.objects.create(node="a", at=timezone.now(), what="suspect", reason="silent for 8 s")

    text = text_of(admin_client.get("/nodes/a/"))

    assert re.search(r"suspect silent for 8 s .*joined release 1.0", text)
    assert "Up for" in text


def test_what_never_happened_is_told_too(admin_client, redis, node):
    text = text_of(admin_client.get("/nodes/a/"))

    assert "Nothing ended here yet." in text
    assert "No events yet" in text
    assert "No history yet." in text


def test_while_redis_is_away_the_database_is_shown(admin_client, redis, node, monkeypatch):
    take_redis_away(redis, monkeypatch)

    text = text_of(admin_client.get("/nodes/a/"))

    assert "Redis does not answer" in text
    assert "site=lab" in text
