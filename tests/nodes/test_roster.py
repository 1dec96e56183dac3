from datetime import UTC, datetime

import pytest

from nodes.domain.beats import Beat
from nodes.domain.placement import Gpu
from nodes.domain.states import Intent, NodeState
from nodes.roster import Roster, Seat


def online(name: str = "spore-1", *, beat: dict | None = None, **known) -> Seat:
    about = {"incarnation": "one", "slots": 2, **(beat or {})}
    return Seat(name, state=NodeState.ONLINE, beat=Beat(**about), **known)


def test_a_node_has_one_seat():
    roster = Roster([online("a")])
    first = roster.add(Seat("b"))

    assert roster.add(Seat("b", reason="again")) is first is roster["b"] is roster.get("b")
    assert [seat.name for seat in roster] == ["a", "b"]
    assert "a" in roster


def test_a_dropped_node_is_forgotten_and_dropping_twice_is_fine():
    roster = Roster([online("a")])

    roster.drop("a")
    roster.drop("a")

    assert "a" not in roster
    assert roster.get("a") is None


def test_the_operators_labels_win_over_the_nodes_own():
    seat = online(beat={"labels": {"site": "lab", "rack": "1"}}, set_labels={"site": "attic"})

    assert seat.labels == {"site": "attic", "rack": "1"}


@pytest.mark.parametrize("state", NodeState)
def test_only_an_online_node_takes_new_work(state):
    assert Seat("a", state=state).placeable is (state is NodeState.ONLINE)


@pytest.mark.parametrize("intent", [Intent.DRAIN, Intent.CORDON])
def test_a_node_takes_no_new_work_from_the_moment_its_operator_says_so(intent):
    assert not online(intent=intent).placeable


def test_a_node_was_seen_when_its_heartbeat_reached_redis():
    assert online(seen_ms=1_700_000_000_500).last_seen == datetime(
        2023, 11, 14, 22, 13, 20, 500_000, UTC
    )
    assert Seat("a").last_seen is None


def test_only_slots_that_take_new_work_are_counted():
    roster = Roster([online("a"), online("b", beat={"slots": 5}), Seat("c")])

    assert roster.slots() == 7


def test_placement_sees_what_the_node_said_and_what_was_sent():
    cards = (Gpu(0, "A", 8000, 8000), Gpu(1, "B", 8000, 7000))
    beat = {
        "cpu": 0.25,
        "memory": 0.5,
        "free_memory_mb": 900,
        "labels": {"site": "lab"},
        "capabilities": frozenset({"tex"}),
        "gpus": cards,
    }
    roster = Roster([online(beat=beat, in_flight=1, leased_gpus={0}), Seat("lost")])

    (node,) = roster.candidates()

    assert (node.name, node.slots, node.sent, node.placeable) == ("spore-1", 2, 1, True)
    assert (node.cpu, node.memory, node.free_memory_mb) == (0.25, 0.5, 900)
    assert (node.labels, node.capabilities) == ({"site": "lab"}, frozenset({"tex"}))
    assert (node.gpus, node.free_gpus) == (cards, cards[1:])


def test_what_was_sent_since_the_heartbeat_is_charged_at_once():
    (node,) = Roster([online(beat={"cpu": 0.25}, sent_since_beat=1)]).candidates()

    assert node.cpu == 0.75


def test_an_old_measurement_of_an_idle_node_draws_no_rush():
    seats = [online(f"busy-{n}", beat={"cpu": 0.8, "memory": 0.6}) for n in range(9)]
    seats.append(online("quiet", beat_age=40.0))
    seats.append(Seat("lost", beat=Beat("one", cpu=0.0)))  # counts for no mean

    quiet = Roster(seats).candidates()[-1]

    assert quiet.cpu == pytest.approx(0.72, abs=0.02)
    assert quiet.memory == pytest.approx(0.54, abs=0.02)


def test_an_empty_roster_offers_nobody():
    assert (Roster().candidates(), Roster().slots()) == ([], 0)
