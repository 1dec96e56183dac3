"""What is known is not computed again, and what is being computed is waited for."""

import time

import pytest

pytestmark = pytest.mark.processes
TASK = "known.count"


@pytest.fixture
def place(tmp_path):
    return tmp_path


def runs(place):
    """How many times the task began."""
    return len(list(place.iterdir()))


def test_a_second_job_with_the_same_input_costs_no_dispatch(colony, hive, place):
    items = [[str(place), f"n{n}"] for n in range(50)]
    first = hive.map(TASK, items, timeout=60)
    assert runs(place) == 50

    job = hive.wait(hive.submit(TASK, items)["id"], 30)

    rows = list(hive.results(job["id"]))
    assert [row["result"] for row in rows] == first
    assert {(row["attempts"], row["node"], row["state"]) for row in rows} == {
        (0, None, "succeeded")
    }
    assert runs(place) == 50
    assert job["progress"]["succeeded"] == 50


def test_a_job_of_one_known_item_and_a_reduction_of_known_ones_have_their_results(hive, place):
    item = [str(place), "one"]
    hive.map(TASK, [item], timeout=30)

    single = hive.wait(hive.submit(TASK, [item])["id"], 30)
    reduced = hive.wait(hive.submit(TASK, [item, item], reduce="demo.echo")["id"], 30)

    assert (single["result"], reduced["result"]) == ("oneone", ["oneone"] * 2)
    assert runs(place) == 1


def test_equal_items_run_once_even_while_the_first_still_runs(hive, place):
    item = [str(place), "same"]
    jobs = [
        hive.submit(TASK, [item] * 30, kwargs={"seconds": 1})["id"],
        hive.submit(TASK, [item], kwargs={"seconds": 1})["id"],
    ]

    for job in jobs:
        done = hive.wait(job, 30)
        assert done["state"] == "succeeded"
        assert {row["result"] for row in hive.results(job)} == {"samesame"}
    assert runs(place) == 1


def test_what_differs_in_any_way_runs(hive, place):
    item = [str(place), "a"]
    hive.map(TASK, [item], timeout=30)

    hive.map(TASK, [item], kwargs={"seconds": 0.01}, timeout=30)
    hive.map(TASK, [[str(place), "b"]], timeout=30)
    hive.map(TASK, [item], cache_for=0, timeout=30)

    assert runs(place) == 4


def test_a_result_that_is_older_than_a_job_wants_is_computed_anew(hive, place):
    item = [str(place), "old"]
    hive.map(TASK, [item], timeout=30)
    time.sleep(0.3)

    hive.map(TASK, [item], cache_for=0.2, timeout=30)

    assert runs(place) == 2


def test_if_the_first_of_equal_ones_fails_the_next_one_runs(hive, place):
    job = hive.wait(hive.submit("known.flaky", [str(place)] * 4)["id"], 30)

    states = [row["state"] for row in hive.results(job["id"])]
    assert (job["state"], states.count("failed"), states.count("succeeded")) == ("partial", 1, 3)
    assert runs(place) == 2


def test_large_results_are_known_too(hive):
    for _ in range(2):
        job = hive.wait(hive.submit("large.repeat", [200_000], cache_for=60)["id"], 30)
        assert len(job["result"]) == 200_000
    [row] = hive.results(job["id"])
    assert row["attempts"] == 0
