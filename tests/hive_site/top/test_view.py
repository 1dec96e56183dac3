"""What deserves a look, and in which order."""

import pytest

from hive_site.top.view import Watcher, sort_nodes
from nodes.domain.liveness import ON_PURPOSE
from tests.hive_site.top.cast import AT, POOL, ROLLOUT, facts, job, node


def alerts(**also):
    return [alert.text for alert in Watcher().see(facts(**also)).alerts]


def test_a_cluster_that_is_well_has_no_alerts():
    assert alerts() == []


def test_without_a_foreman_that_comes_first():
    away = {"foreman": {"state": "away", "holder": "", "epoch": 3}}

    told = alerts(cluster=away, nodes=[node(state="lost")])

    assert told[0] == "no Foreman leads, so nothing is started: python manage.py foreman"
    assert told[1] == "gpu-1 is lost"


def test_many_ill_nodes_are_one_alert():
    nodes = [node(f"n{n}", state="suspect") for n in range(5)]

    assert alerts(nodes=nodes) == ["5 nodes are suspect: n0, n1, n2, …"]


@pytest.mark.parametrize("reason", ON_PURPOSE)
def test_a_node_that_went_on_purpose_is_not_ill(reason):
    assert alerts(nodes=[node(state="lost", reason=reason)]) == []


def test_failures_queues_and_rollouts_are_told():
    rates = {"succeeded_per_second": 1.0, "failed_per_second": 3.0}
    queues = {
        "a": {"depth": 4, "oldest_wait": None, "paused": True},
        "b": {"depth": 4, "oldest_wait": 1200.0, "paused": False},
    }

    told = alerts(cluster={"throughput": rates, "queues": queues}, rollouts=[ROLLOUT])

    assert told == [
        "75% of what ends has failed",
        "a is paused and holds 4",
        "b: the oldest has waited 20 min",
        "the rollout of 1.3.0 waits: wave: 1 of 2 failed",
    ]


def test_a_pool_that_cannot_change_says_why():
    pools = {"cpu": POOL, "gpu": {**POOL, "error": "no such group"}}

    assert alerts(cluster={"pools": pools}) == ["the pool gpu cannot change: no such group"]


def test_when_a_job_will_end_is_known_from_how_it_went():
    watcher = Watcher()
    watcher.see(facts(jobs=[job(succeeded=80, started_at=None)]))

    view = watcher.see(facts(at=AT + 10, jobs=[job(succeeded=130, started_at=None)]))

    assert view.jobs[0]["eta"] == (200 - 132) / 5


def test_the_past_is_taken_over_once_and_goes_on():
    watcher = Watcher()

    first = watcher.see(facts(history=[1.0, 2.0]))
    second = watcher.see(facts())

    assert (first.history, second.history) == ([1.0, 2.0], [1.0, 2.0, 12.5])


def test_jobs_that_run_come_first_then_those_of_priority():
    jobs = [job("c", state="queued", priority=9), job("b"), job("a", priority=7)]

    assert [j["id"] for j in Watcher().see(facts(jobs=jobs)).jobs] == ["a", "b", "c"]


def test_ill_nodes_come_first_then_busy_ones():
    nodes = [
        node("idle", running=0),
        node("busy", running=4),
        node("lost", state="lost"),
        node("hot", running=0, cpu=0.99),
    ]

    assert [n["name"] for n in sort_nodes(nodes, "load")] == ["lost", "busy", "hot", "idle"]
    assert [n["name"] for n in sort_nodes(nodes, "name")] == ["busy", "hot", "idle", "lost"]
    assert sort_nodes(nodes, "cpu")[0]["name"] == "hot"


def test_programs_are_told_the_same():
    told = Watcher().see(facts(rollouts=[ROLLOUT])).as_json()

    assert set(told) == {
        *("at", "cluster", "nodes", "jobs", "rollouts", "history", "alerts", "trouble"),
    }
    assert told["alerts"][0]["grave"] is False
