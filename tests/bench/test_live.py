"""The cluster that is played looks like one; the crowd learns from texts that the hub writes."""

import json
from random import Random

from bench.crowd import Watcher
from bench.puppets import NODES, draw_picture
from hive_site.live.board import Board
from hive_site.live.topics.figures import Figures
from hive_site.live.topics.nodes import Nodes, OneNode
from nodes.picture import Picture


def test_what_puppets_draw_is_a_picture():
    picture = Picture(draw_picture(1, Random(1), "job_1", 0))

    assert Figures().sketch(picture, 0).rows["cluster"]["nodes_online"] == NODES
    assert len(Nodes().sketch(picture, 0).rows) == NODES
    assert OneNode("node-0000").sketch(picture, 0).rows["slot/0"]["job"] == "job_1"


def test_a_watcher_is_ready_once_it_knows_the_whole_and_measures_from_then_on():
    watcher, board = Watcher("job_1"), Board("nodes", Nodes())
    facts = draw_picture(1, Random(1), "job_1", 0)
    facts["nodes"][0]["reason"] = "100.0"
    board.write(Nodes().sketch(Picture(facts), 0))

    watcher._learn(json.loads(board.news(None)[0]), 100.5)

    assert watcher.lags == [0.5]
    assert not watcher.ready.is_set()
    for topic in watcher.topics - {"nodes"}:
        rows = {"job": {"succeeded": 7}} if topic == "job:job_1" else {}
        watcher._learn({"topic": topic, "set": rows}, 101.0)
    assert watcher.ready.is_set()
    assert watcher.heard == [(7, 101.0)]
