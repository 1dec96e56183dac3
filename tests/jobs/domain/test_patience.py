from jobs.domain.patience import MOST, TAKEN, why_lines_wait
from jobs.domain.shares import Lane
from tests.jobs.cast import line


def test_who_has_nothing_to_send_or_may_not_waits_for_no_node():
    held, stopped = line("held", items=2), line("stopped", items=2)
    held.held = stopped.stopped = True

    assert why_lines_wait([held, stopped, line("done")]) == {}


def test_what_the_planner_found_out_is_told():
    stuck = line("stuck", items=1)
    stuck.standing.lane = Lane("demo.echo", reason="no node has tex", fits_nowhere=True)

    assert why_lines_wait([stuck, line("next", items=1)]) == {
        "stuck": "no node has tex",
        "next": TAKEN,
    }


def test_those_of_higher_priority_are_counted_and_equals_are_not():
    lines = [
        line("low", items=4, priority=2),
        line("a", items=1, priority=5),
        line("b", items=30, priority=5),
        line("preferred", items=8, priority=0, rank=0),
    ]
    lines[2].in_flight = 10

    assert why_lines_wait(lines) == {
        "preferred": TAKEN,
        "a": f"behind 8 subtasks of higher priority; {TAKEN}",
        "b": f"behind 8 subtasks of higher priority; {TAKEN}",
        "low": f"behind 29 subtasks of higher priority; {TAKEN}",
    }


def test_who_fits_nowhere_stands_in_nobodys_way():
    stuck, low = line("stuck", items=9, priority=9), line("low", items=1)
    stuck.standing.lane = Lane("demo.echo", reason="no node has tex", fits_nowhere=True)

    assert why_lines_wait([low, stuck])["low"] == TAKEN


def test_one_is_one():
    lines = [line("first", items=1, priority=9), line("second", items=1)]

    assert why_lines_wait(lines)["second"].startswith("behind 1 subtask of")


def test_so_many_are_told_and_no_more():
    lines = [line(f"job_{n}", items=1) for n in range(MOST + 5)]

    assert len(why_lines_wait(lines)) == MOST
