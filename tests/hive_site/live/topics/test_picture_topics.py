"""What the Foreman's picture shows: figures, nodes, one node. Without one, what is remembered."""

import pytest

from hive_site.kernel.errors import NotFound
from hive_site.live.topics import open_topic
from hive_site.live.topics.figures import Figures
from hive_site.live.topics.nodes import Nodes, OneNode
from nodes.models import Lease, Node
from nodes.picture import Picture
from tests.hive_site.live.cast import AT, draw, draw_node

QUEUE = {"depth": 3, "oldest_wait": 1.5, "paused": False, "in": 2.04, "out": 1.0}
QUEUE |= {"ages": [1, 2, 0, 0]}


def picture(*nodes, **also):
    return Picture(draw(nodes=list(nodes), **also))


def test_the_cluster_is_summed_up():
    seen = picture(
        draw_node("a", slots=4, running=3, cpu=0.2),
        draw_node("b", slots=2, running=0, cpu=0.4, state="draining"),
        draw_node("c", slots=8, running=0, cpu=1.0, state="lost"),
        queues={"default": QUEUE, "idle": {"depth": 0, "oldest_wait": None, "paused": True}},
        active_subtasks=3,
    )

    rows = Figures().sketch(seen, AT).rows

    assert rows["cluster"] == {
        "nodes_online": 2,
        "nodes_total": 3,
        "nodes_draining": 1,
        "nodes_lost": 1,
        "slots": 6,
        "busy": 3,
        "active": 3,
        "cpu": 0.3,
        "memory": 0.5,
        "depth": 3,
        "oldest_wait": 1.5,
        "succeeded": 2.0,
        "failed": 0.0,
        "retried": 0.0,
        "foreman": {"state": "leading", "holder": "here", "epoch": 3},
    }
    assert rows["queue/default"] == {**QUEUE, "in": 2.0}
    assert rows["queue/idle"]["ages"] == [0, 0, 0, 0]


def test_a_foreman_who_is_silent_is_away():
    rows = Figures().sketch(picture(), AT + 60).rows

    assert rows["cluster"]["foreman"]["state"] == "away"


def test_without_a_picture_the_figures_are_the_databases(db, redis):
    Lease.objects.create(holder="here", epoch=4)
    Node.objects.create(name="a", state="online", slots=3, cpu=0.5)
    Node.objects.create(name="b", state="lost", slots=3)

    topic = Figures()
    assert topic.sketch(Picture(), AT) is None
    cluster = topic.read(Picture(), AT).rows["cluster"]

    assert (cluster["nodes_online"], cluster["nodes_lost"], cluster["slots"]) == (1, 1, 3)
    assert cluster["foreman"] == {"state": "away", "holder": "here", "epoch": 4}


NODE = {
    "state": "online",
    "reason": "",
    "intent": "work",
    "slots": 2,
    "running": 1,
    "cpu": 0.12,
    "memory": 0.5,
    "release": "1",
    "labels": {"site": "lab"},
    "gpus": 0,
    "last_seen": None,
}


def test_a_node_is_a_row():
    assert Nodes().sketch(picture(draw_node()), AT).rows == {"spore-1": NODE}


@pytest.mark.parametrize("state", ["suspect", "lost", "quarantined"])
def test_of_a_node_that_is_away_its_row_says_since_when(state):
    row = Nodes().sketch(picture(draw_node(state=state)), AT).rows["spore-1"]

    assert row == {**NODE, "state": state, "last_seen": AT}


def test_a_node_that_is_looked_at_shows_what_its_slots_do():
    work = {
        "job": "job_1",
        "index": 7,
        "task": "demo.echo",
        "items": 2,
        "started_at": "2027-01-15T08:00:00+00:00",
    }
    told = {**work, "progress": 0.5, "message": "half"}
    node = draw_node(work=[work, told], metrics={"load": 1.0})

    rows = OneNode("spore-1").sketch(picture(node), AT).rows

    assert rows["node"].items() >= {**NODE, "metrics": {"load": 1.0}, "last_seen": AT}.items()
    plain = {name: work[name] for name in ("job", "index", "task", "items")}
    first = {**plain, "started_at": AT, "progress": None, "message": ""}
    assert rows["slot/0"] == first
    assert rows["slot/1"] == {**first, "progress": 0.5, "message": "half"}


def test_a_node_that_is_not_in_the_picture_is_looked_up(db):
    Node.objects.create(name="old", state="lost", reason="shut down")
    topic = OneNode("old")

    assert topic.sketch(picture(draw_node()), AT) is None
    assert topic.read(picture(), AT).rows["node"]["reason"] == "shut down"
    assert Nodes().read(Picture(), AT).rows["old"]["state"] == "lost"


def test_there_is_no_node_of_another_name(db):
    with pytest.raises(NotFound, match="no node is named 'x'"):
        OneNode("x").read(picture(), AT)


@pytest.mark.parametrize("name", ["", "x", "node", "node:", "figures:1", "job:\0", "nodes:"])
def test_other_topics_there_are_not(name):
    with pytest.raises(NotFound, match="there is no topic"):
        open_topic(name)
