"""Plans of jobs whose results are cached: what equal work will bring is not sent."""

from tests.jobs.cast import line, ready, roster, seat
from tests.jobs.desk import Desk, subtasks


def stalled(key):
    """A cached job whose first item avoids the only node with room; node 2 is busy."""
    desk = Desk(line("first", items=1))
    desk.plan(roster(seat("spore-2")))
    picky = ready(1, avoid=frozenset({"spore-1"}), key="a")
    desk.backlog.open(line("cached", items=[picky, ready(2, key=key)], cache_for=60.0))
    return desk, desk.plan(roster(seat("spore-1"), seat("spore-2")))


def test_who_must_avoid_a_busy_node_does_not_hold_up_those_whose_results_are_cached():
    _, [sent] = stalled("b")

    assert (sent.node, subtasks([sent])) == ("spore-1", [2])


def test_whoever_goes_first_of_equals_the_others_wait_for_its_result():
    desk, [sent] = stalled("a")
    desk.plan(roster(seat("spore-1", slots=2), seat("spore-2")))

    assert subtasks([sent]) == [2]
    assert list(desk.backlog.get("cached").parked) == [1]


def test_nobody_goes_round_who_is_in_flight_under_another_name():
    desk, nodes = Desk(line("first", items=1)), roster(seat("spore-1"), seat("spore-2"), seat("x"))
    desk.plan(roster(seat("spore-2")))
    desk.backlog.open(line("twin", items=[ready(9, key="b")], cache_for=60.0))
    desk.plan(roster(seat("x")))
    picky = ready(1, avoid=frozenset({"spore-1"}), key="a")
    desk.backlog.open(line("cached", items=[picky, ready(2, key="b")], cache_for=60.0))

    assert desk.plan(nodes) == []
    assert [item.subtask for item in desk.backlog.get("cached").ready] == [1, 2]
