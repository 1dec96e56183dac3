from datetime import UTC, datetime

import pytest

from nodes.domain.beats import Beat
from nodes.domain.fitness import Gpu, Kind
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
def test_only_a_node_that_works_takes_new_work(state):
    works = state in (NodeState.ONLINE, NodeState.UPDATING)

    assert Seat("a", state=state).placeable is works


@pytest.mark.parametrize("intent", [Intent.DRAIN, Intent.CORDON])
def test_a_node_takes_no_new_work_from_the_moment_its_operator_says_so(intent):
    assert not online(intent=intent).placeable


def test_a_node_was_seen_when_its_heartbeat_reached_redis():
    assert online(seen_ms=1_700_000_000_500).last_seen == datetime(
        2023, 11, 14, 22, 13, 20, 500_000, UTC
    )
    assert Seat("a").last_seen is None


def test_placement_sees_what_the_node_said_and_what_was_sent():
    cards = (Gpu(0, "A", 8000, 8000), Gpu(1, "B", 8000, 7000))
    beat = {
        "cpu": 0.25,
        "memory": 0.5,
        "free_memory_mb": 900,
        "total_memory_mb": 4000,
        "labels": {"site": "lab"},
        "capabilities": frozenset({"tex"}),
        "gpus": cards,
    }
    roster = Roster([online(beat=beat, in_flight=1, leased_gpus={0}), Seat("lost")])

    (node,) = roster.candidates()

    assert (node.name, node.slots, node.sent) == ("spore-1", 2, 1)
    assert (node.cpu, node.memory, node.free_memory_mb) == (0.25, 0.5, 900)
    assert node.kind == Kind(
        frozenset({("site", "lab")}), frozenset({"tex"}), (8000, 8000), memory_mb=4000
    )
    assert node.free_gpus == cards[1:]


def test_nodes_of_one_kind_share_it_and_a_new_label_shows_at_once():
    roster = Roster([online("a"), online("b"), online("c", beat={"release": "2"})])

    a, b, c = (node.kind for node in roster.candidates())
    roster["b"].set_labels = {"site": "lab"}

    assert a is b is not c
    assert [node.kind.labels for node in roster.candidates()][1] == {("site", "lab")}


def test_a_device_is_judged_by_what_it_had_free_when_nothing_of_ours_ran_on_it():
    def beat(free_mb):
        return Beat("one", slots=2, gpus=(Gpu(0, "A", 8000, free_mb),))

    seat = online()
    seat.hear(beat(7500), at_ms=1000)
    seat.leased_gpus = {0}
    seat.hear(beat(100), at_ms=3000)

    assert [gpu.free_mb for gpu in seat.gpus()] == [7500]
    seat.leased_gpus = set()
    assert [gpu.free_mb for gpu in seat.gpus()] == [7500]
    seat.hear(beat(100), at_ms=5000)
    assert [gpu.free_mb for gpu in seat.gpus()] == [100]


def test_memory_that_was_promised_is_not_free():
    roster = Roster([online(beat={"free_memory_mb": 900}, promised_mb=500)])

    assert roster.candidates()[0].free_memory_mb == 400


def test_what_is_taken_is_free_again_when_all_that_was_sent_has_ended():
    (node,) = Roster([online(beat={"free_memory_mb": 900}, held_mb=600)]).candidates()

    assert (node.free_memory_mb, node.idle_memory_mb) == (900, 1500)


def test_the_newest_heartbeat_from_a_machine_says_what_is_free_there():
    old = online("a", beat={"host": "box", "free_memory_mb": 900}, seen_ms=1000)
    new = online("b", beat={"host": "box", "free_memory_mb": 400}, seen_ms=2000)
    other = online("c", beat={"free_memory_mb": 700}, seen_ms=3000)

    nodes = Roster([old, new, other]).candidates()

    assert [node.free_memory_mb for node in nodes] == [400, 400, 700]


def test_a_node_that_does_not_name_its_machine_has_one_of_its_own():
    seats = [online("a"), online("b"), online("c", beat={"host": "box"})]
    seats.append(online("d", beat={"host": "box"}))

    machines = Roster(seats).machines()

    assert [[seat.name for seat in found] for found in machines.values()] == [
        ["a"],
        ["b"],
        ["c", "d"],
    ]


def test_a_new_start_of_a_node_forgets_which_tasks_the_old_one_had():
    seat = online(tasks=frozenset({"a.b"}))

    seat.hear(Beat("one"), at_ms=1)
    assert seat.tasks == {"a.b"}
    seat.hear(Beat("two"), at_ms=2)

    assert seat.tasks is None


def test_nodes_that_are_there_and_take_no_work_are_counted_by_their_state():
    seats = [
        online("a"),
        online("b", intent=Intent.DRAIN),
        Seat("c", state=NodeState.SUSPECT),
        Seat("d", state=NodeState.DRAINING),
        Seat("e"),
    ]

    assert Roster(seats).absent() == {"is draining": 2, "is suspect": 1}


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
    assert Roster().candidates() == []
