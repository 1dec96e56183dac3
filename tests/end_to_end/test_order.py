"""What goes first, what shares, what waits, and what comes by the clock."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from jobs.client import Hive, HiveError
from tests.end_to_end.colony import SLOTS, SPORES, until

pytestmark = pytest.mark.processes
SOON = 60.0
WHOLE = SPORES * SLOTS


def moment(text):
    return datetime.fromisoformat(text)


def spans(colony, *jobs):
    """From when to when each subtask of these jobs ran."""
    rows = [row for job in jobs for row in colony.subtasks(job)]
    return [(moment(row["started_at"]), moment(row["finished_at"])) for row in rows]


def most_at_once(found):
    return max(sum(begun <= at < ended for begun, ended in found) for at, _ in found)


@contextmanager
def limits(hive, task, **wish) -> Iterator[None]:
    path = f"tasks/{task}/limits/"
    hive.request("PATCH", path, wish)
    try:
        yield
    finally:
        hive.request("DELETE", path)


@contextmanager
def schedule(hive, **fields) -> Iterator[str]:
    """A schedule of every first of January, unless said otherwise; the path to it."""
    wish = {"cron": "0 0 1 1 *", "job": {"task": "demo.echo", "items": ["tick"]}, **fields}
    path = hive.request("POST", "schedules/", wish)["links"]["self"]
    try:
        yield path
    finally:
        hive.request("DELETE", path)


def test_no_more_run_at_once_than_the_limit_of_their_task(colony, hive):
    with limits(hive, "odd.span", concurrency=2):
        jobs = [hive.submit("odd.span", [0.1] * 6)["id"] for _ in range(2)]
        beside = hive.wait(hive.submit("demo.echo", list(range(50)))["id"], SOON)
        ended = [hive.wait(job, SOON) for job in jobs]

    assert [job["state"] for job in ended] == ["succeeded"] * 2
    assert most_at_once([row["result"] for job in jobs for row in colony.subtasks(job)]) == 2
    assert moment(beside["finished_at"]) < max(moment(job["finished_at"]) for job in ended)


def test_no_more_start_in_a_period_than_the_rate_of_their_task(colony, hive):
    with limits(hive, "demo.whoami", rate="6/second"):
        job = hive.submit("demo.whoami", list(range(20)))["id"]
        assert hive.wait(job, SOON)["state"] == "succeeded"

    starts = sorted(begun for begun, _ in spans(colony, job))
    assert starts[-1] - starts[0] >= timedelta(seconds=3)
    for at in starts:
        assert sum(at <= other < at + timedelta(seconds=0.95) for other in starts) <= 6


def test_limits_are_shown_with_the_tasks_and_what_makes_no_sense_is_refused_by_name(hive):
    with limits(hive, "demo.sleep", rate="5/minute"):
        rows = {row["name"]: row["limits"] for row in hive.request("GET", "tasks/")["results"]}
    assert rows["demo.sleep"]["rate"] == "5/minute"
    assert rows["demo.echo"] == {"rate": None, "concurrency": None, "set_by_operator": False}

    with pytest.raises(HiveError) as refused:
        hive.request("PATCH", "tasks/demo.sleep/limits/", {"concurrency": 0})

    assert refused.value.problem["errors"][0]["pointer"] == "/concurrency"


def test_a_job_that_its_limit_held_back_fails_at_its_deadline_and_says_why(colony, hive):
    with limits(hive, "demo.sleep", concurrency=1):
        running = hive.submit("demo.sleep", [60])["id"]
        colony.await_running(running)
        late = hive.wait(hive.submit("demo.sleep", [0], deadline=colony.moment(2))["id"], SOON)
        hive.cancel(running)
        hive.wait(running, SOON)

    assert (late["state"], late["error"]["type"]) == ("failed", "deadline")
    assert late["error"]["message"].endswith("limit of 1 at once for demo.sleep")


def test_one_job_of_a_key_does_not_wait_for_the_many_of_another(colony, hive):
    made = json.loads(colony.manage("hive", "key", "guest", "--json").stdout)
    guest = Hive(colony.stack.ready["nexus"], made["key"])
    crowd = [hive.submit("demo.sleep", [0.1] * WHOLE)["id"] for _ in range(40)]

    one = guest.wait(guest.submit("demo.sleep", [0.1] * WHOLE)["id"], SOON)

    before = [job for job in crowd if hive.job(job)["state"] == "succeeded"]
    for job in crowd:
        hive.wait(job, SOON)
    assert one["submitted_by"] == "key:guest"
    assert len(before) < len(crowd) / 2


def test_the_higher_priority_goes_first_and_the_preferred_queue_before_the_other(colony, hive):
    hive.request("POST", "queues/background/pause/")
    low = hive.submit("demo.sleep", [0.05] * 60, priority=1)["id"]
    high = hive.submit("demo.sleep", [0.05] * 30, priority=9)["id"]
    hive.request("POST", "queues/background/resume/")
    quick = hive.submit("demo.sleep", [0.05] * 12, queue="high_priority", priority=0)["id"]

    ended = {name: hive.wait(name, SOON)["finished_at"] for name in (low, high, quick)}

    assert moment(ended[high]) < moment(ended[low])
    assert moment(ended[quick]) < moment(ended[low])


def test_a_paused_job_starts_nothing_until_it_is_resumed(hive):
    job = hive.submit("demo.echo", [1], delay=1)["id"]
    hive.request("POST", f"jobs/{job}/pause/")
    hive.map("demo.sleep", [1.5])
    assert hive.job(job)["state"] == "paused"

    hive.request("POST", f"jobs/{job}/resume/")

    assert hive.wait(job, SOON)["state"] == "succeeded"


def test_a_schedule_submits_its_job_when_it_is_due_and_only_then(colony, hive):
    due = datetime.now(UTC) + timedelta(seconds=2)
    with schedule(hive, name="soon", next_run_at=due.isoformat()) as path:
        ran = lambda: hive.request("GET", path)["last_job"]  # noqa: E731
        job = hive.wait(until(ran, what="the schedule runs"), SOON)
        view = hive.request("GET", path)
        jobs = hive.request("GET", view["links"]["jobs"])["results"]

    assert (job["state"], job["result"]) == ("succeeded", "tick")
    assert timedelta() <= moment(job["created_at"]) - due < timedelta(seconds=3)
    assert [each["id"] for each in jobs] == [job["id"]]
    assert moment(view["next_run_at"]).strftime("%m-%d %H:%M") == "01-01 00:00"


def test_a_schedule_can_be_run_by_hand(hive):
    with schedule(hive, name="by-hand", enabled=False) as path:
        job = hive.request("POST", f"{path}run/")

    assert hive.wait(job["id"], SOON)["result"] == "tick"


def test_a_schedule_runs_once_though_its_foreman_is_killed(colony, hive):
    due = datetime.now(UTC) + timedelta(seconds=1)
    with schedule(hive, name="survivor", next_run_at=due.isoformat()) as path:
        colony.kill("foreman")
        until(lambda: datetime.now(UTC) > due, what="its time comes")
        colony.heal()
        ran = lambda: hive.request("GET", path)["last_job"]  # noqa: E731
        hive.wait(until(ran, what="the schedule runs"), SOON)
        jobs = hive.request("GET", hive.request("GET", path)["links"]["jobs"])["results"]

    assert [job["state"] for job in jobs] == ["succeeded"]


def test_a_schedule_that_makes_no_sense_is_refused_by_name(hive):
    wish = {"name": "bad", "cron": "0 0 * * *", "job": {"task": "demo.echo", "priority": 11}}

    with pytest.raises(HiveError) as refused:
        hive.request("POST", "schedules/", wish)

    assert refused.value.problem["status"] == 400
    assert refused.value.problem["errors"][0]["pointer"] == "/job/priority"
