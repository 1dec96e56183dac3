"""What the Nexus believes of tasks that only nodes have."""

import pytest
import structlog

from hive_site.kernel.errors import Invalid
from jobs import hive, remote_tasks
from jobs.descriptions import describe_all
from jobs.limits import effective_limits
from jobs.models import Job, RemoteTask, TaskLimit
from jobs.registry import Registry, Task
from jobs.remote_tasks import find_remote, learn_tasks
from jobs.services import set_limits, submit_job, submit_workflow
from jobs.validation import check_wish, known_tasks
from nodes import wire
from nodes.catalogue import TaskList
from tests.conftest import client_with
from tests.jobs.cast import NOW

pytestmark = pytest.mark.django_db
FAR = "far.weigh"


def weigh(ctx, item: str, *, unit: str = "g"):
    """Weighs."""


def listed(*tasks, release="2.0", **told):
    """The list that a release with these tasks publishes, and whatever else is told."""
    registry = Registry()
    for task in tasks:
        registry.add(task)
    return TaskList("d" * 32, release, {**wire.read_tasks(describe_all(registry)), **told})


def learn(*tasks, known=None, **told):
    return learn_tasks(listed(*tasks, **told), NOW, known=known or known_tasks())


def far(name=FAR, **options):
    return Task(name, weigh, **options)


def test_a_task_that_nodes_have_can_be_submitted_with_its_own_options(redis):
    learn(far(timeout=7, retries=1, backoff=(3,), gpu=1, version="2"), far("far.merge", retries=0))

    job = submit_job(task=FAR, items=[1], reduce="far.merge")

    assert (job.timeout, job.retries, job.backoff, job.task_version) == (7, 1, [3], "2")
    assert (job.requires, job.reduce, job.reduction["retries"]) == ({"gpu": 1}, "far.merge", 0)


def test_where_both_know_it_the_code_of_the_nexus_counts():
    assert learn(far("demo.echo", retries=9), far()) == 1

    RemoteTask.objects.create(name="demo.sleep", options={"retries": 9}, digest="", seen_at=NOW)

    assert not RemoteTask.objects.filter(pk="demo.echo").exists()
    assert check_wish({"task": "demo.sleep"}, now=NOW).columns["retries"] != 9


@pytest.mark.parametrize("name", ["no.such", "far.Weigh\x00", "x" * 300, "far", "\ud800.a", ""])
def test_what_nobody_knows_is_refused_as_ever(name):
    learn(far())

    with pytest.raises(Invalid) as refusal:
        check_wish({"task": name}, now=NOW)
    assert refusal.value.field == "task"


def test_a_list_of_names_alone_makes_no_task_that_can_be_submitted():
    assert learn(**{FAR: None}) == 0
    assert find_remote(FAR) is None


def test_what_is_told_last_counts_and_what_is_told_no_more_stays():
    learn(far(retries=1), far("far.old"))
    learn(far(retries=2), release="2.1")

    assert find_remote(FAR).retries == 2
    assert find_remote("far.old") is not None
    assert RemoteTask.objects.get(pk=FAR).release == "2.1"


SOUND = Task("a.b", weigh).options() | {"backoff": [2, 8, 32]}


@pytest.mark.parametrize(
    "told",
    [
        7,
        [],
        {},
        {"options": None},
        {"options": []},
        {"options": SOUND | {"timeout": -1}},
        {"options": SOUND | {"retries": True}},
        {"options": SOUND | {"retries": 10**30}},
        {"options": SOUND | {"backoff": None}},
        {"options": SOUND | {"backoff": [1] * 101}},
        {"options": SOUND | {"labels": None}},
        {"options": SOUND | {"labels": {"1": "x"}}},
        {"options": SOUND | {"labels": {"a": "\x00"}}},
        {"options": SOUND | {"capabilities": "ffmpeg"}},
        {"options": SOUND | {"capabilities": [{}]}},
        {"options": SOUND | {"codec": "marshal"}},
        {"options": SOUND | {"codec": []}},
        {"options": SOUND | {"version": "\x00"}},
        {"options": SOUND | {"version": "\ud800"}},
        {"options": SOUND | {"idempotent": "no"}},
        {"options": SOUND | {"at_most_once": 1}},
        {"options": SOUND | {"rate": "fast"}},
        {"options": SOUND | {"concurrency": 0}},
        {"options": SOUND | {"gpu": "all"}},
        {"options": SOUND, "schema": {"item": {"title": "\ud800"}}},
    ],
)
def test_nonsense_is_dropped_with_a_line_in_the_log_and_costs_the_others_nothing(told):
    with structlog.testing.capture_logs() as logs:
        assert learn(far(), **{"far.bad": told}) == 1

    assert find_remote("far.bad") is None
    [line] = [line for line in logs if line["event"] == "tasks.refused"]
    assert line["refused"] == 1
    assert "far.bad" in line["first"][0]


