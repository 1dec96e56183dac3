"""Where work goes, and what people are told of it."""

import os
import signal
import time

import pytest

from jobs.client import HiveError
from tests.end_to_end.colony import PATIENCE, SPORES, until
from tests.end_to_end.guests import guest, with_gpus

pytestmark = pytest.mark.processes

ALL = [f"spore-{n}" for n in range(1, SPORES + 1)]


def subtask(hive, job, index=0):
    return hive.request("GET", f"jobs/{job}/subtasks/{index}/")


def await_why(hive, job, text, index=0):
    """Wait until a subtask is said to wait for this; its job says the same."""

    def says():
        return text in (subtask(hive, job, index)["why"] or "")

    until(says, what=f"{text!r}; it says {subtask(hive, job, index)['why']!r}")
    assert text in hive.job(job)["waiting_for"]


def run(hive, task, items, **wish):
    """The rows of a job that succeeds."""
    job = hive.submit(task, items, **wish)["id"]
    assert hive.wait(job, PATIENCE)["state"] == "succeeded"
    return list(hive.results(job))


def test_nodes_that_are_to_be_avoided_are(hive):
    rows = run(hive, "demo.whoami", [None] * 12, requires={"avoid": ALL[:2]})

    assert {row["node"] for row in rows} == {ALL[2]}
    assert rows[0]["placed"] == "the only one that fits"


def test_each_subtask_says_why_it_ran_where_it_did(hive):
    job = hive.submit("demo.echo", [1])["id"]
    hive.wait(job, PATIENCE)

    told = subtask(hive, job)

    assert told["why"] == told["placed"]
    assert told["placed"].startswith(f"best of {SPORES} that fit: score ")


def test_a_release_that_nobody_runs_is_waited_for_and_one_that_all_run_is_not(hive, colony):
    release = colony.nodes()[ALL[0]]["release"]
    job = hive.submit("demo.echo", [1], requires={"release": ">=99.1"})["id"]

    await_why(hive, job, "no node has release >=99.1 (3 nodes: 3 run release")
    run(hive, "demo.echo", [1], requires={"release": release})
    run(hive, "demo.echo", [1], requires={"release": f">={release}"})
    hive.cancel(job)


def test_an_unsatisfiable_request_waits_with_its_reason_and_fails_at_its_deadline(hive, colony):
    wish = {"gpu": 4, "labels": {"site": "lab"}}

    job = hive.submit("demo.echo", [1], requires=wish, deadline=colony.moment(4))["id"]

    await_why(hive, job, "no node has the label site=lab and 4 GPUs (3 nodes: 3 lack the label")
    assert hive.wait(job, PATIENCE)["state"] == "failed"
    assert hive.job(job)["waiting_for"] is None


