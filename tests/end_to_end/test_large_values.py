"""What is large goes by reference, and nobody who submits or reads can tell."""

import hashlib
import json
import signal

import pytest
import redis

from jobs.client import Hive, HiveError, pack, unpack
from tests.end_to_end.colony import until

pytestmark = pytest.mark.processes
LONG = 200_000


def stored(colony):
    """The large values on the disk of the Nexus."""
    return {path.name for path in (colony.stack.data / "blobs").glob("??/*")}


def test_a_large_item_goes_in_and_a_large_result_comes_out(colony, hive):
    item = ["é" * LONG, {"n": 1}]

    job = hive.wait(hive.submit("demo.echo", [item])["id"], 30)

    assert (job["state"], job["result"]) == ("succeeded", item)
    text = f'["{item[0]}",{{"n":1}}]'
    assert hashlib.sha256(text.encode()).hexdigest() in stored(colony)
    [row] = hive.results(job["id"])
    assert row["result"] == item
    assert hive.request("GET", f"jobs/{job['id']}/subtasks/0/")["item"] == item


def test_large_keywords_reach_every_item(hive):
    got = hive.map("large.measure", ["a"] * 20, kwargs={"also": "b" * LONG}, timeout=60)

    assert got == [[1, LONG]] * 20


def test_a_reduction_gets_large_results_and_small_ones_in_order(hive):
    sizes = [LONG, 1, 2, LONG + 1, 3]

    job = hive.submit("large.repeat", sizes, reduce="large.measure")

    assert hive.wait(job["id"], 60)["result"] == sizes


def test_nothing_large_is_ever_in_redis(colony, hive):
    client = redis.Redis.from_url(colony.stack.ready["redis_url"])
    before = client.info("stats")["total_net_input_bytes"]

    hive.map("demo.echo", ["y" * 4_000_000], timeout=30)

    assert client.info("stats")["total_net_input_bytes"] - before < 2_000_000


def test_a_result_may_have_megabytes_and_not_more_than_32(hive):
    job = hive.wait(hive.submit("large.repeat", [20_000_000, 40_000_000])["id"], 90)

    rows = list(hive.results(job["id"]))
    assert [len(rows[0]["result"]), rows[0]["error"]] == [20_000_000, None]
    assert rows[1]["error"]["type"] == "result_too_large"


def test_a_page_of_large_results_is_shorter_and_the_lines_hold_all(colony, hive):
    job = hive.wait(hive.submit("large.repeat", [9_000_000] * 4)["id"], 90)

    first = hive.request("GET", f"jobs/{job['id']}/results/")

    assert (len(first["results"]), bool(first["next"])) == (1, True)
    assert [len(row["result"]) for row in hive.results(job["id"])] == [9_000_000] * 4


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_nexus_that_is_away_when_a_result_is_ready_costs_nothing(colony, hive, marks, how):
    job = hive.submit("large.hold", [str(marks.place)])["id"]
    marks.await_count(1)

    colony.signal("nexus", how)
    marks.go()

    if how == signal.SIGSTOP:
        until(lambda: said(colony, "result.sent_as_text"), what="a result in its report")
        colony.signal("nexus", signal.SIGCONT)
    else:
        colony.await_death("nexus")
        until(marks.done, what="the end of the task")
        until(colony.answers, what="a Nexus again")
    job = hive.wait(job, 60)
    assert (job["state"], len(job["result"])) == ("succeeded", 300_000)
    assert colony.tries(job["id"]) == []


def said(colony, event):
    return any(event in log.read_text() for log in colony.stack.logs.glob("spore-*.log"))


def test_the_values_themselves_can_be_read_with_a_key_and_not_without(colony, hive):
    item = "z" * LONG
    hive.map("demo.echo", [item], timeout=30)
    name = hashlib.sha256(f'"{item}"'.encode()).hexdigest()

    assert hive.request("GET", f"blobs/{name}/") == item
    with pytest.raises(HiveError, match="401"):
        Hive(colony.stack.ready["nexus"], "nobody").request("GET", f"blobs/{name}/")


def test_objects_of_python_go_out_and_come_back(hive):
    [packed] = hive.map("odd.pickled", [pack((1, 2))], kwargs={"more": pack({3})}, timeout=30)

    assert unpack(packed) == {(1, 2), 3}


def test_partial_results_of_such_tasks_are_objects_too(hive):
    job = hive.submit("odd.pickled_stream", [pack({1, 2})])

    partials = [event.data["value"] for event in job.stream(timeout=30) if event.kind == "partial"]

    assert [unpack(value) for value in partials] == [{1}, {2}]
    assert unpack(hive.job(job)["result"]) == {1, 2}


def test_a_key_without_the_scope_hands_in_no_objects(colony):
    made = colony.manage("hive", "key", "plain", "--scopes", "submit,read", "--json")
    plain = Hive(colony.stack.ready["nexus"], json.loads(made.stdout)["key"])

    with pytest.raises(HiveError, match=r"403: .*/task: .*'pickle'"):
        plain.submit("odd.pickled", [pack(1)])


def test_pruned_results_are_gone_and_the_job_is_not(colony, hive):
    job = hive.wait(hive.submit("large.repeat", [LONG, 1])["id"], 30)["id"]

    pruned = json.loads(colony.manage("hive", "prune", "--older-than", "0", "--json").stdout)

    assert pruned["pruned"]["results"] >= 1
    assert (hive.job(job)["state"], hive.job(job)["expired"]) == ("succeeded", True)
    with pytest.raises(HiveError, match=r"410: .*HIVE_RESULT_TTL"):
        list(hive.results(job))
