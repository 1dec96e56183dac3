"""A job over time: whatever ran, a page gets few rectangles that tell the truth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.timeline import MOST_RECTS, Run, lay_out

moments = st.floats(0, 1000, allow_nan=False)
runs = st.builds(
    lambda node, a, b, state, index: Run(node, min(a, b), max(a, b), state, index),
    st.sampled_from([f"spore-{n}" for n in range(30)]),
    moments,
    moments,
    st.sampled_from(["succeeded", "failed", "running", "retrying"]),
    st.integers(0, 10**6),
)


def seconds_within(run: Run, start: float, end: float) -> float:
    return max(min(run.end, end) - max(run.start, start), 0.0)


@given(st.lists(runs, max_size=150), st.integers(1, 60), st.integers(1, 20))
def test_rectangles_are_few_and_within_the_window_and_keep_the_busy_time(found, most, most_lanes):
    start, end = 100.0, 900.0

    drawn = lay_out(found, start=start, end=end, most=most, most_lanes=most_lanes)

    assert len(drawn.rects) <= most
    assert len(drawn.lanes) <= most_lanes
    assert all(start <= rect.start <= rect.end <= end for rect in drawn.rects)
    assert all(0 <= rect.lane < len(drawn.lanes) for rect in drawn.rects)
    ran = sum(seconds_within(run, start, end) for run in found)
    assert sum(rect.busy for rect in drawn.rects) == pytest.approx(ran, abs=1e-6)


@given(st.lists(runs, max_size=60))
def test_no_two_runs_of_a_lane_overlap(found):
    drawn = lay_out(found, start=0, end=1000, most_lanes=100)

    assert drawn.exact
    lanes: dict[int, float] = {}
    for rect in sorted(drawn.rects, key=lambda rect: (rect.lane, rect.start, rect.end)):
        assert rect.start >= lanes.get(rect.lane, 0)
        lanes[rect.lane] = rect.end


def test_a_lane_is_a_slot_and_shows_what_each_run_waited_for_it():
    found = [Run("a", 2, 4, "succeeded", 0), Run("a", 5, 6, "failed", 1), Run("a", 3, 5, "lost", 2)]

    drawn = lay_out(found, start=0, end=10)

    assert [(lane.node, lane.slot) for lane in drawn.lanes] == [("a", 0), ("a", 1)]
    assert [(r.lane, r.start, r.end, r.state) for r in drawn.rects] == [
        (0, 0, 2, "waiting"),
        (0, 2, 4, "succeeded"),
        (1, 0, 3, "waiting"),
        (1, 3, 5, "lost"),
        (0, 4, 5, "waiting"),
        (0, 5, 6, "failed"),
    ]


def test_of_many_runs_in_one_rectangle_the_worst_one_shows():
    found = [Run("a", n / 100, (n + 1) / 100, "succeeded", n) for n in range(5000)]
    found[77] = Run("a", 0.77, 0.78, "failed", 77)

    drawn = lay_out(found, start=0, end=50)

    assert not drawn.exact
    assert len(drawn.rects) <= MOST_RECTS
    assert {rect.index for rect in drawn.rects if rect.state == "failed"} == {77}
    assert sum(rect.runs for rect in drawn.rects) >= 5000


def test_neighbours_share_a_lane_where_there_are_too_many():
    found = [Run(f"spore-{n:04}", 0, 10, "succeeded", n) for n in range(1000)]

    drawn = lay_out(found, start=0, end=10)

    assert len(drawn.lanes) == 60
    assert sum(lane.slots for lane in drawn.lanes) == 1000
    assert (drawn.lanes[0].node, drawn.lanes[-1].last) == ("spore-0000", "spore-0999")


def test_nothing_ran_and_nothing_is_drawn():
    drawn = lay_out([], start=0, end=0)

    assert (drawn.lanes, drawn.rects) == ((), ())
