"""What is measured from one look to the next."""

from typing import Any

import pytest

from nodes.domain.beats import Beat
from nodes.domain.series import METRICS
from nodes.domain.states import NodeState
from nodes.gauges import MIB, Gauges
from nodes.ports import Totals
from nodes.roster import Roster, Seat

NOW = 1_800_000_000.0


def drawn(at: float = NOW, **figures: Any) -> dict[str, Any]:
    row = {"depth": 0, "oldest_wait": None}
    return {
        "at": at,
        "active_subtasks": 0,
        "queues": {"background": row},
        "nodes": [],
        "nodes_online": 1,
        "slots": 8,
        "avg_cpu": 0.5,
        "avg_memory": 0.25,
        **figures,
    }


def waiting(depth: int, wait: float | None = None) -> dict[str, Any]:
    return {"background": {"depth": depth, "oldest_wait": wait}}


def named(samples: dict[str, Any], scope: str) -> dict[str, Any]:
    return dict(zip(METRICS[scope.partition("/")[0]], samples[scope], strict=True))


def seat(*, ms: int = 1000, incarnation: str = "one", **metrics: Any) -> Seat:
    beat = Beat(incarnation, cpu=0.5, memory=0.25, metrics=metrics)
    return Seat("a", state=NodeState.ONLINE, beat=beat, seen_ms=ms)


def net(received: Any, sent: Any) -> dict[str, Any]:
    return {"received": received, "sent": sent}


def speeds(first: Seat, *later: Seat) -> list[tuple[Any, Any]]:
    """Received and sent at the second look and those that follow."""
    gauges, told = Gauges(), []
    for n, each in enumerate((first, *later)):
        node = named(gauges.read(drawn(NOW + n), Roster([each]), Totals()), "node/a")
        told.append((node["received"], node["sent"]))
    return told[1:]


def test_the_cluster_is_told_by_its_picture():
    picture = drawn(queues=waiting(7, 2.5), active_subtasks=3, nodes=[{"running": 2}] * 2)

    cluster = named(Gauges().read(picture, Roster(), Totals()), "cluster")

    assert (cluster["active"], cluster["depth"], cluster["oldest_wait"]) == (3, 7, 2.5)
    assert (cluster["busy"], cluster["slots"], cluster["nodes"]) == (4, 8, 1)
    assert (cluster["cpu"], cluster["memory"]) == (0.5, 0.25)


def test_without_nodes_nobody_knows_their_load():
    cluster = named(Gauges().read(drawn(nodes_online=0), Roster(), Totals()), "cluster")

    assert (cluster["cpu"], cluster["memory"], cluster["nodes"]) == (None, None, 0)


def test_rates_are_growth_per_second():
    gauges, totals = Gauges(), Totals(succeeded=100, failed=10, retried=1)
    first = named(gauges.read(drawn(), Roster(), totals), "cluster")
    totals.succeeded, totals.failed = 150, 12

    second = named(gauges.read(drawn(NOW + 2), Roster(), totals), "cluster")

    assert [first[name] for name in ("succeeded", "failed", "retried")] == [None] * 3
    assert [second[name] for name in ("succeeded", "failed", "retried")] == [25.0, 1.0, 0.0]


@pytest.mark.parametrize(("after", "succeeded"), [(1.0, 5), (9.0, 200), (0.0, 200), (-3.0, 200)])
def test_what_nobody_could_measure_is_not_known(after, succeeded):
    gauges = Gauges()
    gauges.read(drawn(), Roster(), Totals(succeeded=100))

    told = gauges.read(drawn(NOW + after), Roster(), Totals(succeeded=succeeded))

    assert named(told, "cluster")["succeeded"] is None


def test_a_queue_tells_what_came_and_went():
    gauges, totals = Gauges(), Totals()
    gauges.read(drawn(queues=waiting(10)), Roster(), totals)
    totals.sent["background"] += 6

    told = gauges.read(drawn(NOW + 2, queues=waiting(8, 3.0)), Roster(), totals)

    assert named(told, "queue/background") == {
        **{"depth": 8, "oldest_wait": 3.0, "in": 2.0, "out": 3.0}
    }


def test_a_queue_that_was_emptied_by_hand_had_nothing_come_in():
    gauges = Gauges()
    gauges.read(drawn(queues=waiting(10)), Roster(), Totals())

    queue = named(gauges.read(drawn(NOW + 1), Roster(), Totals()), "queue/background")

    assert (queue["in"], queue["out"], queue["oldest_wait"]) == (0.0, 0.0, 0.0)


def test_a_node_tells_its_load_and_what_ended_on_it():
    gauges, totals, roster = Gauges(), Totals(), Roster([seat()])
    totals.ended["a"] = 5
    gauges.read(drawn(), roster, totals)
    totals.ended["a"] += 8

    node = named(gauges.read(drawn(NOW + 2), roster, totals), "node/a")

    assert node == {"cpu": 0.5, "memory": 0.25, "received": None, "sent": None, "tasks": 4.0}


@pytest.mark.parametrize("state", [NodeState.LOST, NodeState.SUSPECT, NodeState.QUARANTINED])
def test_nobody_knows_anything_of_a_node_that_is_not_there(state):
    away = Seat("a", state=state, beat=Beat("one", cpu=0.9))

    assert "node/a" not in Gauges().read(drawn(), Roster([away]), Totals())


def test_traffic_is_told_in_mib_and_holds_until_the_next_heartbeat():
    first = seat(network=net(1 * MIB, 50 * MIB))
    second = seat(ms=3000, network=net(5 * MIB, 51 * MIB))

    assert speeds(first, second, second) == [(2.0, 0.5), (2.0, 0.5)]


@pytest.mark.parametrize(
    "later",
    [
        seat(ms=3000, network=net(0, 60 * MIB)),
        seat(ms=3000, incarnation="two", network=net(9 * MIB, 60 * MIB)),
        seat(ms=30_000, network=net(9 * MIB, 60 * MIB)),
        seat(ms=3000),
    ],
    ids=["wrapped", "restarted", "silent for long", "tells no more"],
)
def test_a_restart_or_wrap_is_a_gap(later):
    [(received, _)] = speeds(seat(network=net(1 * MIB, 50 * MIB)), later)

    assert received is None


@pytest.mark.parametrize(
    "nonsense", [None, 7, [], {}, net("1", "2"), net(-1, 2), net(10**400, 1), net(1, None)]
)
def test_nonsense_about_traffic_is_a_gap(nonsense):
    first = seat(network=nonsense)

    assert speeds(first, seat(ms=3000, network=net(9, 9))) == [(None, None)]
    assert speeds(seat(network=net(9, 9)), seat(ms=3000, network=nonsense)) == [(None, None)]
