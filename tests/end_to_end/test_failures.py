"""Work that goes wrong: each subtask ends as the contract says, and nothing else is harmed."""

from datetime import datetime

import pytest

pytestmark = pytest.mark.processes

#: All at once, because each takes seconds: task, items, options.
TROUBLE = {
    "fail": ("demo.fail", ["first", "second"], {"retries": 1}),
    "mixed": ("odd.result", [1, "object", 3], {}),
    "flaky": ("demo.flaky", [2], {}),
    "hopeless": ("demo.flaky", [9], {"retries": 2}),
    "segv": ("demo.crash", ["segv"], {}),
    "kill": ("demo.crash", ["kill"], {}),
    "exit": ("demo.crash", ["exit"], {}),
    "spin": ("demo.spin", [60], {"timeout": 1, "retries": 0}),
    "sleep": ("demo.sleep", [60], {"timeout": 1, "retries": 0}),
    "again": ("odd.again", [None], {}),
    "give up": ("odd.give_up", [None], {}),
    "once": ("odd.once", [None], {}),
    "unfit": ("demo.echo", [1], {"kwargs": {"louder": True}, "retries": 0}),
    "fail late": ("odd.result", [1, 2, "object"], {"on_error": "fail_fast"}),
    "fail fast": ("demo.flaky", [9, *[0] * 500], {"retries": 0, "on_error": "fail_fast"}),
}
CRASHES = {"segv": "SIGSEGV", "kill": "SIGKILL", "exit": "exit code 0"}


def seconds_of(job):
    begun, ended = (datetime.fromisoformat(job[name]) for name in ("created_at", "finished_at"))
    return (ended - begun).total_seconds()


@pytest.fixture(scope="module")
def ended(colony):
    """What became of each job, by its name above; meanwhile another one went on."""
    hive, jobs = colony.hive, {}
    for name, (task, items, options) in TROUBLE.items():
        jobs[name] = hive.submit(task, items, **options)["id"]
    late = hive.submit("demo.sleep", [60], deadline=colony.moment(2))
    jobs["deadline"] = late["id"]
    while_they_crash = hive.map("demo.echo", list(range(500)), timeout=60)
    assert while_they_crash == list(range(500))
    return {name: hive.wait(job, 60) for name, job in jobs.items()}


def test_a_task_that_raises_fails_with_its_words_after_its_tries(colony, ended):
    rows = colony.subtasks(ended["fail"]["id"])

    assert ended["fail"]["state"] == "failed"
    assert [(row["state"], row["attempts"]) for row in rows] == [("failed", 2)] * 2
    assert [row["error"]["message"] for row in rows] == ["first", "second"]
    assert {row["error"]["type"] for row in rows} == {"ValueError"}
    assert all("raise ValueError(item)" in row["error"]["traceback"] for row in rows)
    tries = colony.tries(ended["fail"]["id"])
    assert [(a["number"], a["outcome"]) for a in tries] == [(1, "failed"), (2, "failed")]


def test_one_that_fails_does_not_stop_the_others(colony, ended):
    states = [row["state"] for row in colony.subtasks(ended["mixed"]["id"])]

    assert (ended["mixed"]["state"], states) == ("partial", ["succeeded", "failed", "succeeded"])


def test_a_flaky_task_succeeds_at_the_attempt_that_it_says(ended):
    assert (ended["flaky"]["state"], ended["flaky"]["result"]) == ("succeeded", 3)


def test_a_flaky_task_fails_when_its_tries_are_used_up(colony, ended):
    [row] = colony.subtasks(ended["hopeless"]["id"])

    assert (row["state"], row["attempts"]) == ("failed", 3)


@pytest.mark.parametrize("way", CRASHES)
def test_what_kills_its_process_is_put_away_with_the_reason(colony, ended, way):
    [row] = colony.subtasks(ended[way]["id"])

    assert row["state"] == "quarantined"
    assert row["error"]["type"] == "crashed"
    assert CRASHES[way] in row["error"]["message"]
    assert "crashed its process 3 times on" in row["error"]["message"]
    assert len({a["node"] for a in colony.tries(ended[way]["id"])}) > 1


def test_no_node_is_lost_to_tasks_that_kill_their_process(colony, ended):
    assert [node["state"] for node in colony.nodes().values()] == ["online"] * 3


def test_what_is_deaf_to_everything_is_killed_six_seconds_after_its_time(colony, ended):
    [row] = colony.subtasks(ended["spin"]["id"])

    assert (row["state"], row["error"]["type"]) == ("failed", "timeout")
    assert seconds_of(ended["spin"]) < 1 + 6


def test_what_listens_is_stopped_when_its_time_is_over(colony, ended):
    [row] = colony.subtasks(ended["sleep"]["id"])

    assert (row["state"], row["error"]["type"]) == ("failed", "timeout")
    assert "time.sleep" in row["error"]["traceback"]
    assert seconds_of(ended["sleep"]) < 1 + 5  # nobody had to kill it


def test_a_job_is_stopped_at_its_deadline(ended):
    assert ended["deadline"]["state"] == "failed"
    assert ended["deadline"]["error"]["type"] == "deadline"


def test_a_task_may_say_when_it_wants_another_try(ended):
    assert (ended["again"]["state"], ended["again"]["result"]) == ("succeeded", 2)


def test_a_task_may_say_that_it_wants_none(colony, ended):
    [row] = colony.subtasks(ended["give up"]["id"])

    assert (row["state"], row["attempts"]) == ("failed", 1)
    assert row["error"]["message"] == "it is of no use"


def test_what_may_start_once_is_tried_once(colony, ended):
    [row] = colony.subtasks(ended["once"]["id"])

    assert (row["state"], row["attempts"]) == ("failed", 1)


def test_a_keyword_that_the_task_does_not_take_is_named(colony, ended):
    [row] = colony.subtasks(ended["unfit"]["id"])

    assert row["error"]["type"] == "TypeError"
    assert "louder" in row["error"]["message"]


def test_a_job_may_stop_at_its_first_failure(ended):
    progress = ended["fail fast"]["progress"]

    assert ended["fail fast"]["state"] == "failed"
    assert progress["failed"] == 1
    assert progress["total"] == progress["succeeded"] + 1 + progress["cancelled"]


def test_a_job_may_stop_at_a_failure_that_comes_last(ended):
    assert ended["fail late"]["state"] == "failed"
    assert ended["fail late"]["error"]["type"] == "result_invalid"


def test_a_failed_job_is_retried_by_hand(colony, hive, ended):
    job = ended["fail"]["id"]

    hive.request("POST", f"jobs/{job}/retry/")

    again = hive.wait(job, 30)
    assert (again["state"], again["progress"]["failed"]) == ("failed", 2)
    assert [a["number"] for a in colony.tries(job)] == [1, 2, 3, 4]
