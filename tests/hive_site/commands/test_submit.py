import io
import json

import pytest

from hive_site.commands import submit
from hive_site.kernel.errors import Invalid
from jobs import waiting
from jobs.blobs import whole
from jobs.models import Job, Subtask
from jobs.services import cancel_job

pytestmark = pytest.mark.django_db

PLAIN = {
    **{"task": "demo.echo", "items": None, "arg": [], "reduce": None, "queue": None},
    **{"priority": 5, "wait": 0, "json": False},
}


@pytest.fixture
def run(redis, capsys):
    """Runs `hive submit`; its exit code and what it printed."""

    def start(**options):
        code = submit.run({**PLAIN, **options})
        return code, capsys.readouterr()

    return start


@pytest.fixture
def foreman(monkeypatch):
    """Ends a job as soon as somebody waits for it."""

    def ends(state, **columns):
        def wait(jobs, *, timeout):
            rows = Subtask.objects.filter(job__in=jobs, role="map")
            rows.update(state=state, attempt=1, attempts=1, **columns)
            Job.objects.filter(pk__in=jobs).update(state=state, **columns)
            return True

        monkeypatch.setattr(waiting, "wait_for_jobs", wait)

    return ends


def test_a_job_is_stored_with_all_its_options(run, tmp_path):
    file = tmp_path / "items.json"
    file.write_text('["a", "b"]')

    code, _ = run(
        task="text.word_count",
        items=str(file),
        reduce="text.merge_counts",
        queue="high_priority",
        priority=9,
    )

    job = Job.objects.get()
    assert code == 0
    assert (job.task, job.reduce) == ("text.word_count", "text.merge_counts")
    assert (job.queue, job.priority, job.total) == ("high_priority", 9, 2)


def test_items_may_come_from_stdin(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("[1, 2, 3]"))

    run(items="-")

    assert Job.objects.get().total == 3


def test_keywords_are_json_or_else_text(run):
    run(arg=["n=3", "names=[1]", "text=plain words", "equals=a=b", "empty=", 'quoted="3"'])

    assert json.loads(Job.objects.get().kwargs) == {
        **{"n": 3, "names": [1], "text": "plain words", "equals": "a=b", "empty": ""},
        "quoted": "3",
    }


def test_who_does_not_wait_is_told_how_to_follow(run):
    code, said = run()

    job = Job.objects.get()
    first, follow = said.out.splitlines()
    assert (code, said.err) == (0, "")
    assert first == f"{job.pk}  queued  0 of 1 subtasks succeeded"
    assert f"GET /api/v1/jobs/{job.pk}/" in follow


def test_who_waits_sees_every_result(run, foreman):
    foreman("succeeded", result='{"a": "ü"}')

    code, said = run(wait=5)

    assert code == 0
    assert '"a": "ü"' in said.out


def test_programs_get_the_job_with_its_results_as_one_document(run, foreman):
    foreman("succeeded", result="7")

    code, said = run(wait=5, json=True)

    view = json.loads(said.out)
    assert (code, said.err) == (0, "")
    assert (view["state"], view["result"]) == ("succeeded", 7)
    assert [row["result"] for row in view["results"]] == [7]


@pytest.mark.parametrize("state", ["failed", "cancelled", "partial"])
def test_a_job_that_did_not_succeed_makes_the_command_fail(run, foreman, state):
    foreman(state, error='{"type": "ValueError", "message": "no luck", "traceback": ""}')

    code, said = run(wait=5)

    assert code == 1
    assert "ValueError: no luck" in said.err


def test_a_job_that_takes_too_long_makes_the_command_fail_and_goes_on(run, monkeypatch):
    monkeypatch.setattr(waiting, "wait_for_jobs", lambda jobs, *, timeout: False)

    code, said = run(wait=0.1)

    assert code == 1
    assert "queued" in said.out
    assert cancel_job(job_id=Job.objects.get().pk).state == "cancelling"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"task": "no.such"}, "task: no task is named 'no.such'"),
        ({"queue": "express"}, "queue: 'express' is no queue"),
        ({"priority": 11}, "priority: 11"),
        ({"reduce": "no.such"}, "reduce: no task"),
        ({"arg": ["louder"]}, "--arg 'louder': give name=value"),
        ({"arg": ["1=2"]}, "give name=value"),
        ({"arg": ["x=NaN"]}, "kwargs: is not JSON"),
        ({"items": "/no/such/file"}, "--items /no/such/file: No such file"),
        ({"items": "/"}, "--items /: Is a directory"),
    ],
)
def test_wrong_use_is_told_by_the_name_of_the_option_and_nothing_is_stored(run, wrong, said):
    with pytest.raises(Invalid) as caught:
        run(**wrong)

    assert said in str(caught.value)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 50_000, "not JSON"),
        (b'{"a": 1}', "items: give a list, not dict"),
    ],
)
def test_items_that_are_no_list_of_json_are_refused(run, tmp_path, text, said):
    file = tmp_path / "items.json"
    file.write_bytes(text)

    with pytest.raises(Invalid) as caught:
        run(items=str(file))

    assert said in str(caught.value)
    assert not Job.objects.exists()


def test_a_keyword_nested_without_end_is_taken_for_text_or_refused(run):
    with pytest.raises(Invalid, match="kwargs"):
        run(arg=["deep=" + "[" * 900 + "]" * 900])
    run(arg=["deep=" + "[" * 100_000])

    assert json.loads(whole(Job.objects.get().kwargs)) == {"deep": "[" * 100_000}
