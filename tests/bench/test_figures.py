import pytest

from bench.figures import Figure, Spread, efficiency, percentile

RATE = Figure("rate", "items", "items/s", more_is_better=True, floor=3000)
TIME = Figure("p50", "latency", "ms", floor=10)
FREE = Figure("memory", "memory", "MB")


def test_a_rate_meets_its_floor_at_the_floor():
    assert RATE.meets(3000)
    assert not RATE.meets(2999.9)


def test_a_time_meets_its_floor_only_below_it():
    assert TIME.meets(9.9)
    assert not TIME.meets(10)


def test_a_figure_without_a_floor_promises_nothing():
    assert FREE.meets(10**9) is None


def test_the_ratio_says_how_many_times_better_the_hive_is_either_way():
    assert RATE.ratio(hive=5000, rival=100) == 50
    assert TIME.ratio(hive=2, rival=12) == 6


@pytest.mark.parametrize("figure", [RATE, TIME])
def test_nothing_is_infinitely_better_or_worse(figure):
    assert figure.ratio(hive=5000, rival=0) is None
    assert figure.ratio(hive=0, rival=12) is None


def test_the_spread_keeps_the_outliers_beside_the_median():
    assert Spread.of([9, 1, 2]) == Spread(median=2, lowest=1, highest=9)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1), (0.0, 1)]
)
def test_percentiles_are_values_that_were_measured(share, expected):
    values = list(range(100, 0, -1))

    assert percentile(values, share) == expected


def test_the_ideal_counts_the_fullest_slot():
    assert efficiency(items=1000, seconds=0.01, slots=5, wall=2.0) == pytest.approx(100)
    assert efficiency(items=11, seconds=1.0, slots=5, wall=4.0) == pytest.approx(75)
