"""Samples joined into intervals, and intervals packed into strips."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.series import (
    COARSE,
    FINE,
    METRICS,
    Bin,
    Interval,
    Roller,
    Strip,
    read_strip,
    thin,
)

NAMES = ("depth", "oldest_wait")
START = 1_800_000_000
values = st.none() | st.floats(0, 1000)
samples = st.lists(st.tuples(values, values), max_size=30)


def filled(rows) -> Bin:
    bin_ = Bin(NAMES)
    for row in rows:
        bin_.add(row)
    return bin_


def same(one, other) -> bool:
    return all(
        a == b or (a is not None and b is not None and isclose(a, b))
        for a, b in zip(one, other, strict=True)
    )


def rolled(times, *, value=1.0) -> list[Interval]:
    roller = Roller(NAMES)
    return [interval for at in times for interval in roller.add(at, (value, value))]


@given(parts=st.lists(samples, max_size=5))
def test_the_mean_of_parts_is_the_mean_of_the_whole(parts):
    joined = Bin(NAMES)
    for part in parts:
        joined.join(filled(part))

    whole = filled(row for part in parts for row in part)
    assert same(joined.values(), whole.values())


@given(rows=samples)
def test_an_interval_tells_the_mean_and_of_waits_the_longest(rows):
    depth, wait = filled(rows).values()

    depths, waits = ([row[n] for row in rows if row[n] is not None] for n in (0, 1))
    assert depth is None if not depths else isclose(depth, sum(depths) / len(depths))
    assert wait == max(waits, default=None)


@given(gaps=st.lists(st.floats(0.5, 400), min_size=1, max_size=60))
def test_no_sample_is_counted_twice_or_never(gaps):
    times = [START + sum(gaps[:n]) for n in range(len(gaps))]
    counted = {FINE: set(), COARSE: set()}
    roller = Roller(NAMES)

    for n, at in enumerate([*times, times[-1] + 1000]):
        for interval in roller.add(at, (float(n), 0.0)):
            inside = {
                m for m, t in enumerate(times) if 0 <= t - interval.start < interval.level.step
            }
            assert isclose(interval.values[0], sum(inside) / len(inside))
            assert not inside & counted[interval.level]
            counted[interval.level] |= inside

    assert counted[FINE] == counted[COARSE] == set(range(len(times)))


def test_an_interval_without_samples_is_not_told():
    fine = [i.start - START for i in rolled([START, START + 35, START + 41]) if i.level is FINE]

    assert fine == [0, 30]


def test_a_clock_that_was_set_back_tells_nothing_twice():
    told = rolled([START + 50, START + 60, START + 20, START + 61, START + 70])

    assert [(i.start - START, i.values) for i in told] == [(50, [1, 1]), (60, [1, 1])]


def test_what_nobody_knows_is_no_zero():
    roller = Roller(NAMES)
    roller.add(START, (None, 3.0))
    roller.add(START + 1, (4.0, None))

    [interval] = roller.add(START + 10, (0.0, 0.0))

    assert interval.values == [4.0, 3.0]


rows = st.lists(st.none() | st.lists(values, min_size=5, max_size=5), max_size=50)


@given(rows=rows)
def test_a_strip_gives_back_what_was_put_and_gaps_stay_gaps(rows):
    strip = Strip("node/a", FINE, START)
    for n, row in enumerate(rows):
        if row is not None:
            strip.put(Interval(FINE, START + 10 * n, row))

    told = dict(read_strip(strip.scope, FINE, START, bytes(strip.data)))

    known = {
        START + 10 * n: row for n, row in enumerate(rows) if row and any(v is not None for v in row)
    }
    assert told.keys() == known.keys()
    for at, row in told.items():
        for got, put in zip(row, known[at], strict=True):
            assert (got is None) == (put is None)
            assert put is None or got == pytest.approx(put, rel=1e-3, abs=1e-6)


def test_a_number_beyond_half_floats_is_the_largest_of_them():
    strip = Strip("node/a", FINE, START)
    strip.put(Interval(FINE, START, [1.0, 1.0, 1e9, 0.0, None]))

    [(_, values)] = read_strip("node/a", FINE, START, bytes(strip.data))

    assert values == [1.0, 1.0, 65504.0, 0.0, None]


@pytest.mark.parametrize(("level", "end"), [(FINE, 3600), (COARSE, 86_400)])
def test_strips_end_on_the_whole_hour_or_day(level, end):
    day = START // 86_400 * 86_400

    assert Strip("cluster", level, day).end == Strip("cluster", level, day + 600).end == day + end


def test_half_a_row_is_left_out():
    strip = Strip("cluster", FINE, START)
    strip.put(Interval(FINE, START, [1.0] * len(METRICS["cluster"])))

    assert len(list(read_strip("cluster", FINE, START, bytes(strip.data) + b"abc"))) == 1


@given(values=st.lists(st.floats(0, 1000), min_size=1, max_size=50))
def test_thinned_rows_have_the_mean_of_the_whole(values):
    rows = [(START + 10 * n, [value, value]) for n, value in enumerate(values)]

    [(start, thinned)] = thin(rows, NAMES, step=1_000_000).items()

    assert start <= START
    assert thinned[0] == pytest.approx(sum(values) / len(values))
    assert thinned[1] == max(values)


def test_after_a_clock_was_set_right_by_a_day_it_goes_on_at_once():
    told = rolled([START + 86_400, START + 86_410, START, START + 10, START + 20])

    assert [each.start for each in told] == [START + 86_400, START, START + 10]