@pytest.mark.parametrize(
    ("requires", "pointer"),
    [
        ({"avoid": "spore-1"}, "/requires/avoid"),
        ({"release": "=>1"}, "/requires/release"),
        ({"gpus": 1}, "/requires/gpus"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_the_field(hive, requires, pointer):
    with pytest.raises(HiveError) as refusal:
        hive.submit("demo.echo", [1], requires=requires)

    assert refusal.value.status == 400
    assert refusal.value.problem["errors"][0]["pointer"] == pointer


def test_what_was_paused_or_delayed_says_so(hive):
    paused = hive.submit("demo.echo", [1], requires={"release": "none"})["id"]
    hive.request("POST", f"jobs/{paused}/pause/")
    delayed = hive.submit("demo.echo", [1], delay=3600)["id"]

    await_why(hive, paused, "the job is paused")
    await_why(hive, delayed, "delayed until 20")
    for job in (paused, delayed):
        hive.cancel(job)


def test_a_busy_hive_says_that_it_is_busy(hive, colony, marks):
    first = hive.submit("odd.hold_anew", [str(marks.place)] * 9, priority=9)["id"]
    marks.await_count(6)
    last = hive.submit("demo.echo", [1], priority=1)["id"]

    await_why(hive, last, "behind 3 subtasks of higher priority; ")
    await_why(hive, first, "3 have all their slots taken", index=8)

    marks.go()
    assert [hive.wait(job, PATIENCE)["state"] for job in (first, last)] == ["succeeded"] * 2


def test_a_task_is_not_sent_to_a_node_whose_code_lacks_it(hive, colony):
    with guest(colony, "stranger", slots=4, HIVE_TASK_MODULES=""):
        job = hive.submit("odd.result", [1], requires={"avoid": ALL})["id"]

        await_why(hive, job, "1 lacks the task odd.result")
        [row] = run(hive, "demo.echo", [1], requires={"avoid": ALL})
        assert row["node"] == "stranger"
        assert run(hive, "odd.result", [1])[0]["node"] in ALL
        hive.cancel(job)


def test_each_subtask_has_a_gpu_of_its_own_and_one_too_many_waits(hive, colony, marks):
    with guest(colony, "rig", slots=3, **with_gpus(colony, "8000", "24000")):
        job = hive.submit("odd.device", [str(marks.place)] * 3, retries=0)["id"]
        marks.await_count(2)

        await_why(hive, job, "1 has 0 of 1 GPU free", index=2)
        marks.go()

        assert hive.wait(job, PATIENCE)["state"] == "succeeded"
        rows = list(hive.results(job))
        assert {row["result"]["sees"] for row in rows[:2]} == {"0", "1"}
        assert all(row["result"]["gpus"] == [int(row["result"]["sees"])] for row in rows)
        assert {row["placed"].partition(";")[0] for row in rows} == {"gpu 0", "gpu 1"}


def test_two_spores_of_one_machine_never_lease_its_device_at_once(hive, colony, marks):
    card = with_gpus(colony, "8000")
    with guest(colony, "rig", slots=2, **card), guest(colony, "twin", slots=2, **card):
        job = hive.submit("odd.device", [str(marks.place)] * 2, retries=0)["id"]
        marks.await_count(1)

        await_why(hive, job, "2 have 0 of 1 GPU free", index=1)
        marks.go()

        assert hive.wait(job, PATIENCE)["state"] == "succeeded"


def test_more_memory_than_any_machine_has_is_not_waited_for_as_if_it_were_busy(hive):
    job = hive.submit("demo.echo", [1], requires={"memory_mb": 99_000_000})["id"]

    await_why(hive, job, "no node has 99000000 MiB (3 nodes: 3 have ")
    hive.cancel(job)


def test_the_gpu_of_a_slot_that_is_killed_is_leased_again(hive, colony, marks):
    with guest(colony, "rig", slots=2, **with_gpus(colony, "8000")):
        job = hive.submit("odd.device", [str(marks.place)] * 2, retries=0)["id"]
        [mark] = marks.await_count(1)

        os.kill(mark.pid, signal.SIGKILL)
        marks.await_count(2)
        marks.go()

        assert hive.wait(job, PATIENCE)["state"] == "succeeded"
        assert {row["result"]["sees"] for row in hive.results(job)} == {"0"}


def test_a_gpu_is_chosen_by_its_free_memory_and_other_work_stays_away(hive, colony):
    with guest(colony, "rig", slots=3, **with_gpus(colony, "24000/1000", "24000/20000")):
        [row] = run(hive, "demo.whoami", [None], requires={"gpu_memory_mb": 10_000})
        assert row["result"]["cuda_visible_devices"] == "1"

        rows = run(hive, "demo.sleep", [0.05] * 4)
        assert "rig" not in {row["node"] for row in rows}
        assert run(hive, "demo.whoami", [None])[0]["result"]["cuda_visible_devices"] == ""

        job = hive.submit("demo.whoami", [None], requires={"gpu_memory_mb": 22_000})["id"]
        await_why(hive, job, "1 has 0 of 1 GPU with 22000 MiB free")
        hive.cancel(job)


def test_a_slow_node_does_not_hold_up_the_end_of_a_job(hive, colony):
    begun = time.monotonic()

    job = hive.submit("odd.slow_on", ["spore-1"] * 30)["id"]

    assert hive.wait(job, PATIENCE)["state"] == "succeeded"
    assert time.monotonic() - begun < 15
    rows = list(hive.results(job))
    doubled = [row for row in rows if row["attempts"] == 2]
    assert doubled
    assert all("second copy: the first ran " in row["placed"] for row in doubled)
    assert "spore-1" not in {row["result"] for row in rows}
    until(lambda: not colony.cluster()["active_subtasks"], what="the end of those that lost")
    outcomes = {attempt["outcome"] for attempt in colony.tries(job, doubled[0]["index"])}
    assert outcomes in ({"succeeded", "cancelled"}, {"succeeded", "lost"})
