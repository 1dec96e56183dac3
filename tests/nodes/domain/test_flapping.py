from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.flapping import (
    FIRST_REST_SECONDS,
    LONGEST_REST_SECONDS,
    REMEMBERED,
    WINDOW_SECONDS,
    remember,
    rests_until,
)


def lost_at(*times: float) -> list[float]:
    losses: list[float] = []
    for at in times:
        losses = remember(losses, at)
    return losses


def test_a_node_that_was_lost_once_or_twice_works_on():
    assert rests_until(lost_at()) == rests_until(lost_at(1000)) == 0
    assert rests_until(lost_at(1000, 1001)) == 0


def test_the_third_loss_within_ten_minutes_costs_a_minute():
    assert rests_until(lost_at(1000, 1100, 1200)) == 1200 + FIRST_REST_SECONDS


def test_each_further_loss_doubles_the_rest():
    assert rests_until(lost_at(1000, 1100, 1200, 1300)) == 1300 + 2 * FIRST_REST_SECONDS
    assert rests_until(lost_at(1000, 1100, 1200, 1300, 1400)) == 1400 + 4 * FIRST_REST_SECONDS


def test_losses_that_are_far_apart_are_no_flapping():
    step = WINDOW_SECONDS / 2

    assert rests_until(lost_at(*(1000 + step * n for n in range(9)))) == 0


@given(st.lists(st.floats(0, 1e6), max_size=60))
def test_no_rest_is_longer_than_half_an_hour_and_memory_is_bounded(times):
    losses = lost_at(*sorted(times))

    assert len(losses) <= REMEMBERED
    if losses:
        assert rests_until(losses) <= losses[-1] + LONGEST_REST_SECONDS