@pytest.mark.parametrize("name", ["nodots", "a b.c", "x." + "y" * 200, "\ud800.a", "a.\x00", ""])
def test_a_name_that_is_none_is_dropped(name):
    assert learn(**{name: {"options": SOUND}}) == 0


def test_what_is_shown_of_it_is_cut_and_cleaned():
    sound = {
        "options": SOUND | {"run": "x", "newer": 1},
        "summary": "a\x1b[31m\x00\ud800" + "b" * 900,
    }
    learn(**{FAR: {**sound, "schema": {"item": {"type": "x" * 9000}, "more": 1}}})

    row = RemoteTask.objects.get()

    assert row.summary == ("a[31m" + "b" * 900)[:200]
    assert (row.schema, row.options) == ({}, SOUND)


def test_a_node_fills_neither_the_table_nor_the_log(monkeypatch):
    monkeypatch.setattr(remote_tasks, "MAX_IN_LIST", 3)
    monkeypatch.setattr(remote_tasks, "MAX_TASKS", 4)

    with structlog.testing.capture_logs() as logs:
        assert learn(**{f"a.t{n}": {"options": SOUND} for n in range(50)}) == 3
        assert learn(**{f"b.t{n}": {"options": SOUND} for n in range(2)}) == 1
        assert learn(**{"a.t0": {"options": SOUND}}) == 1

    assert RemoteTask.objects.count() == 4
    lines = [line for line in logs if line["event"] == "tasks.refused"]
    assert [line["refused"] for line in lines] == [47, 1]


def test_python_objects_take_the_scope_and_nobody_talks_that_away(api, redis):
    learn(far(codec="pickle"))
    learn(far(codec="json"))

    for wish in ({"task": FAR}, {"task": "demo.echo", "reduce": FAR}):
        answer = client_with("submit", "read").post("/api/v1/jobs/", wish, format="json")
        assert answer.status_code == 403

    job = hive.submit(FAR, [{1, 2}])
    assert Job.objects.get(pk=job.pk).codec == "pickle"


def test_its_limits_count_until_an_operator_says_otherwise():
    learn(far(concurrency=3))
    assert effective_limits()[FAR].concurrency == 3

    set_limits(task=FAR, concurrency=1)

    assert effective_limits()[FAR].concurrency == 1
    assert TaskLimit.objects.get().task == FAR


def test_workflows_and_schedules_may_name_it(api, redis):
    learn(far())
    body = {"name": "nightly", "cron": "0 3 * * *", "job": {"task": FAR}}

    submit_workflow({"a": {"task": FAR}, "b": {"task": "demo.echo", "after": ["a"]}})

    assert api.post("/api/v1/schedules/", body, format="json").status_code == 201


def test_the_list_of_tasks_says_whose_code_each_is(api):
    learn(far(retries=2, rate="5/minute"))

    rows = {row["name"]: row for row in api.get("/api/v1/tasks/").json()["results"]}

    assert {row["where"] for name, row in rows.items() if name != FAR} == {"nexus"}
    row = rows[FAR]
    assert (row["where"], row["summary"], row["options"]["retries"]) == ("nodes", "Weighs.", 2)
    assert row["schema"]["kwargs"]["properties"] == {"unit": {"type": "string", "default": "g"}}
    assert row["limits"]["rate"] == "5/minute"
    assert list(rows) == sorted(rows)


def test_a_row_that_the_rules_of_today_refuse_is_no_task(api):
    RemoteTask.objects.create(name=FAR, options={"retries": -1}, digest="", seen_at=NOW)

    assert find_remote(FAR) is None
    assert FAR not in {row["name"] for row in api.get("/api/v1/tasks/").json()["results"]}


def test_an_operator_sees_them_and_may_forget_one(admin_client):
    learn(far())
    page = f"/admin/jobs/remotetask/{FAR}/"

    assert FAR in admin_client.get("/admin/jobs/remotetask/").text
    assert admin_client.get(f"{page}change/").status_code == 200
    admin_client.post(f"{page}delete/", {"post": "yes"})

    assert not RemoteTask.objects.exists()
