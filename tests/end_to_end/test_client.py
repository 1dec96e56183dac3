"""The client against a Hive that runs: jobs as objects, as they end, in streams, in time."""

import contextlib
import os
import pty
import signal
import subprocess
import sys

import pytest

from hive_site.configuration import PROJECT
from jobs.client import JobFailed
from tests.end_to_end.colony import PATIENCE, clean_environment, until

pytestmark = pytest.mark.processes


def test_a_job_is_followed_from_its_own_object(hive):
    job = hive.submit("demo.echo", ["a", "b"])

    assert job.wait(30)["state"] == "succeeded"
    assert [row["result"] for row in job.results()] == ["a", "b"]
    assert job.outcome() == ["a", "b"]


def test_results_come_when_they_end_not_when_all_have(hive):
    slow = hive.submit("demo.sleep", [1, 0, 0.3])

    found = [(row["index"], row["state"]) for row in hive.as_completed(slow, timeout=30)]

    assert found == [(1, "succeeded"), (2, "succeeded"), (0, "succeeded")]


def test_results_of_a_large_job_come_once_each(hive):
    job = hive.submit("odd.coroutine", range(2_000))

    rows = list(hive.as_completed(job, timeout=60))

    assert sorted(row["index"] for row in rows) == list(range(2_000))
    assert all(row["result"] == row["index"] + 1 for row in rows)


def test_failed_and_cancelled_items_end_too(hive):
    job = hive.submit("odd.result", [1, "object", 3], on_error="fail_fast", retries=0)

    states = [row["state"] for row in hive.as_completed(job, timeout=30)]

    assert len(states) == 3
    assert "failed" in states


def test_following_a_job_that_takes_too_long_ends_in_time(hive, marks):
    job = hive.submit("odd.hold", [str(marks.place)])

    with pytest.raises(TimeoutError):
        list(hive.as_completed(job, timeout=0.5))
    marks.go()


def test_jobs_come_as_they_end(hive):
    slow, fast = hive.submit("demo.sleep", [0.8]), hive.submit("demo.sleep", [0])

    assert [job.id for job in hive.as_completed([slow, fast], 30)] == [fast.id, slow.id]


def test_jobs_are_gathered(hive):
    counts = hive.submit("text.word_count", ["bee", "bee"], reduce="text.merge_counts")

    assert hive.gather(hive.submit("demo.echo", [1, 2]), counts) == [[1, 2], {"bee": 2}]
    with pytest.raises(JobFailed, match="of no use"):
        hive.gather(hive.submit("odd.give_up"))


def test_a_stream_tells_of_every_end_and_can_be_entered_again(hive):
    job = hive.submit("demo.echo", list(range(20)))

    events = list(hive.stream(job, timeout=30))

    assert events[-1].kind == "end"
    assert events[-1].data["state"] == "succeeded"
    ends = [event for event in events if event.kind == "result"]
    assert sorted(event.data["index"] for event in ends) == list(range(20))
    named = [event for event in ends if event.id]
    if named:
        rest = list(hive.stream(job, after=named[9].id, timeout=30))
        rest = [event.data["index"] for event in rest if event.kind == "result"]
        assert rest == [event.data["index"] for event in ends[ends.index(named[9]) + 1 :]]


def test_a_client_outlives_a_nexus_that_is_killed(colony, hive):
    job = hive.submit("demo.sleep", [0.5] * 12)
    hive.job(job)  # it has met the Nexus
    found = hive.as_completed(job, timeout=60)
    rows = [next(found)]

    colony.kill("nexus")
    until(lambda: colony.stack.mind(restart=True)[1] == ["nexus"], what="another Nexus")
    rows += found

    assert sorted(row["index"] for row in rows) == list(range(12))
    assert {row["attempts"] for row in rows} == {1}


MAP = """
import signal, sys
from jobs.client import Hive
# As from a terminal: whoever runs the tests in the background ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
print(Hive(*sys.argv[1:3]).map("odd.hold", [sys.argv[3]], progress=True))
"""


class Mapping:
    """A program with a terminal that maps, until somebody ends it."""

    def __init__(self, colony, marks):
        ready = colony.stack.ready
        self.terminal, theirs = pty.openpty()
        script = [sys.executable, "-c", MAP, ready["nexus"], ready["api_key"], str(marks.place)]
        self.process = subprocess.Popen(
            script,
            cwd=PROJECT,
            env=clean_environment(),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        os.set_blocking(self.terminal, False)
        self.said = ""

    def says(self, words):
        def heard():
            with contextlib.suppress(BlockingIOError, OSError):
                self.said += os.read(self.terminal, 65536).decode()
            return words in self.said

        return until(heard, what=f"{words!r} on the terminal, there is {self.said!r}")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)


@pytest.fixture
def mapping(colony, marks):
    mapping = Mapping(colony, marks)
    marks.await_count(1)
    mapping.says("0/1")
    yield mapping
    mapping.process.kill()
    mapping.process.wait()
    os.close(mapping.terminal)


def newest(hive):
    return hive.request("GET", "jobs/?task=odd.hold&limit=1")["results"][0]["id"]


def test_ctrl_c_may_leave_the_job_alone(hive, marks, mapping):
    mapping.interrupt()
    mapping.says("Let it run [D], or cancel it [c]?")

    mapping.type("d\n")

    mapping.says("goes on")
    assert mapping.process.wait(PATIENCE) != 0
    marks.go()
    assert hive.wait(newest(hive), 30)["state"] == "succeeded"


def test_ctrl_c_may_cancel_the_job(hive, mapping):
    mapping.interrupt()
    mapping.says("cancel it [c]?")

    mapping.type("c\n")

    mapping.says("is cancelled")
    assert mapping.process.wait(PATIENCE) != 0
    assert hive.wait(newest(hive), 30)["state"] == "cancelled"
