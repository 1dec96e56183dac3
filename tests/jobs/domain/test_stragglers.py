import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.bundles import KEPT, Pace
from jobs.domain.stragglers import ENOUGH, FACTOR, LEAST_SECONDS, Run, because, is_in_tail, limit
from tests.jobs.cast import line, ready


def paced(*seconds):
    pace = Pace()
    pace.sample("demo.echo", seconds)
    return pace


def test_the_slowest_are_those_beyond_ninety_five_of_a_hundred():
    assert paced(*range(1, 101)).slowest("demo.echo") == 95
    assert paced(3.0).slowest("demo.echo") == 3.0
    assert paced().slowest("demo.echo") is None


def test_only_the_newest_measurements_count():
    pace = paced(*[90.0] * KEPT)

    pace.sample("demo.echo", [1.0] * KEPT)

    assert (pace.slowest("demo.echo"), pace.measured("demo.echo")) == (1.0, KEPT)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_at_most_one_in_twenty_is_slower_than_the_slowest(seconds):
    newest = seconds[-KEPT:]

    slowest = paced(*seconds).slowest("demo.echo")

    assert slowest in newest
    assert sum(one > slowest for one in newest) <= len(newest) * 0.05


def test_a_straggler_runs_twice_as_long_as_the_slowest_and_some_seconds():
    assert limit(paced(*[5.0] * ENOUGH), "demo.echo") == FACTOR * 5.0
    assert limit(paced(*[0.01] * ENOUGH), "demo.echo") == LEAST_SECONDS
    assert limit(paced(*[5.0] * (ENOUGH - 1)), "demo.echo") is None
    assert limit(Pace(), "demo.echo") is None


def test_the_tail_begins_when_everything_was_sent():
    tail, idle = line(), line()
    tail.in_flight = 2
    assert is_in_tail(tail)
    assert not is_in_tail(idle)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.ready.append(ready()),
        lambda line: line.put_off(ready(), 5.0),
        lambda line: setattr(line, "exhausted", False),
        lambda line: setattr(line, "held", True),
        lambda line: setattr(line, "stopped", True),
    ],
)
def test_it_is_no_tail_while_something_is_to_be_sent_or_nobody_wants_more(change):
    tail = line()
    tail.in_flight = 2

    change(tail)

    assert not is_in_tail(tail)


def test_people_are_told_what_was_unusual():
    assert because(Run(1, "spore-2", 12.34), paced(5.0), "demo.echo") == (
        "second copy: the first ran 12.3 s on spore-2, most take 5.0 s"
    )
