"""An executor in a rough world: no more threads, a fork."""

import subprocess
import sys
import threading

import pytest

from hive_site.configuration import PROJECT
from jobs import client as module
from jobs.client import Event, Hive, HiveExecutor, HiveFuture
from tests.jobs.nexus import DONE, RUNNING, answering

SOON = 20


@pytest.fixture
def nexus():
    with answering() as server:
        yield server


@pytest.fixture
def executor(nexus):
    return Hive(nexus.url, "hive_secret").executor("demo.echo")


@pytest.fixture
def refuse_thread(monkeypatch):
    """Makes the executor's next thread but so many one too many."""
    start, left = threading.Thread.start, []

    def start_some(thread):
        if thread.name.startswith("hive-") and left:
            left[0] -= 1
            if left[0] < 0:
                left.clear()
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    return left.append


def works(nexus, executor):
    """Whether it still does what it is there for."""
    nexus.will(RUNNING, 202)
    nexus.will({**DONE, "result": 7})
    found = executor.submit(1).result(SOON)
    executor.shutdown()
    return found == 7


def test_without_a_thread_nothing_is_submitted(nexus, executor, refuse_thread):
    refuse_thread(0)

    with pytest.raises(RuntimeError, match="can't start new thread"):
        executor.submit(1)

    assert works(nexus, executor)


def test_a_job_that_nobody_can_follow_fails_and_is_cancelled(nexus, executor, refuse_thread):
    refuse_thread(1)
    nexus.will(RUNNING, 202)
    nexus.will(RUNNING, 202)

    failure = executor.submit(1).exception(SOON)
    executor.shutdown()

    assert str(failure) == "can't start new thread"
    assert nexus.asked[-1] == ("POST", "/api/v1/jobs/job_1/cancel/")


def test_after_such_a_failure_it_works_on(nexus, executor, refuse_thread):
    refuse_thread(1)
    nexus.will(RUNNING, 202)
    nexus.will(RUNNING, 202)
    assert isinstance(executor.submit(1).exception(SOON), RuntimeError)

    until_idle(executor)

    assert works(nexus, executor)


def until_idle(executor):
    with executor._changed:
        assert executor._changed.wait_for(lambda: not executor._threads, SOON)


def test_a_future_may_end_while_it_is_cancelled():
    class Slippery(HiveFuture):
        """Ends between any two looks at it."""

        @property
        def _give_up(self):
            return self.__dict__.pop("way", None)

        @_give_up.setter
        def _give_up(self, way):
            self.__dict__["way"] = way

    given_up = []
    future = Slippery(given_up.append)

    assert future.cancel()
    assert given_up == [future]


class Looked:
    """A Nexus with one job of two items, whose events come after the shutdown."""

    def __init__(self):
        self.closed, self.looked = threading.Event(), threading.Event()

    def _post_once(self, path, body):
        return {"id": "job_1"}

    def _results_as_completed(self, job_id, clock, note):
        self.closed.wait(SOON)
        note(Event("state", {"progress": {"running": 1}}))
        self.looked.wait(0.2)
        for index in range(2):
            yield {"index": index, "state": "succeeded", "result": index}

    def _rows(self, path, clock):
        self.looked.set()
        return []


def test_a_shutdown_asks_for_what_has_begun_no_more_often(monkeypatch):
    monkeypatch.setattr(module, "BEGUN_EVERY_SECONDS", 3600)
    hive = Looked()
    executor = HiveExecutor(hive, "demo.echo", window=0.1)
    futures = [executor.submit(index) for index in range(2)]

    executor.shutdown(wait=False)
    hive.closed.set()
    until_idle(executor)

    assert [future.result(0) for future in futures] == [0, 1]
    assert not hive.looked.is_set()


FORK = """
import os, signal, sys
from jobs.client import Hive

away = Hive("http://127.0.0.1:1", "k", known=True).executor("demo.echo")
pending = away.submit(1)
hive = Hive(sys.argv[1], "k")
here, pool = hive.executor("demo.echo"), hive._pool
child = os.fork()
if not child:
    signal.alarm(20)
    print(pending.exception(0), here.submit(2).result(20), hive._pool is pool, flush=True)
    away.shutdown()
    here.shutdown()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), pending.done(), flush=True)
os._exit(0)
"""


def test_a_fork_leaves_what_was_submitted_to_the_parent_and_works_on(nexus):
    nexus.will(RUNNING, 202)
    nexus.will({**DONE, "result": 7})

    script = [sys.executable, "-W", "ignore", "-c", FORK, nexus.url]
    ran = subprocess.run(script, cwd=PROJECT, capture_output=True, text=True, check=False)

    said = "it was submitted before the fork; its parent has the result 7 False"
    assert (ran.stdout.splitlines(), ran.stderr) == ([said, "0 False"], "")


CAUGHT = """
import os, signal, sys, threading
from jobs import client

caught = threading.Event()

def hold(*_):
    caught.set()
    threading.Event().wait()

if sys.argv[2] == "settle":
    client.HiveFuture.settle = hold
else:
    client._bundle = hold
future = client.Hive(sys.argv[1], "k").executor("demo.echo").submit(1)
caught.wait(20)
child = os.fork()
if not child:
    signal.alarm(20)
    print(future.exception(5), flush=True)
    os._exit(0)
os.waitpid(child, 0)
os._exit(0)
"""


@pytest.mark.parametrize("where", ["bundle", "settle"])
def test_a_fork_leaves_none_out_that_a_thread_has_in_its_hands(nexus, where):
    nexus.will(RUNNING, 202)
    nexus.will({**DONE, "result": 7})

    script = [sys.executable, "-W", "ignore", "-c", CAUGHT, nexus.url, where]
    ran = subprocess.run(script, cwd=PROJECT, capture_output=True, text=True, check=False)

    said = "it was submitted before the fork; its parent has the result\n"
    assert (ran.stdout, ran.stderr) == (said, "")


def test_what_had_ended_before_a_fork_keeps_its_result():
    future = HiveFuture(lambda future: None)
    future.settle({"state": "succeeded", "result": 7})
    future._condition.acquire()  # as a thread of the parent's may have

    future.orphan()

    assert future.result(0) == 7
