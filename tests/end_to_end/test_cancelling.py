"""Cancelling in every state: each subtask is cancelled or succeeds, and nobody else suffers."""

import pytest

from jobs.client import HiveError
from tests.end_to_end.colony import SLOTS, SPORES, until

pytestmark = pytest.mark.processes

#: The promise is three seconds; the rest is for a machine with better things to do.
SOON = 10


@pytest.fixture
def held(hive):
    """A queue that gives nothing away until the test is over."""
    hive.request("POST", "queues/background/pause/")
    yield
    hive.request("POST", "queues/background/resume/")


def counts(job):
    return {name: n for name, n in job["progress"].items() if n and name != "total"}


def test_what_waits_in_a_queue_is_cancelled(hive, held):
    job = hive.submit("demo.echo", [1, 2, 3])
    assert (job["state"], counts(job)) == ("queued", {"waiting": 3})

    hive.cancel(job["id"])

    job = hive.wait(job["id"], SOON)
    assert (job["state"], counts(job)) == ("cancelled", {"cancelled": 3})


def test_what_waits_behind_running_work_is_cancelled_with_it(colony, hive):
    job = hive.submit("demo.sleep", [60] * (SPORES * SLOTS + 1))["id"]
    colony.await_running(job, SPORES * SLOTS)

    hive.cancel(job)

    job = hive.wait(job, SOON)
    assert (job["state"], counts(job)) == ("cancelled", {"cancelled": SPORES * SLOTS + 1})


def test_what_is_paused_is_cancelled(hive, held):
    job = hive.submit("demo.echo", [1])["id"]
    assert hive.request("POST", f"jobs/{job}/pause/")["state"] == "paused"

    hive.cancel(job)

    assert hive.wait(job, SOON)["state"] == "cancelled"


def test_what_starts_later_is_cancelled_before_it_starts(hive):
    job = hive.submit("demo.echo", [1], delay=3600)["id"]

    hive.cancel(job)

    assert hive.wait(job, SOON)["state"] == "cancelled"


def test_what_runs_is_interrupted_and_its_slot_lives_on(colony, hive):
    before = {slot.pid for spore in colony.nodes() for slot in colony.slots(spore)}
    job = hive.submit("demo.sleep", [60, 60])["id"]
    colony.await_running(job, 2)

    hive.cancel(job)

    assert hive.wait(job, SOON)["state"] == "cancelled"
    assert [row["state"] for row in colony.subtasks(job)] == ["cancelled"] * 2
    assert [row["error"]["type"] for row in colony.subtasks(job)] == ["cancelled"] * 2
    assert {slot.pid for spore in colony.nodes() for slot in colony.slots(spore)} == before


def test_what_is_deaf_is_killed_and_nothing_else_on_its_node(colony, hive):
    deaf = hive.submit("demo.spin", [60])["id"]
    [row] = colony.await_running(deaf)
    beside = hive.submit("demo.sleep", [1] * SPORES)["id"]

    answers = [hive.cancel(deaf), hive.cancel(deaf)]

    assert [answer["state"] for answer in answers] == ["cancelling"] * 2
    assert hive.wait(deaf, SOON)["state"] == "cancelled"
    job = hive.wait(beside, SOON)
    assert (job["state"], counts(job)) == ("succeeded", {"succeeded": SPORES})
    until(lambda: len(colony.slots(row["node"])) == SLOTS, what="a new slot")


def test_what_waits_for_its_next_try_gets_none(colony, hive):
    job = hive.submit("demo.fail", ["no luck"], retries=3)["id"]
    until(lambda: colony.subtasks(job)[0]["state"] == "retrying", what="the first failure")

    hive.cancel(job)

    [row] = colony.subtasks(hive.wait(job, SOON)["id"])
    assert (row["state"], row["attempts"]) == ("cancelled", 1)


def test_a_job_in_full_flight_ends_as_done_or_cancelled_and_never_both(colony, hive):
    job = hive.submit("demo.sleep", [0.005] * 5_000)["id"]
    until(lambda: hive.job(job)["progress"]["succeeded"] > 100, what="a job in full flight")

    hive.cancel(job)

    ended = hive.wait(job, SOON)
    rows = colony.subtasks(job)
    states = {row["state"] for row in rows}
    done = [row for row in rows if row["result"] is not None]
    assert (ended["state"], states) == ("cancelled", {"succeeded", "cancelled"})
    assert len(done) == ended["progress"]["succeeded"] == 5_000 - ended["progress"]["cancelled"]
    assert all(row["state"] == "succeeded" for row in done)


def test_a_reduction_that_runs_is_cancelled(colony, hive):
    job = hive.submit("demo.echo", [60], reduce="odd.long_reduction")["id"]
    until(lambda: hive.job(job)["progress"]["succeeded"] == 1, what="the end of the map")

    hive.cancel(job)

    job = hive.wait(job, SOON)
    assert (job["state"], job["result"]) == ("cancelled", None)


def test_what_has_ended_stays_as_it_ended(hive):
    job = hive.submit("demo.echo", [1])["id"]
    hive.wait(job, SOON)

    with pytest.raises(HiveError, match="409") as refused:
        hive.cancel(job)

    assert refused.value.problem["status"] == 409
    assert hive.job(job)["state"] == "succeeded"


def test_a_cancelled_job_can_be_run_after_all(hive, held):
    job = hive.submit("demo.echo", [7])["id"]
    hive.cancel(job)
    hive.wait(job, SOON)

    hive.request("POST", f"jobs/{job}/retry/")
    hive.request("POST", "queues/background/resume/")

    job = hive.wait(job, SOON)
    assert (job["state"], job["result"]) == ("succeeded", 7)
