"""Jobs that wait for each other, on real machines."""

import json

import pytest

from jobs.client import HiveError
from tests.end_to_end.colony import until

pytestmark = pytest.mark.processes


def submit(hive, **jobs):
    made = hive.request("POST", "workflows/", {"jobs": jobs})
    return made["id"], {name: job["id"] for name, job in made["jobs"].items()}


def wait(hive, workflow):
    """The workflow once all of it has ended."""
    return until(
        lambda: (
            (w := hive.request("GET", f"workflows/{workflow}/?wait=20"))["state"] != "running" and w
        ),
        what=f"the end of {workflow}",
    )


def test_a_diamond_hands_its_results_down(hive):
    workflow, ids = submit(
        hive,
        split={"task": "demo.echo", "items": [["bee hive", "hive", "honey bee"]]},
        count={"task": "text.word_count", "items": {"$result": "split"}, "after": ["split"]},
        shout={"task": "demo.echo", "items": [{"said": {"$result": "split"}}], "after": ["split"]},
        merge={
            "task": "text.merge_counts",
            "items": [{"$results": "count"}],
            "after": ["count", "shout"],
        },
    )

    ended = wait(hive, workflow)

    assert ended["state"] == "succeeded"
    assert ended["jobs"]["count"]["progress"]["succeeded"] == 3
    assert ended["jobs"]["shout"]["result"] == {"said": ["bee hive", "hive", "honey bee"]}
    assert ended["jobs"]["merge"]["result"] == {"bee": 2, "hive": 2, "honey": 1}
    assert ended["jobs"]["merge"]["depends_on"] == [ids["count"], ids["shout"]]


def test_the_client_submits_a_workflow_and_follows_each_of_its_jobs(hive):
    jobs = hive.workflow(
        {
            "numbers": {"task": "demo.echo", "items": [[3, 4]]},
            "echoed": {
                "task": "demo.echo",
                "items": {"$result": "numbers"},
                "after": ["numbers"],
            },
        }
    )

    echoed = jobs["echoed"].wait(30)

    assert [result["result"] for result in hive.results(echoed)] == [3, 4]
    assert hive.job(jobs["numbers"])["state"] == "succeeded"


def test_the_client_is_told_which_job_of_a_workflow_is_wrong(hive):
    with pytest.raises(HiveError, match=r"400: .*/jobs/b/after"):
        hive.workflow(
            {
                "a": {"task": "demo.echo", "items": [1]},
                "b": {"task": "demo.echo", "items": [1], "after": ["nobody"]},
            }
        )


def test_a_parent_that_fails_takes_its_children_along_and_a_retry_brings_them_back(hive, marks):
    workflow, ids = submit(
        hive,
        flaky={"task": "demo.flaky", "items": [1], "retries": 0},
        child={"task": "demo.echo", "items": [{"$result": "flaky"}], "after": ["flaky"]},
        grandchild={"task": "demo.echo", "items": ["late"], "after": ["child"]},
        anyway={
            "task": "demo.echo",
            "items": ["anyway"],
            "after": [{"job": "flaky", "allow_failure": True}],
        },
    )

    ended = wait(hive, workflow)["jobs"]

    states = {name: job["state"] for name, job in ended.items()}
    assert states == dict.fromkeys(("flaky", "child", "grandchild"), "failed") | {
        "anyway": "succeeded"
    }
    assert ended["child"]["error"]["type"] == "parent_failed"
    assert f"flaky ({ids['flaky']}), which failed" in ended["child"]["error"]["message"]
    assert f"child ({ids['child']})" in ended["grandchild"]["error"]["message"]
    with pytest.raises(HiveError, match=f"409.*retry {ids['child']}"):
        hive.request("POST", f"jobs/{ids['grandchild']}/retry/")

    # Its second attempt succeeds.
    retried = hive.request("POST", "jobs/retry/", {"filter": {"workflow": workflow}})

    assert retried["done"] == retried["matched"] == 3
    again = wait(hive, workflow)
    assert again["state"] == "succeeded"
    assert again["jobs"]["child"]["result"] == 2


def test_a_workflow_goes_on_under_another_foreman(colony, hive, marks):
    workflow, _ = submit(
        hive,
        hold={"task": "odd.hold", "items": [str(marks.place)]},
        child={"task": "demo.echo", "items": [[{"$result": "hold"}]], "after": ["hold"]},
    )
    marks.await_count(1)

    colony.kill("foreman")
    marks.go()
    colony.heal()

    ended = wait(hive, workflow)["jobs"]
    assert ended["child"]["result"] == [ended["hold"]["result"]]


