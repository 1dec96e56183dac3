"""`hive workflow`, `hive cancel` and `hive retry`."""

import io
import json

import pytest

from hive_site.commands import cancel, retry, workflow
from hive_site.kernel.errors import Invalid
from jobs import hive, waiting
from jobs.models import Job

pytestmark = pytest.mark.usefixtures("db", "redis")

CHAIN = {
    "first": {"task": "demo.echo", "items": [1]},
    "last": {"task": "demo.echo", "items": [{"$result": "first"}], "after": ["first"]},
}
NO_FLAGS = {
    **dict.fromkeys(("state", "task", "queue", "workflow", "older_than")),
    **{"label": [], "dry_run": False, "json": True},
}


def submit(tmp_path, body, **options):
    file = tmp_path / "workflow.json"
    file.write_text(body if isinstance(body, str) else json.dumps(body))
    return workflow.run({"file": str(file), "wait": 0, "json": True, **options})


def sweep(command, capsys, **flags):
    assert command.run({**NO_FLAGS, **flags}) == 0
    return capsys.readouterr().out


def test_the_jobs_of_a_file_are_submitted(tmp_path, capsys):
    assert submit(tmp_path, {"jobs": CHAIN}) == 0

    view = json.loads(capsys.readouterr().out)
    assert {name: job["state"] for name, job in view["jobs"].items()} == {
        "first": "queued",
        "last": "blocked",
    }


def test_people_read_a_line_for_each_job(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"jobs": CHAIN})))

    workflow.run({"file": "-", "wait": 0, "json": False})

    lines = capsys.readouterr().out.splitlines()
    assert "running" in lines[0]
    assert ("first" in lines[1], "blocked" in lines[2], "workflows/wf_" in lines[3]) == (True,) * 3


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1), ("queued", 1)])
def test_whoever_waits_learns_whether_all_succeeded(tmp_path, monkeypatch, state, code):
    def wait(jobs, *, timeout):
        Job.objects.filter(pk__in=jobs).update(state=state)

    monkeypatch.setattr(waiting, "wait_for_jobs", wait)

    assert submit(tmp_path, {"jobs": CHAIN}, wait=5) == code


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "not JSON"),
        ([], 'give {"jobs"'),
        (CHAIN, 'give {"jobs"'),
        ({"jobs": {"a": {"task": "no.such"}}}, "jobs.a.task: no task"),
        ({"jobs": {"a": {"task": "demo.echo", "after": ["a"]}}}, "a → a"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path, body, said):
    with pytest.raises(Invalid, match=said):
        submit(tmp_path, body)

    assert not Job.objects.exists()


def test_flags_say_which_jobs_are_cancelled(capsys):
    mine = hive.submit("demo.echo", [1], labels={"who": "me"})
    hive.submit("demo.echo", [1])
    flags = {"label": ["who=me"], "state": "queued", "older_than": 0.0, "task": "demo.echo"}

    looked = sweep(cancel, capsys, **flags, dry_run=True)
    done = sweep(cancel, capsys, **flags)

    assert json.loads(looked) == {"matched": 1, "jobs": [mine.pk], "done": 0}
    assert json.loads(done) == {"matched": 1, "jobs": [mine.pk], "done": 1}
    assert [job.state for job in Job.objects.order_by("pk")] == ["cancelling", "queued"]


def test_flags_say_which_jobs_are_retried(capsys):
    job = hive.workflow({"a": CHAIN["first"]})["a"]
    Job.objects.update(state="failed", failed=1)

    said = sweep(retry, capsys, workflow=job.workflow, json=False)

    assert said == f"{job.pk}\n1 jobs match, 1 are running again\n"


@pytest.mark.parametrize(
    ("flags", "said"), [({}, "filter: name some"), ({"label": ["x"]}, "give name=text")]
)
def test_no_flags_are_not_all_jobs(flags, said):
    hive.submit("demo.echo")

    with pytest.raises(Invalid, match=said):
        cancel.run({**NO_FLAGS, **flags})

    assert Job.objects.get().state == "queued"
