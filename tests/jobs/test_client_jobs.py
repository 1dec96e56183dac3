"""Job objects, several jobs at once, progress, and Ctrl-C."""

import copy
import io
import json
import pickle

import pytest

from jobs import client
from jobs.client import Hive, Job, JobFailed
from tests.jobs.nexus import DONE, RUNNING, answering

OTHER = {**DONE, "id": "job_2"}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def nexus():
    with answering() as server:
        yield server


@pytest.fixture
def hive(nexus):
    return Hive(nexus.url, "hive_secret")


def rows(*values):
    return {"results": [{"result": value} for value in values], "next": None}


def test_a_job_is_a_dict_that_json_can_write(hive):
    job = Job(hive, RUNNING)

    assert job == RUNNING
    assert json.loads(json.dumps(job)) == RUNNING
    assert (job.id, job.ended, repr(job)) == ("job_1", False, "<Job job_1 running>")


def test_a_job_waits_refreshes_and_is_cancelled_in_place(nexus, hive):
    nexus.will(RUNNING, 202)
    nexus.will({**RUNNING, "state": "cancelling"}, 202)
    nexus.will(RUNNING)
    nexus.will(DONE)
    job = hive.submit("demo.echo", [1])

    assert job.cancel()["state"] == "cancelling"
    assert job.refresh()["state"] == "running"
    assert job.wait() is job
    assert job.ended


def test_items_may_be_any_iterable(nexus, hive):
    nexus.will(RUNNING, 202)

    hive.submit("demo.echo", range(3))

    assert nexus.bodies[0]["items"] == [0, 1, 2]


@pytest.mark.parametrize("name", [{"id": "job_1"}, "job_1"])
def test_jobs_are_named_by_themselves_or_by_their_id(nexus, hive, name):
    nexus.will(DONE)

    assert hive.wait(name)["state"] == "succeeded"


def test_the_outcome_of_a_reduction_is_one_value(nexus, hive):
    nexus.will({**DONE, "reduce": "text.merge_counts", "result": {"bee": 2}})

    assert Job(hive, RUNNING).outcome() == {"bee": 2}


def test_jobs_are_gathered_in_the_order_of_the_call(nexus, hive):
    nexus.will(DONE)
    nexus.will(DONE)
    nexus.will(rows("a", "b"))
    nexus.will(OTHER)
    nexus.will(OTHER)
    nexus.will(rows("c"))

    assert hive.gather("job_1", "job_2") == [["a", "b"], ["c"]]


def test_gathering_tells_of_the_first_that_failed(nexus, hive):
    nexus.will(DONE)
    nexus.will({**DONE, "state": "failed", "error": {"message": "no luck"}})

    with pytest.raises(JobFailed, match="no luck"):
        hive.gather("job_1")


def test_jobs_come_as_they_end(nexus, hive):
    late, early = ({"finished_at": f"2030-01-01T00:00:0{n}Z"} for n in (2, 1))
    nexus.will({**DONE, "id": "job_0", "state": "running"})
    nexus.will({**DONE, **late})
    nexus.will({**OTHER, **early})
    nexus.will({**DONE, "id": "job_0"})

    found = [job.id for job in hive.as_completed(["job_0", "job_1", "job_2"])]

    assert found == ["job_2", "job_1", "job_0"]


def test_jobs_that_take_too_long_are_counted(nexus, hive):
    nexus.will(DONE)
    nexus.will({**OTHER, "state": "running"})
    ended = hive.as_completed([Job(hive, DONE), "job_2"], timeout=0)

    assert next(ended).id == "job_1"
    with pytest.raises(TimeoutError, match="1 of 2 jobs have not ended after 0 s"):
        list(ended)


def test_a_graph_is_submitted_as_one(nexus, hive):
    jobs = {"a": {"task": "demo.echo"}, "b": {"task": "demo.echo", "after": ["a"]}}
    nexus.will({"jobs": {"a": RUNNING, "b": OTHER}}, 202)

    found = hive.workflow(jobs)

    assert (found["a"].id, found["b"].id) == ("job_1", "job_2")
    assert nexus.asked == [("POST", "/api/v1/workflows/")]
    assert nexus.bodies == [{"jobs": jobs}]
    assert nexus.headers[0]["Idempotency-Key"]


def progress(done, **also):
    counts = {"total": 4, "succeeded": done, "failed": 0, "cancelled": 0}
    return {**RUNNING, "task": "demo.echo", "progress": counts, **also}


