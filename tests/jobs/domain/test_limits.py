from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.flight import Flight
from jobs.domain.limits import LAG_SECONDS, Limit, Limiter, Rate, Window, read_limit
from tests.jobs.cast import FIRST, NOW, bundle, ready

START = NOW.timestamp()
TEN = Rate(10, "second")


@pytest.mark.parametrize(
    ("rate", "expected"),
    [("10/second", Rate(10, "second")), ("1/day", Rate(1, "day")), ("", None), (None, None)],
)
def test_rates_are_starts_in_a_period(rate, expected):
    assert read_limit(rate=rate, concurrency=None).rate == expected


@pytest.mark.parametrize(
    "rate",
    [
        "10",
        "0/second",
        "-1/second",
        "10/fortnight",
        "1.5/second",
        "100001/day",
        "10 / second",
        10,
        "10/seconds",
        "٣/second",
        True,
        "10/second\n",
    ],
)
def test_what_is_no_rate_is_refused_with_what_is_allowed(rate):
    with pytest.raises(ValueError, match="10/second"):
        read_limit(rate=rate, concurrency=None)


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, True, "5", 100_001])
def test_what_is_no_number_at_once_is_refused_with_what_is_allowed(concurrency):
    with pytest.raises(ValueError, match="1 to"):
        read_limit(rate=None, concurrency=concurrency)


def test_a_window_says_when_there_is_room_again():
    window = Window(TEN)
    window.take(6, now=START, last=START)
    window.take(4, now=START + 0.5, last=START + 0.5)

    assert window.room(START + 0.9) == 0
    assert window.next_room(START + 0.9) == START + 1 + LAG_SECONDS
    assert window.room(START + 1 + LAG_SECONDS) == 6


def test_a_window_that_is_fuller_than_its_rate_waits_for_more_than_one_bundle():
    window = Window(Rate(1, "second"))
    window.take(1, now=START, last=START)
    window.take(1, now=START + 0.5, last=START + 0.5)

    assert window.next_room(START + 0.6) == START + 1.5 + LAG_SECONDS


def test_a_bundle_counts_until_its_last_item_may_have_started():
    window = Window(TEN)
    window.take(10, now=START, last=START + 0.4)

    assert window.room(START + 1.2) == 0
    assert window.room(START + 1.4 + LAG_SECONDS) == 10


def test_nobody_waits_an_hour_because_the_clock_was_an_hour_ahead():
    window = Window(TEN)
    window.take(10, now=START + 3600, last=START + 3600)

    assert window.room(START) == 0
    assert window.room(START + 1 + LAG_SECONDS) == 10


@given(
    count=st.integers(1, 20),
    wishes=st.lists(st.tuples(st.integers(0, 700), st.integers(1, 30)), max_size=60),
    before=st.lists(st.integers(-1000, 0), max_size=20),
)
def test_in_no_period_do_more_start_than_the_rate_says(count, wishes, before):
    """However work arrives; times in milliseconds."""
    starts = [START + ms / 1000 for ms in sorted(before)[-count:]]
    window, now = Window(Rate(count, "second"), starts), START

    for pause, items in wishes:
        now += pause / 1000
        taken = min(items, window.room(now))
        if taken:
            window.take(taken, now=now, last=now)
            starts += [now] * taken
        elif items:
            assert deepcopy(window).room(window.next_room(now)) > 0

    for at in starts:
        assert sum(at <= other < at + 1 for other in starts) <= count


def in_the_air(*sent):
    flight = Flight()
    for each in sent:
        flight.add(each)
    return flight


def test_a_task_without_limits_is_let_through():
    assert Limiter(Flight()).room("demo.echo", START) is None


def test_so_many_bundles_of_a_task_are_in_flight_as_it_may():
    one = bundle(ready(1), ready(2), task="demo.sleep")
    flight = in_the_air(one, bundle(ready(3), task="demo.echo", first=FIRST + 9))
    limiter = Limiter(flight)
    limiter.adopt({"demo.sleep": Limit(concurrency=2)}, START)
    assert limiter.room("demo.sleep", START)

    flight.add(bundle(ready(4), task="demo.sleep", first=FIRST + 20))

    assert limiter.room("demo.sleep", START) == 0
    assert limiter.reason("demo.sleep") == "limit of 2 at once for demo.sleep"
    flight.close(FIRST)
    assert limiter.room("demo.sleep", START) == 0  # a slot still works on the rest of it
    flight.close(FIRST + 1)
    assert limiter.room("demo.sleep", START)


def test_what_a_predecessor_let_start_counts_and_so_does_what_is_in_flight():
    asked = []

    def recall(task, since, most):
        asked.append((task, since, most))
        return [START - 0.5] * 4

    old = bundle(ready(9), task="demo.sleep", at=START - 5, first=FIRST + 50)
    limiter = Limiter(in_the_air(bundle(ready(1), ready(2), task="demo.sleep"), old), recall)
    limiter.adopt({"demo.sleep": Limit(rate=TEN)}, START)

    assert limiter.room("demo.sleep", START) == 4
    assert asked == [("demo.sleep", START - 1 - LAG_SECONDS, 10)]


def test_reading_the_same_limits_again_forgets_nothing():
    limiter = Limiter(Flight())
    limiter.adopt({"demo.sleep": Limit(rate=TEN)}, START)
    limiter.start("demo.sleep", 10, seconds=0.0, now=START)

    limiter.adopt({"demo.sleep": Limit(rate=TEN, concurrency=3)}, START)

    assert limiter.room("demo.sleep", START) == 0
    assert limiter.reason("demo.sleep") == "limit of 10/second for demo.sleep"


def test_the_leader_wakes_when_a_rate_lets_something_start():
    limiter = Limiter(Flight())
    limiter.adopt({"demo.sleep": Limit(rate=TEN)}, START)
    limiter.start("demo.sleep", 10, seconds=0.0, now=START)
    assert limiter.next_due(START) is None  # nobody asked

    limiter.room("demo.sleep", START)

    assert limiter.next_due(START) == START + 1 + LAG_SECONDS
    assert limiter.next_due(START + 2) is None
