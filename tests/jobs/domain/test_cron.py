from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.cron import GRACE, MOST, Missed, choose_runs, due_times, next_time

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def every(step, *, asked=None):
    """Ticks at whole multiples of a step."""

    def ticks(after):
        at = NOON + ((after - NOON) // step) * step
        while True:
            at += step
            if asked is not None:
                asked.append(at)
            yield at

    return ticks


def test_nothing_is_due_before_its_time():
    assert due_times(every(HOUR), first=NOON + HOUR, now=NOON) == []


def test_the_first_time_is_due_even_if_the_expression_does_not_name_it():
    odd = NOON + timedelta(minutes=7)

    assert due_times(every(HOUR), first=odd, now=odd) == [odd]


def test_every_time_until_now_is_due():
    due = due_times(every(HOUR), first=NOON, now=NOON + 3 * HOUR)

    assert due == [NOON + n * HOUR for n in range(4)]


def test_after_a_year_the_newest_hundred_are_found_without_counting_the_rest():
    asked, now = [], NOON + timedelta(days=365)

    due = due_times(every(MINUTE, asked=asked), first=NOON, now=now)

    assert due == [now - n * MINUTE for n in reversed(range(MOST))]
    assert len(asked) < 200


@given(
    step=st.integers(1, 100_000).map(lambda seconds: timedelta(seconds=seconds)),
    away=st.integers(0, 3_000_000).map(lambda seconds: timedelta(seconds=seconds)),
)
def test_what_is_due_is_what_a_count_of_all_finds(step, away):
    now = NOON + away

    naive = [NOON + n * step for n in range(away // step + 1)]

    assert due_times(every(step), first=NOON, now=now) == naive[-MOST:]


@pytest.mark.parametrize(
    ("missed", "runs"), [(Missed.ALL, [0, 1, 2]), (Missed.ONCE, [2]), (Missed.SKIP, [])]
)
def test_what_becomes_of_missed_times_is_the_schedules_choice(missed, runs):
    due = [NOON + n * HOUR for n in range(3)]
    late = due[-1] + GRACE

    assert choose_runs(due, now=late, missed=missed) == [due[n] for n in runs]


@pytest.mark.parametrize("missed", Missed)
def test_a_change_of_leaders_misses_nothing(missed):
    assert choose_runs([NOON], now=NOON + timedelta(seconds=59), missed=missed) == [NOON]


@pytest.mark.parametrize("missed", Missed)
def test_of_no_times_none_runs(missed):
    assert choose_runs([], now=NOON, missed=missed) == []


def test_there_may_be_no_next_time():
    assert next_time(lambda after: iter(()), after=NOON) is None