def test_progress_is_a_line_on_a_terminal(nexus, hive, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    nexus.will(progress(0), 202)
    nexus.will(progress(1))
    nexus.will(progress(4, state="succeeded"))
    nexus.will(rows(1, 2, 3, 4))

    assert hive.map("demo.echo", [1, 2, 3, 4], progress=True) == [1, 2, 3, 4]

    assert "1/4" in screen.getvalue()
    assert "4/4" in screen.getvalue()
    assert screen.getvalue().endswith("\n")


def test_progress_is_nothing_anywhere_else(nexus, hive, capsys):
    nexus.will(progress(0), 202)
    nexus.will(progress(4, state="succeeded"))
    nexus.will(rows(1))

    hive.map("demo.echo", [1], progress=True)

    assert capsys.readouterr() == ("", "")


@pytest.fixture
def interrupted(hive, monkeypatch):
    """A map that somebody interrupts while it waits."""

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    def run():
        monkeypatch.setattr(Hive, "_wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            hive.map("demo.echo", [1])

    return run


def test_without_a_terminal_ctrl_c_cancels_the_job(nexus, interrupted, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("d\n"))
    nexus.will(RUNNING, 202)
    nexus.will(RUNNING, 202)

    interrupted()

    assert nexus.asked[-1] == ("POST", "/api/v1/jobs/job_1/cancel/")


@pytest.mark.parametrize(("said", "cancels"), [("d\n", 0), ("\n", 0), ("", 0), ("C\n", 1)])
def test_on_a_terminal_ctrl_c_asks(nexus, interrupted, monkeypatch, said, cancels):
    screen = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(said))
    monkeypatch.setattr("sys.stderr", screen)
    nexus.will(RUNNING, 202)
    nexus.will(RUNNING, 202)

    interrupted()

    assert "job_1 is not done. Let it run [D], or cancel it [c]?" in screen.getvalue()
    assert len(nexus.asked) == 1 + cancels


def test_ctrl_c_twice_cancels(nexus, interrupted, monkeypatch):
    class Impatient(Terminal):
        def readline(self, *args):
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Impatient())
    monkeypatch.setattr("sys.stderr", Terminal())
    nexus.will(RUNNING, 202)
    nexus.will(RUNNING, 202)

    interrupted()

    assert nexus.asked[-1] == ("POST", "/api/v1/jobs/job_1/cancel/")


def test_a_job_that_ended_meanwhile_is_nothing_to_complain_about(nexus, interrupted, capsys):
    nexus.will(RUNNING, 202)
    nexus.will({"detail": "it has ended"}, 409)

    interrupted()

    assert capsys.readouterr().err == ""


def failed_with(kind):
    error = {"type": kind, "message": "x", "traceback": "Traceback …"}
    return client.task_failure({"state": "failed", "error": error})


@pytest.mark.parametrize("kind", [ValueError, KeyError, OSError, UnicodeDecodeError, TimeoutError])
def test_a_failure_is_of_the_kind_that_the_task_raised(kind):
    failure = failed_with(kind.__name__)

    assert isinstance(failure, kind)
    assert isinstance(failure, client.TaskFailed)
    assert str(failure) == f"{kind.__name__}: x"


def twins(error):
    """What comes out of a pickle, and a copy."""
    return pickle.loads(pickle.dumps(error)), copy.copy(error)


def test_a_failure_of_a_task_travels_between_processes():
    failure = failed_with("ValueError")
    failure.add_note("and that")

    for twin in twins(failure):
        assert (type(twin), str(twin)) == (type(failure), "ValueError: x")
        assert isinstance(twin, ValueError)
        assert twin.result == failure.result
        assert twin.__notes__ == ["Traceback …", "and that"]


def test_a_failure_of_a_job_travels_between_processes(hive):
    failed = {**DONE, "state": "failed", "error": {"message": "no luck"}}

    for twin in twins(client.JobFailed(Job(hive, failed))):
        assert (type(twin), str(twin)) == (client.JobFailed, "job_1 failed: no luck")
        assert twin.job == failed


@pytest.mark.parametrize("problem", [{"detail": "no", "errors": []}, []])
def test_a_refusal_travels_between_processes(problem):
    refusal = client.HiveError(400, problem)

    for twin in twins(refusal):
        assert (type(twin), str(twin)) == (client.HiveError, str(refusal))
        assert (twin.status, twin.problem) == (400, refusal.problem)


def test_an_outage_travels_between_processes():
    for twin in twins(client.Unreachable("nobody")):
        assert (type(twin), str(twin)) == (client.Unreachable, "nobody")


@pytest.mark.parametrize(
    "kind", ["StopIteration", "SystemExit", "ExceptionGroup", "print", "timeout", "__name__", ""]
)
def test_what_would_do_harm_or_is_no_kind_is_only_a_failure(kind):
    assert type(failed_with(kind)) is client.TaskFailed
