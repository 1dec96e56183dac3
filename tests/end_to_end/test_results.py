"""Results: in order, whole, reduced; and what is no result spoils no other."""

import pytest

from jobs.client import HiveError, JobFailed
from tests.end_to_end.tasks import ODD

pytestmark = pytest.mark.processes


def test_results_come_in_item_order_whoever_brought_them(hive):
    items = list(range(2_000))

    job = hive.submit("odd.coroutine", items)

    assert hive.wait(job["id"], 60)["state"] == "succeeded"
    rows = list(hive.results(job["id"]))
    assert [row["index"] for row in rows] == items
    assert [row["result"] for row in rows] == [item + 1 for item in items]
    assert {row["attempts"] for row in rows} == {1}
    assert len({row["node"] for row in rows}) > 1


def test_a_map_is_reduced_to_one_result(hive):
    texts = ["bee hive", "hive", "honey bee hive"]

    job = hive.submit("text.word_count", texts, reduce="text.merge_counts")

    job = hive.wait(job["id"], 30)
    assert list(job["result"].items()) == [("hive", 3), ("bee", 2), ("honey", 1)]
    assert (job["progress"]["total"], job["progress"]["succeeded"]) == (3, 3)


def test_a_reduction_gets_the_results_there_are(hive):
    job = hive.submit("text.word_count", ["bee", 5, "bee"], reduce="text.merge_counts", retries=0)

    job = hive.wait(job["id"], 30)

    assert (job["state"], job["result"]) == ("partial", {"bee": 2})


def test_a_reduction_that_may_run_only_once_is_not_tried_again(colony, hive):
    job = hive.wait(hive.submit("demo.echo", [1, 2], reduce="odd.once")["id"], 30)

    assert (job["state"], job["progress"]["succeeded"]) == ("failed", 2)
    assert "only once; at_most_once" in job["error"]["message"]


def test_a_job_without_items_runs_once_and_one_with_none_not_at_all(hive):
    one = hive.wait(hive.submit("demo.echo")["id"], 30)
    none = hive.submit("demo.echo", [])

    assert (one["progress"]["total"], one["result"]) == (1, None)
    assert (none["state"], none["progress"]["total"]) == ("succeeded", 0)


def test_generators_stream_and_only_what_they_return_is_their_result(hive):
    assert hive.map("odd.stream", [3], timeout=30) == ["done"]
    assert hive.map("odd.async_stream", [3], timeout=30) == [None]


def test_a_task_knows_its_place(colony, hive):
    job = hive.submit("odd.context", ["a", "b"], kwargs={"greeting": "hello"})

    hive.wait(job["id"], 30)

    for index, row in enumerate(colony.subtasks(job["id"])):
        told = row["result"]
        assert (told["job_id"], told["index"], told["total"]) == (job["id"], index, 2)
        assert (told["attempt"], told["node"], told["gpus"]) == (1, row["node"], [])
        assert told["said"] == "hello"


def test_what_a_task_remembers_every_node_knows(hive):
    seen = [hive.map("odd.remember", [n], timeout=30)[0] for n in range(6)]

    assert seen == [list(range(n)) for n in range(6)]


def test_what_is_no_result_fails_for_good_and_its_neighbours_are_stored(hive):
    # Until the pace of a task is known its items travel alone; these shall share a bundle.
    hive.map("odd.result", [0] * 300, timeout=60)
    items = [kind for odd in ODD for kind in (odd, *["fine"] * 40)]

    job = hive.wait(hive.submit("odd.result", items)["id"], 60)

    rows = list(hive.results(job["id"]))
    errors = {items[row["index"]]: row for row in rows if row["state"] != "succeeded"}
    assert (job["state"], errors.keys()) == ("partial", ODD.keys())
    assert all(row["attempts"] == 1 for row in errors.values())
    types = {kind: row["error"]["type"] for kind, row in errors.items()}
    assert types == dict.fromkeys(ODD, "result_invalid") | {"too large": "result_too_large"}
    assert job["progress"]["succeeded"] == len(items) - len(ODD)


def test_the_error_of_a_job_that_failed_is_told_by_the_client(hive):
    with pytest.raises(JobFailed, match="of no use"):
        hive.map("odd.give_up", [1], timeout=30)


def test_a_job_that_does_not_exist_is_told_by_the_client(hive):
    with pytest.raises(HiveError, match="404: no job has the id 'job_0'"):
        hive.job("job_0")