def test_a_cancelled_workflow_ends_whole(hive, marks):
    workflow, _ = submit(
        hive,
        hold={"task": "odd.hold", "items": [str(marks.place)]},
        child={"task": "demo.echo", "after": ["hold"]},
    )
    marks.await_count(1)

    hive.request("POST", f"workflows/{workflow}/cancel/")

    states = {job["state"] for job in wait(hive, workflow)["jobs"].values()}
    assert states == {"cancelled"}


def test_many_jobs_are_cancelled_by_what_they_have_in_common(hive, marks):
    labels = {"batch": str(marks.place)[-40:]}
    jobs = [
        hive.submit("odd.hold", [str(marks.place)], labels=labels, delay=600)["id"]
        for _ in range(3)
    ]

    looked = hive.request("POST", "jobs/cancel/", {"filter": {"labels": labels}, "dry_run": True})
    done = hive.request("POST", "jobs/cancel/", {"filter": {"labels": labels}})

    assert (looked, done["done"]) == ({"matched": 3, "jobs": jobs, "done": 0}, 3)
    assert {hive.wait(job, 30)["state"] for job in jobs} == {"cancelled"}


def test_cycles_and_strangers_are_refused(hive):
    for jobs, pointer in [
        ({name: {"task": "demo.echo", "after": ["a", "b"]} for name in "ab"}, "/jobs/a/after"),
        ({"a": {"task": "demo.echo", "after": ["z"]}}, "/jobs/a/after"),
        ({"a": {"task": "demo.echo", "items": [{"$result": "z"}]}}, "/jobs/a/items/0"),
    ]:
        with pytest.raises(HiveError) as refused:
            submit(hive, **jobs)
        assert refused.value.status == 400
        assert refused.value.problem["errors"][0]["pointer"] == pointer


def test_a_task_submits_jobs_once_however_often_it_is_tried(hive):
    job = hive.wait(hive.submit("odd.submit", ["honey"])["id"], 30)

    first, second = job["result"]
    assert hive.wait(second, 30)["result"] == {"was": "honey"}
    assert hive.job(first)["result"] == "honey"
    [by] = {hive.job(sub)["spawned_by"] for sub in (first, second)}
    assert by == f"{job['id']}[0]"
    newer = hive.request("GET", "jobs/?task=demo.echo&limit=1000")["results"]
    spawned = [row["id"] for row in newer if row["spawned_by"] == by]
    assert sorted(spawned) == sorted([first, second])


def test_what_a_task_may_not_submit_is_told_there_or_dropped(hive):
    [[field, dropped, fine]] = hive.map("odd.submit_nonsense", [1], timeout=30)

    assert field == "task"
    assert hive.wait(fine, 30)["result"] == "fine"
    with pytest.raises(HiveError, match="404"):
        hive.job(dropped)


def test_jobs_of_a_task_reach_a_foreman_that_was_away(colony, hive, marks):
    """It is killed as soon as it might have read of them: they are stored once, or once more."""
    job = hive.submit("odd.submit", list(range(40)))["id"]

    colony.kill("foreman")
    colony.heal()

    hive.wait(job, 60)
    pairs = [row["result"] for row in hive.results(job)]
    assert len({sub for pair in pairs for sub in pair}) == 80
    assert [hive.wait(second, 30)["result"] for _, second in pairs] == [
        {"was": n} for n in range(40)
    ]


CHAIN = {
    "first": {"task": "demo.echo", "items": [["a", "b"]]},
    "each": {"task": "odd.result", "items": {"$result": "first"}, "after": ["first"]},
}


def test_a_workflow_is_submitted_from_the_command_line_and_waited_for(colony):
    argv = ("hive", "workflow", "-", "--wait", "30", "--json")

    ran = colony.manage(*argv, stdin=json.dumps({"jobs": CHAIN}))

    view = json.loads(ran.stdout)
    assert (ran.returncode, view["state"]) == (0, "succeeded")
    assert view["jobs"]["each"]["progress"]["succeeded"] == 2


def test_a_job_may_wait_for_another_by_its_id_and_take_no_list_for_items(hive):
    parent = hive.submit("demo.echo", ["no list"])["id"]

    child = hive.submit("demo.echo", {"$result": parent}, depends_on=[parent])["id"]

    ended = hive.wait(child, 30)
    assert (ended["state"], ended["error"]["type"]) == ("failed", "input")
    assert ended["error"]["message"] == f"{parent} gave a text; items take a list"
