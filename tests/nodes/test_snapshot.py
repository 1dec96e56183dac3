import json

import pytest

from nodes.domain.beats import Beat
from nodes.domain.placement import Gpu
from nodes.domain.scoring import Weights
from nodes.domain.states import NodeState
from nodes.roster import Roster, Seat
from nodes.snapshot import draw_snapshot
from tests.nodes.cast import START, Work

BUSY = Beat(
    "one",
    slots=4,
    cpu=0.5,
    memory=0.25,
    labels={"site": "lab"},
    capabilities=frozenset({"tex", "ocr"}),
    gpus=(Gpu(0, "A", 8000, 7000),),
    release="1.2",
    agent_version="1",
    metrics={"load": 0.5},
)


def draw(*seats: Seat) -> dict:
    return draw_snapshot(
        Roster(seats), Work(), now=START, number=7, holder="here", epoch=3, weights=Weights()
    )


def online(name: str, beat: Beat = BUSY, **known) -> Seat:
    return Seat(name, state=NodeState.ONLINE, beat=beat, **known)


def test_a_picture_says_which_when_and_whose_it_is():
    picture = draw()

    assert (picture["number"], picture["at"]) == (7, START.timestamp())
    assert picture["foreman"] == {"holder": "here", "epoch": 3}
    assert (picture["nodes"], picture["nodes_total"], picture["avg_cpu"]) == ([], 0, 0.0)


def test_a_node_is_drawn_with_all_that_people_look_for():
    seat = online("spore-1", in_flight=2, seen_ms=1_700_000_000_000, set_labels={"rack": "1"})

    (node,) = draw(seat)["nodes"]

    assert node == {
        "name": "spore-1",
        "state": "online",
        "intent": "work",
        "reason": "",
        "slots": 4,
        "running": 1,
        "cpu": 0.5,
        "memory": 0.25,
        "score": 0.425,
        "labels": {"site": "lab", "rack": "1"},
        "capabilities": ["ocr", "tex"],
        "gpus": [{"index": 0, "name": "A", "memory_mb": 8000}],
        "release": "1.2",
        "agent_version": "1",
        "last_seen": "2023-11-14T22:13:20+00:00",
        "metrics": {"load": 0.5},
        "work": [{"job": "job_1", "index": 0}],
    }


def test_nodes_are_drawn_by_name_and_only_those_present_count():
    lost = Seat("b", reason="silent for 45 s", beat=Beat("one", slots=9, cpu=1.0))
    draining = Seat("a", state=NodeState.DRAINING, beat=Beat("one", slots=2, cpu=0.0))

    picture = draw(online("c"), lost, draining)

    assert [node["name"] for node in picture["nodes"]] == ["a", "b", "c"]
    assert (picture["nodes_online"], picture["nodes_total"], picture["slots"]) == (2, 3, 6)
    assert (picture["avg_cpu"], picture["avg_memory"]) == (0.25, 0.125)


def test_a_node_that_takes_no_work_has_no_score():
    (node,) = draw(Seat("a", state=NodeState.CORDONED, beat=BUSY))["nodes"]

    assert (node["score"], node["last_seen"]) == (None, None)


def test_no_more_runs_than_there_are_slots():
    (node,) = draw(online("spore-1", Beat("one", slots=0)))["nodes"]

    assert node["running"] == 0


def test_the_works_part_of_the_picture_is_in_it():
    assert draw()["active_subtasks"] == 3


@pytest.mark.parametrize("seat", [online("spore-1"), Seat("never-seen")])
def test_every_picture_can_be_parsed_by_a_browser(seat):
    assert json.loads(json.dumps(draw(seat), allow_nan=False))
