"""Jobs are submitted by a form that is made from what their task takes."""

import re

import pytest
from django.contrib.admin.models import LogEntry

from jobs import shelves
from jobs.models import Job
from nodes.roles import give_role
from tests.people import browser_of

pytestmark = pytest.mark.usefixtures("db", "redis")
ADD = "/admin/jobs/job/add/"
COUNT = f"{ADD}?task=text.word_count"
FILLED = {
    "items": "bee hive\nhive\n",
    "items_as": "lines",
    "queue": "background",
    "once": "o1",
    "confirmed": "yes",
}


def errors(page) -> dict[str, list[str]]:
    return page.context["form"].errors


def test_tasks_are_chosen_from_a_list_that_words_narrow_down(admin_client):
    page = admin_client.get(f"{ADD}?q=Word").content.decode()
    none = admin_client.get(f"{ADD}?q=no+such").content.decode()

    assert "?task=text.word_count" in page
    assert "?task=demo.echo" not in page
    assert "No task is like that" in none


def test_the_form_asks_for_what_the_task_takes(admin_client):
    page = admin_client.get(f"{ADD}?task=llm.instruct").content.decode()

    assert 'name="kw-model"' in page
    assert 'name="items"' in page


def test_a_job_is_looked_at_before_it_is_submitted(admin_client):
    page = admin_client.post(COUNT, {**FILLED, "confirmed": "no"})

    assert "2 subtasks in the queue background, priority 5" in page.content.decode()
    assert not Job.objects.exists()


def test_a_job_is_submitted_in_the_name_of_who_filled_it_in(admin_client):
    page = admin_client.post(COUNT, {**FILLED, "priority": "7", "labels": '{"a": "b"}'})

    job = Job.objects.get()
    assert page.headers["Location"] == f"/admin/jobs/job/{job.pk}/change/"
    assert (job.task, job.total, job.priority) == ("text.word_count", 2, 7)
    assert (job.submitted_by, job.labels) == ("admin", {"a": "b"})
    assert [row.item for row in job.subtasks.all()] == ['"bee hive"', '"hive"']
    [entry] = LogEntry.objects.all()
    assert entry.get_change_message() == "submitted: 2 subtasks of text.word_count"


def test_a_second_click_submits_nothing_more(admin_client):
    for _ in range(2):
        admin_client.post(COUNT, FILLED)

    assert Job.objects.count() == 1
    assert LogEntry.objects.count() == 1


def test_what_was_changed_meanwhile_is_another_job(admin_client):
    admin_client.post(COUNT, FILLED)
    admin_client.post(COUNT, {**FILLED, "priority": "9"})

    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    ("items", "way", "stored"),
    [
        ("a\n\nb\n", "lines", ['"a"', '"b"']),
        ('1\n{"a": 2}\n', "values", ["1", '{"a":2}']),
        ("[1, [2]]", "list", ["1", "[2]"]),
        ("", "lines", ["null"]),
    ],
)
def test_items_come_as_lines_or_as_json(admin_client, items, way, stored):
    admin_client.post(f"{ADD}?task=demo.echo", {**FILLED, "items": items, "items_as": way})

    rows = Job.objects.get().subtasks.order_by("index")
    assert [re.sub(r": ", ":", row.item) for row in rows] == stored


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"items": "{", "items_as": "values"}, "items", "line 1 is no JSON"),
        ({"items": "3", "items_as": "list"}, "items", "give a list"),
        ({"priority": "11"}, "priority", "less than or equal to 10"),
        ({"queue": "fast"}, "queue", "not one of the available choices"),
        ({"timeout": "-1"}, "timeout", "-1"),
        ({"reduce": "no.such"}, "reduce", "no task is named"),
        ({"deadline": "soon"}, "deadline", "RFC 3339"),
        ({"requires": '{"gpu": "x"}'}, "requires", "gpu"),
        ({"labels": "[1]"}, "labels", ""),
        ({"webhook": "nowhere"}, "webhook", ""),
    ],
)
def test_what_is_wrong_is_said_at_its_field(admin_client, wrong, field, said):
    page = admin_client.post(COUNT, {**FILLED, **wrong})

    assert list(errors(page)) == [field]
    assert said in errors(page)[field][0]
    assert not Job.objects.exists()


def test_what_takes_python_objects_takes_the_permission_of_its_scope(monkeypatch):
    task = {"name": "demo.echo", "summary": "", "options": {}, "schema": {}, "where": "nexus"}
    monkeypatch.setattr("jobs.admin_submit.task_views", lambda: [task])
    operator = browser_of("operator")

    page = operator.get(f"{ADD}?task=demo.echo")

    assert page.context["form"].may_pickle is False


def test_an_operator_may_submit_and_a_viewer_may_not(django_user_model):
    viewer = browser_of("viewer")
    refused = [viewer.get(ADD).status_code, viewer.post(COUNT, FILLED).status_code]
    give_role(django_user_model.objects.get(username="viewer"), "operator")

    made = viewer.post(COUNT, FILLED)

    assert refused == [403, 403]
    assert made.status_code == 302
    assert Job.objects.count() == 1


def test_every_task_that_there_is_has_a_form(admin_client):
    for task in shelves.task_views():
        page = admin_client.get(f"{ADD}?task={task['name']}")

        assert page.status_code == 200, task["name"]
