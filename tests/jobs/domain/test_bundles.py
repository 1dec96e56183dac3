import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.bundles import MAX_BYTES, MAX_ITEMS, TARGET_SECONDS, Pace, shortness, size
from nodes.domain.placement import DEEPEST

SECONDS = st.floats(0, 1e9)
COUNT = st.integers(1, 1_000_000)


def test_a_bundle_holds_a_twentieth_of_a_second_of_work():
    assert size(seconds=0.01, remaining=100_000, slots=10, alone=False) == 5


def test_a_bundle_holds_as_much_work_as_is_asked_for():
    assert size(seconds=0.01, remaining=100_000, slots=10, alone=False, target=0.2) == 20


def test_every_item_travels_alone_if_bundles_should_hold_no_work():
    assert size(seconds=1e-6, remaining=100_000, slots=10, alone=False, target=0) == 1


def test_an_unknown_task_starts_with_one():
    assert size(seconds=None, remaining=100_000, slots=1, alone=False) == 1


def test_an_item_longer_than_the_target_travels_alone():
    assert size(seconds=3, remaining=100_000, slots=1, alone=False) == 1


@given(seconds=st.none() | SECONDS, remaining=COUNT, slots=st.integers(0, 1000))
def test_what_must_travel_alone_does(seconds, remaining, slots):
    assert size(seconds=seconds, remaining=remaining, slots=slots, alone=True) == 1


@given(seconds=SECONDS, remaining=COUNT, slots=st.integers(0, 1000))
def test_the_tail_spreads_over_all_slots_twice(seconds, remaining, slots):
    count = size(seconds=seconds, remaining=remaining, slots=slots, alone=False)

    spread = -(-remaining // (2 * max(slots, 1)))
    assert 1 <= count <= min(spread, MAX_ITEMS)
    assert count == 1 or count * seconds <= TARGET_SECONDS * 1.001


@pytest.mark.parametrize(("slots", "count"), [(0, 40), (1, 40), (4, 10), (5, 8), (400, 1)])
def test_the_tail_is_cut_into_two_bundles_for_each_slot(slots, count):
    assert size(seconds=0.001, remaining=80, slots=slots, alone=False) == count


def test_a_bundle_is_no_larger_than_a_message_may_be():
    assert (MAX_ITEMS, MAX_BYTES) == (500, 192 * 1024)


def test_a_task_that_takes_no_time_fills_the_largest_bundle():
    assert size(seconds=0, remaining=1_000_000, slots=1, alone=False) == MAX_ITEMS


def test_only_what_is_known_to_be_short_may_wait_behind_another_bundle():
    assert shortness(seconds=0.01, items=19) == 1
    assert shortness(seconds=0.01, items=20) == 0
    assert shortness(seconds=None, items=1) == 0


def test_of_what_takes_next_to_no_time_several_wait_behind_each_slot():
    assert shortness(seconds=0.005, items=1) == 1
    assert shortness(seconds=0.0, items=500) == DEEPEST


def test_the_first_measurement_is_believed_and_later_ones_move_it():
    pace = Pace()

    pace.learn("a", 1.0)
    assert pace.of("a") == 1.0
    pace.learn("a", 2.0)

    assert 1.0 < pace.of("a") < 1.5
    assert pace.of("b") is None


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_a_pace_stays_within_what_was_measured(measured):
    pace = Pace()

    for seconds in measured:
        pace.learn("a", seconds)

    assert min(measured) * 0.999 <= pace.of("a") <= max(measured) * 1.001
