import pytest

from bench.figures import Figure, Spread, Verdict, efficiency, milliseconds, percentile

RATE = Figure("rate", "items", "items/s", more_is_better=True, goal=5000, floor=3000)
TIME = Figure("p50", "latency", "ms", goal=3, floor=10)
FREE = Figure("memory", "memory", "MB")


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(5000, Verdict.GOAL), (4999.9, Verdict.FLOOR), (3000, Verdict.FLOOR), (2999, Verdict.MISSED)],
)
def test_a_rate_reaches_its_bounds_at_them(value, verdict):
    assert RATE.judge(value) is verdict


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(2.9, Verdict.GOAL), (3, Verdict.FLOOR), (9.9, Verdict.FLOOR), (10, Verdict.MISSED)],
)
def test_a_time_reaches_its_bounds_only_below_them(value, verdict):
    assert TIME.judge(value) is verdict


def test_a_figure_without_bounds_is_not_judged():
    assert FREE.judge(10**9) is None


def test_a_floor_alone_is_all_that_can_be_reached():
    assert Figure("p99", "enqueue", "ms", floor=10).judge(0.1) is Verdict.FLOOR


def test_the_ratio_says_how_many_times_better_the_hive_is_either_way():
    assert RATE.ratio(hive=5000, rival=100) == 50
    assert TIME.ratio(hive=2, rival=12) == 6


@pytest.mark.parametrize("figure", [RATE, TIME])
def test_nothing_is_infinitely_better_or_worse(figure):
    assert figure.ratio(hive=5000, rival=0) is None
    assert figure.ratio(hive=0, rival=12) is None


def test_the_best_has_most_of_a_rate_and_least_of_a_time():
    values = {"one": 3.0, "two": 7.0}

    assert (RATE.best(values), TIME.best(values), RATE.best({})) == ("two", "one", None)


def test_the_spread_keeps_the_outliers_beside_the_median():
    assert Spread.of([9, 1, 2]) == Spread(median=2, lowest=1, highest=9)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1), (0.0, 1)]
)
def test_percentiles_are_values_that_were_measured(share, expected):
    values = list(range(100, 0, -1))

    assert percentile(values, share) == expected


def test_times_are_told_in_milliseconds():
    assert milliseconds([0.001, 0.002, 0.009]) == {"p50": 2.0, "p99": 9.0}


def test_the_ideal_counts_the_fullest_slot():
    assert efficiency(items=1000, seconds=0.01, slots=5, wall=2.0) == pytest.approx(100)
    assert efficiency(items=11, seconds=1.0, slots=5, wall=4.0) == pytest.approx(75)
