import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.lanes import ROOM, Mood, draw_blocks, read_mood, time_to_drain

AGES = st.lists(st.integers(0, 10**9), min_size=4, max_size=4)


@pytest.mark.parametrize(
    ("depth", "into", "out", "seconds"),
    [
        (100, 0.0, 10.0, 10.0),
        (100, 5.0, 10.0, 20.0),
        (100, 10.0, 10.0, None),
        (100, 20.0, 10.0, None),
        (100, 0.0, 0.0, None),
        (0, 5.0, 0.0, 0.0),
    ],
)
def test_a_queue_drains_by_what_goes_out_beyond_what_comes_in(depth, into, out, seconds):
    assert time_to_drain(depth=depth, into=into, out=out) == seconds


@pytest.mark.parametrize(
    ("facts", "mood"),
    [
        ({"paused": True}, Mood.PAUSED),
        ({"depth": 0}, Mood.EMPTY),
        ({"into": None, "out": None}, Mood.UNKNOWN),
        ({"out": 0.0}, Mood.STUCK),
        ({"into": 1.0, "out": 2.0}, Mood.DRAINING),
        ({"into": 2.0, "out": 2.0}, Mood.STEADY),
        ({"into": 3.0, "out": 2.0}, Mood.GROWING),
    ],
)
def test_a_queue_says_what_becomes_of_it(facts, mood):
    assert read_mood(**{"depth": 5, "paused": False, "into": 1.0, "out": 1.0, **facts}) is mood


def test_a_few_blocks_stand_for_one_subtask_each():
    assert draw_blocks([3, 0, 0, 1]) == (1, [3, 0, 0, 1])


def test_one_old_subtask_is_seen_among_a_hundred_thousand_new_ones():
    assert draw_blocks([100_000, 0, 0, 1]) == (2_000, [50, 0, 0, 1])


@given(AGES)
def test_whatever_waits_has_a_block_and_room(ages):
    each, blocks = draw_blocks(ages)

    assert sum(blocks) <= ROOM
    for waiting, count in zip(ages, blocks, strict=True):
        assert (count - 1) * each < waiting <= count * each or waiting == count == 0
