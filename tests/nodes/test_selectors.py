import json
import time

import pytest

from hive_site.kernel.errors import NotFound
from nodes import selectors, wire
from nodes.models import Lease, Node
from nodes.picture import FRESH_SECONDS

pytestmark = pytest.mark.django_db


def draw(redis, *, age: float = 0.0, **parts) -> None:
    picture = {
        "at": time.time() - age,
        "foreman": {"holder": "here", "epoch": 3},
        "nodes": [],
        "queues": {"background": {"depth": 7}},
        **{"nodes_online": 4, "nodes_total": 5, "avg_cpu": 0.5, "avg_memory": 0.2},
        **{"active_subtasks": 4, "slots": 8, "throughput": {"succeeded_per_second": 9.0}},
        **parts,
    }
    redis.set(wire.SNAPSHOT, json.dumps(picture))


def test_what_the_foreman_drew_wins_over_the_database_while_it_is_fresh(redis):
    Node.objects.create(name="a", intent="drain", cpu=0.1, own_labels={"x": "1"})
    Node.objects.create(name="b", cpu=0.2)
    drawn = [{"name": "a", "cpu": 0.9, "work": [{"job": "job_1"}]}, {"name": "deleted"}]
    draw(redis, nodes=drawn)
    fresh = selectors.node_views()
    draw(redis, nodes=drawn, age=60)
    stale = selectors.node_views()

    assert [(view["name"], view["cpu"]) for view in fresh] == [("a", 0.9), ("b", 0.2)]
    assert (fresh[0]["work"], fresh[0]["intent"]) == ([{"job": "job_1"}], "drain")
    assert [(view["name"], view["cpu"]) for view in stale] == [("a", 0.1), ("b", 0.2)]
    assert stale[0]["labels"] == {"x": "1"}


def test_one_node_is_found_by_its_name(redis):
    Node.objects.create(name="a")

    assert selectors.node_view("a")["name"] == "a"
    with pytest.raises(NotFound, match="no node is named 'b'"):
        selectors.node_view("b")


def test_the_figures_of_a_fresh_picture_are_the_foremans(redis):
    Lease.objects.create(pk=1, holder="old", epoch=2)
    draw(redis, age=1.0)

    view = selectors.cluster_view()

    assert (view["nodes_online"], view["nodes_total"], view["active_subtasks"]) == (4, 5, 4)
    foreman = view["foreman"]
    assert (foreman["state"], foreman["holder"], foreman["epoch"]) == ("leading", "here", 3)
    assert 1.0 <= foreman["age"] < FRESH_SECONDS


def test_while_the_foreman_is_away_the_database_remembers(redis):
    Lease.objects.create(pk=1, holder="old", epoch=2)
    Node.objects.create(name="a", state="online", cpu=0.4, memory=0.2, slots=2)
    Node.objects.create(name="b", state="draining", cpu=0.2, memory=0.4, slots=3)
    Node.objects.create(name="c", state="lost", cpu=1.0, slots=9)
    draw(redis, age=60)

    view = selectors.cluster_view()

    assert (view["nodes_online"], view["nodes_total"], view["slots"]) == (2, 3, 5)
    assert (view["avg_cpu"], view["avg_memory"]) == (pytest.approx(0.3), pytest.approx(0.3))
    assert view["foreman"] == {"state": "away", "holder": "old", "epoch": 2}
    assert view["queues"] == {"background": {"depth": 7}}
    assert view["active_subtasks"] == 0
    assert set(view["throughput"].values()) == {0}
    assert [node["running"] for node in selectors.node_views()] == [0, 0, 0]


def test_an_empty_cluster_has_figures_too(redis):
    view = selectors.cluster_view()

    assert (view["nodes_total"], view["slots"], view["avg_cpu"]) == (0, 0, 0.0)
    assert view["foreman"] == {"state": "away", "holder": "", "epoch": 0}
